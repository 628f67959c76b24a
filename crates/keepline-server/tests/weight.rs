//! What an account, a group's member and a delayed message take in memory, counted by the allocator. Alone in its
//! process, as the count is the process's.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::alloc::System;
use std::sync::Arc;

use bytes::Bytes;
use keepline_server::accounts::{Accounts, CimAccounts, Hashing};
use keepline_server::clock::Clock as _;
use keepline_server::conversation::Conversation;
use keepline_server::groups::Groups;
use keepline_server::id::{MessageId, UserId};
use keepline_server::message::Kind;
use keepline_server::schedule::{Delayed, Deliver, Schedules, Undelivered};
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, LogName, Page, Store};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Just over seven eighths of 8,192: tables have doubled shortly before, which is their worst.
const MANY: usize = 7_200;

struct Nobody;

impl Deliver for Nobody {
    fn send(
        &self,
        _: &UserId,
        _: MessageId,
        _: Delayed,
    ) -> futures_core::future::BoxFuture<'static, Result<u64, Undelivered>> {
        Box::pin(async { Err(Undelivered::Later) })
    }
}

fn user(number: usize) -> UserId {
    format!("user-{number:08}").parse().unwrap()
}

/// What loading takes for each of `many`, in bytes.
async fn weigh<T>(what: &str, many: usize, most: usize, load: impl Future<Output = T>) -> T {
    let region = Region::new(ALLOCATOR);
    let loaded = load.await;
    let change = region.change();
    let bytes = change.bytes_allocated - change.bytes_deallocated;
    let each = bytes / many;
    println!("{what}: {each} bytes each");
    assert!(each <= most, "{what}: {each} bytes each, of at most {most}");
    loaded
}

/// Many accounts at the price of one hash: copies of one record.
async fn accounts(store: &Arc<Memory>) {
    let accounts = Accounts::load(store.clone(), Hashing::cheapest()).await.unwrap();
    accounts.create(user(0), "correct horse").await.unwrap();
    let log = |number: usize| LogName::new(&format!("a.{}", user(number)));
    let body = store.read(&log(0), 0, Page { records: 1, bytes: 1024 }).await.unwrap().remove(0).body;
    for number in 1..MANY {
        let id = MessageId::new([1; 16]);
        let append = Append { log: log(number), expected: Expected::Head(0), id, body: body.clone() };
        let _ = store.append(append).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_kept_in_memory_is_as_small_as_we_say() {
    let store = Memory::new();
    accounts(&store).await;
    let load = Accounts::load(store.clone(), Hashing::cheapest());
    let loaded = weigh("account", MANY, 160, load).await.unwrap();
    assert!(loaded.exists(&user(MANY - 1)));

    let cim = CimAccounts::load(store.clone()).await.unwrap();
    for number in 0..MANY {
        cim.register(&format!("user {number:08}")).await.unwrap();
    }
    let loaded = weigh("cim account", MANY, 170, CimAccounts::load(store.clone())).await.unwrap();
    assert!(loaded.id_of_name("user 00000001").is_some());

    let groups = Groups::load(store.clone()).await.unwrap();
    for number in 0..MANY / 100 {
        let group = format!("group-{number:08}").parse().unwrap();
        groups.create(&group, "The team", &user(0), (1..100).map(user)).await.unwrap();
    }
    let loaded = weigh("member", MANY, 110, Groups::load(store.clone())).await.unwrap();
    assert_eq!(loaded.groups_of(&user(99)).len(), MANY / 100);

    let schedules = Schedules::load(store.clone(), Nobody).await.unwrap();
    let due_ms = keepline_server::clock::System.now_ms() + 3_600_000;
    for number in 0..MANY {
        let conversation = Conversation::Everyone;
        let delayed = Delayed { conversation, kind: Kind::Text, body: Bytes::from(vec![b'x'; 1024]) };
        schedules.create(&user(number % 10), delayed, due_ms).await.unwrap();
    }
    let loaded = weigh("delayed message", MANY, 340, Schedules::load(store.clone(), Nobody)).await.unwrap();
    assert_eq!(loaded.list(&user(9), None, 5).await.unwrap().items.len(), 5);
}
