//! People: users with their tokens, registered in a folder before a server is started on it.
//!
//! Not over HTTP: there a password costs what it should, which for hundreds of users is most of a test's time.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use keepline_server::accounts::{Accounts, Hashing};
use keepline_server::clock::{Clock, System};
use keepline_server::groups::Groups;
use keepline_server::id::UserId;
use keepline_server::store::Store;
use keepline_server::store::redb::{Options, Redb};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::folder::Folder;

/// The password of everybody, and the device of each token.
const PASSWORD: &str = "correct horse battery staple";
pub(crate) const DEVICE: &str = "phone";

/// Users, and the folder in which a server finds them.
pub(crate) struct People {
    folder: Folder,
    tokens: HashMap<String, String>,
    numbers: HashMap<String, i64>,
}

/// A clock that is so many milliseconds behind the machine's.
struct Ago(u64);

impl Clock for Ago {
    fn now_ms(&self) -> u64 {
        System.now_ms() - self.0
    }
}

/// Who is to be registered.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    pub(crate) users: Vec<String>,
    /// Names of cim.
    pub(crate) cim: Vec<String>,
    /// A group of these members; the first is its owner.
    pub(crate) groups: Vec<(String, Vec<String>)>,
}

impl People {
    pub(crate) fn register(plan: &Plan) -> Self {
        let folder = Folder::new("people");
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (tokens, numbers) = runtime.block_on(async {
            let store = Redb::open(&folder.path().join("data"), Options::default()).expect("an empty folder");
            let registered = fill(store.clone(), plan).await;
            store.close().await;
            registered
        });
        Self { folder, tokens, numbers }
    }

    /// So many users, `u0`, `u1` and so on, and others by name.
    pub(crate) fn crowd(count: usize, others: &[&str]) -> Self {
        let mut users: Vec<String> = (0..count).map(user).collect();
        users.extend(others.iter().map(ToString::to_string));
        Self::register(&Plan { users, ..Plan::default() })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Another token of a user's, as it would have been made so many days ago. No server may run yet.
    #[track_caller]
    pub(crate) fn old_token(&self, user: &str, days: u64) -> String {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let store = Redb::open(&self.data(), Options::default()).expect("no server runs");
            let clock = Arc::new(Ago(days * 24 * 3600 * 1000));
            let accounts = Accounts::load_at(store.clone(), Hashing::cheapest(), clock).await.expect("a store");
            let device = DEVICE.parse().expect("a device's name");
            let token = accounts.issue(&id(user), PASSWORD, device).await.expect("the password is right");
            store.close().await;
            token.text.to_string()
        })
    }

    #[track_caller]
    pub(crate) fn token(&self, user: &str) -> &str {
        self.tokens.get(user).unwrap_or_else(|| panic!("{user} is not registered"))
    }

    /// The number of a name of cim.
    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> i64 {
        *self.numbers.get(name).unwrap_or_else(|| panic!("{name} is not registered"))
    }
}

/// The name of a user of a crowd.
pub(crate) fn user(number: usize) -> String {
    format!("u{number}")
}

async fn fill(store: Arc<Redb>, plan: &Plan) -> (HashMap<String, String>, HashMap<String, i64>) {
    let hashing = Hashing::cheapest().with_limits(2, plan.users.len() + 1);
    let accounts = Arc::new(Accounts::load(store.clone(), hashing).await.expect("an empty store"));
    // Many at once, so that one sync of the disk serves them, but no more than may wait for the disk.
    let room = Arc::new(Semaphore::new(256));
    let mut tasks = JoinSet::new();
    for name in plan.users.clone() {
        let (accounts, room) = (accounts.clone(), room.clone());
        tasks.spawn(async move {
            let _one = room.acquire().await.expect("it stays open");
            let user = id(&name);
            accounts.create(user.clone(), PASSWORD).await.expect("the name is free");
            let device = DEVICE.parse().expect("a device's name");
            let token = accounts.issue(&user, PASSWORD, device).await.expect("the password is right");
            (name, token.text.to_string())
        });
    }
    let tokens = tasks.join_all().await.into_iter().collect();
    let mut numbers = HashMap::new();
    for name in &plan.cim {
        let (number, _) = accounts.cim().register(name).await.expect("a name of cim");
        numbers.insert(name.clone(), number);
    }
    let groups = Groups::load(store).await.expect("a store without groups");
    for (group, members) in &plan.groups {
        let (owner, others) = members.split_first().expect("a group has a member");
        let group = group.parse().expect("a group's name");
        groups.create(&group, "a group", &id(owner), others.iter().map(|name| id(name))).await.expect("a new group");
    }
    (tokens, numbers)
}

fn id(name: &str) -> UserId {
    name.parse().expect("a user's name")
}
