//! Rows: what is over leaves none behind in the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use keepline_server::accounts::{Accounts, Hashing, TOKEN_LIFE_MS};
use keepline_server::clock::Clock as _;
use keepline_server::id::{MessageId, UserId};
use keepline_server::message::Kind;
use keepline_server::schedule::{Delayed, Deliver, Schedules, Undelivered};
use keepline_server::store::Store;
use keepline_server::store::redb::{FILE, Options, Redb};
use redb::{ReadableDatabase as _, ReadableTableMetadata as _, TableHandle as _};

use super::engine::Folder;
use crate::support::id;
use crate::support::wall::Wall;

const PASSWORD: &str = "correct horse";
const MANY: u64 = 40;

/// Takes every message, and keeps none.
struct Nowhere;

impl Deliver for Nowhere {
    fn send(&self, _: &UserId, _: MessageId, _: Delayed) -> BoxFuture<'static, Result<u64, Undelivered>> {
        Box::pin(std::future::ready(Ok(1)))
    }
}

/// How many rows each table of a closed store has.
fn rows(folder: &Path) -> BTreeMap<String, u64> {
    let database = redb::Database::open(folder.join(FILE)).unwrap();
    let tx = database.begin_read().unwrap();
    let count = |table: redb::UntypedTableHandle| {
        (table.name().to_owned(), tx.open_untyped_table(table).unwrap().len().unwrap())
    };
    tx.list_tables().unwrap().map(count).collect()
}

/// Opens the store, and its parts at this time; closes it again behind `act`.
async fn with_parts(folder: &Path, wall: &Wall, act: impl AsyncFnOnce(Arc<Redb>, Accounts, Schedules)) {
    let store = Redb::open(folder, Options::default()).unwrap();
    let accounts = Accounts::load_at(store.clone(), Hashing::cheapest(), Arc::new(wall.clone())).await.unwrap();
    let schedules = Schedules::load_at(store.clone(), Nowhere, Arc::new(wall.clone())).await.unwrap();
    act(store.clone(), accounts, schedules).await;
    store.close().await;
}

#[tokio::test]
async fn tokens_and_delayed_messages_that_are_over_leave_no_row() {
    let (folder, wall) = (Folder::new(), Wall::new());
    let ann: UserId = id("ann");
    with_parts(folder.path(), &wall, async |_, accounts, _| {
        accounts.create(id("ann"), PASSWORD).await.unwrap();
    })
    .await;
    let mut base = rows(folder.path());
    with_parts(folder.path(), &wall, async |store, accounts, schedules| {
        let mut feed = store.subscribe();
        for n in 0..MANY {
            let device = id(&format!("phone{n}"));
            accounts.issue(&ann, PASSWORD, device).await.unwrap();
            let message = Delayed { conversation: id("all"), kind: Kind::Text, body: "hello".into() };
            schedules.create(&ann, message, wall.now_ms()).await.unwrap();
        }
        // Each token is made; each message is made, begun, and sent.
        for _ in 0..MANY * 4 {
            feed.recv().await.unwrap();
        }
    })
    .await;
    let full = rows(folder.path());
    assert_eq!(full["logs"], base["logs"] + MANY * 2);
    wall.jump(i64::try_from(TOKEN_LIFE_MS).unwrap() + 1000);
    with_parts(folder.path(), &wall, async |_, accounts, schedules| {
        assert_eq!((accounts.sweep().await, schedules.sweep().await), (Ok(MANY), Ok(MANY)));
    })
    .await;
    let mut left = rows(folder.path());
    // Of records that were dropped while a message was under way: it goes when a day has passed on the machine's clock.
    let expiring = left.insert("expiring".to_owned(), 0);
    assert!(expiring.is_some_and(|rows| rows <= MANY * 2), "{expiring:?}");
    // So does that of the account's own first record.
    base.insert("expiring".to_owned(), 0);
    assert_eq!(left, base);
}
