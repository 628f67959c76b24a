//! Roster: who exists and who belongs where, as the directory asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::id::{GroupId, UserId};

/// Accounts and groups, seen from below. Every answer comes from memory.
pub trait Roster: Send + Sync + 'static {
    /// The number of the last message to everyone from before the user existed; `None` if he does not.
    fn exists_since(&self, user: &UserId) -> Option<u64>;

    /// A group's members.
    fn group(&self, group: &GroupId) -> Option<Arc<Members>>;

    /// The groups that a user is a member of.
    fn groups_of(&self, user: &UserId) -> Vec<GroupId>;

    /// Every group.
    fn groups(&self) -> Vec<GroupId>;

    /// A user's number and name in cim's dialects; `None` for who has none there.
    fn cim_name(&self, user: &UserId) -> Option<(i64, String)>;

    /// Groups whose members have changed, told after [`group`](Self::group) shows the change. A listener that is too
    /// slow misses some, and looks at all of them.
    fn changes(&self) -> broadcast::Receiver<GroupId>;
}

/// The members of a group, each with the number of the last message from before he joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a map with a meaning")]
pub struct Members(pub BTreeMap<UserId, u64>);
