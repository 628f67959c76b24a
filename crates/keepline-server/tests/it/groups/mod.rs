//! Groups: who may do what, how large they get, and what becomes of many changes at once.

mod changes;
mod joining;
mod open;
mod roles;

use std::sync::Arc;

use keepline_server::groups::Groups;
use keepline_server::store::Store;

async fn node(store: Arc<dyn Store>) -> Groups {
    Groups::load(store).await.unwrap()
}

/// The members of a group as one line: `ann=owner bob=member`; `-` if there is none.
fn members(groups: &Groups, group: &str) -> String {
    let Some(group) = groups.get(&crate::support::id(group)) else { return "-".to_owned() };
    let members = group.members.iter().map(|(user, member)| format!("{user}={:?}", member.role).to_lowercase());
    members.collect::<Vec<_>>().join(" ")
}
