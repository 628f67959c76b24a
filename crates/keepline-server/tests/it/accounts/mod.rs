//! Accounts: names, passwords, tokens, and what calls them back.

mod cim;
mod everyone;
mod nodes;
mod passwords;
mod tokens;

use std::sync::Arc;

use keepline_server::accounts::{Accounts, Hashing};
use keepline_server::store::Store;

use crate::support::wall::Wall;

const PASSWORD: &str = "correct horse";

/// The accounts of a store, as one node has them.
async fn node(store: Arc<dyn Store>) -> Accounts {
    Accounts::load(store, Hashing::cheapest()).await.unwrap()
}

/// The same with a clock that can be set.
async fn node_at(store: Arc<dyn Store>, wall: &Wall) -> Accounts {
    Accounts::load_at(store, Hashing::cheapest(), Arc::new(wall.clone())).await.unwrap()
}
