//! People: the accounts of the witnesses, and two more, in a store that no server has yet.

use std::path::Path;

use keepline_server::accounts::{Accounts, Hashing};
use keepline_server::store::Store as _;
use keepline_server::store::redb::{Options, Redb};

use super::crowd::{CLIENTS, runtime};

/// The password of all of them, which is that of every swarm.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Makes them with hashes that cost next to nothing: what a password costs is not tested here, and a server takes what
/// is stored.
pub(crate) fn settle_in(data: &Path) {
    let mut options = Options::default();
    options.reserve = 0;
    let store = Redb::open(data, options).expect("a store");
    runtime().block_on(async {
        let accounts = Accounts::load(store.clone(), Hashing::cheapest()).await.expect("an empty store");
        for user in (0..CLIENTS).map(|number| format!("c{number}")).chain(["ann".into(), "bob".into()]) {
            accounts.create(user.parse().expect("a name"), PASSWORD).await.expect("an account");
        }
        store.close().await;
    });
}
