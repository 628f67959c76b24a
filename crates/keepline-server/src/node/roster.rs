//! Roster of a node: accounts and groups, as the directory asks for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use scc::HashMap;
use tokio::sync::broadcast;

use crate::accounts::{Accounts, cim};
use crate::directory::{Members, Roster};
use crate::groups::{Group, Groups};
use crate::id::{GroupId, UserId};

/// Accounts and groups together.
pub(super) struct Everybody {
    accounts: Arc<Accounts>,
    groups: Arc<Groups>,
    /// The members of each group that was asked for, as long as the group is the one that they were made of.
    members: HashMap<GroupId, (Arc<Group>, Arc<Members>)>,
}

impl Everybody {
    pub(super) fn new(accounts: Arc<Accounts>, groups: Arc<Groups>) -> Arc<Self> {
        Arc::new(Self { accounts, groups, members: HashMap::new() })
    }
}

impl Roster for Everybody {
    fn exists_since(&self, user: &UserId) -> Option<u64> {
        match cim::id_of(user) {
            Some(id) => self.accounts.cim().everyone_since(id),
            None => self.accounts.everyone_since(user),
        }
    }

    fn group(&self, group: &GroupId) -> Option<Arc<Members>> {
        let Some(now) = self.groups.get(group) else {
            self.members.remove_sync(group);
            return None;
        };
        let known = self.members.read_sync(group, |_, (of, members)| Arc::ptr_eq(of, &now).then(|| Arc::clone(members)));
        if let Some(members) = known.flatten() {
            return Some(members);
        }
        let since: BTreeMap<UserId, u64> =
            now.members.iter().map(|(user, member)| (user.clone(), member.since)).collect();
        let members = Arc::new(Members(since));
        self.members.upsert_sync(group.clone(), (now, Arc::clone(&members)));
        Some(members)
    }

    fn groups_of(&self, user: &UserId) -> Vec<GroupId> {
        self.groups.groups_of(user)
    }

    fn groups(&self) -> Vec<GroupId> {
        self.groups.ids()
    }

    fn cim_name(&self, user: &UserId) -> Option<(i64, String)> {
        let id = cim::id_of(user)?;
        self.accounts.cim().name_of(id).map(|name| (id, name))
    }

    fn changes(&self) -> broadcast::Receiver<GroupId> {
        self.groups.changes()
    }
}
