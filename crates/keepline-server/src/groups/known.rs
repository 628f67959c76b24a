//! Known: every group in memory, and the groups of every user.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::broadcast;

use super::group::{Group, LOGS, Stored, id_of};
use crate::entity::Held;
use crate::entity::follow::{Follow, Source};
use crate::entity::replica::Replica;
use crate::id::{GroupId, UserId};
use crate::store::LogName;

/// Changes that a listener may be behind before it is told to look at all groups.
const CHANGES: usize = 1024;

/// The groups in memory.
pub(super) struct Known {
    tables: RwLock<Tables>,
    changes: broadcast::Sender<GroupId>,
}

struct Tables {
    groups: Replica<GroupId, Arc<Group>>,
    of_users: HashMap<UserId, BTreeSet<GroupId>>,
}

impl Known {
    pub(super) fn new() -> Self {
        let tables = RwLock::new(Tables { groups: Replica::new(), of_users: HashMap::new() });
        Self { tables, changes: broadcast::Sender::new(CHANGES) }
    }

    pub(super) fn get(&self, group: &GroupId) -> Option<Arc<Group>> {
        self.read().groups.get(group).cloned()
    }

    pub(super) fn groups_of(&self, user: &UserId) -> Vec<GroupId> {
        self.read().of_users.get(user).into_iter().flatten().cloned().collect()
    }

    /// Every group that has a member.
    pub(super) fn ids(&self) -> Vec<GroupId> {
        let tables = self.read();
        let ids: BTreeSet<&GroupId> = tables.of_users.values().flatten().collect();
        ids.into_iter().cloned().collect()
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<GroupId> {
        self.changes.subscribe()
    }

    pub(super) fn how_many_of(&self, user: &UserId) -> usize {
        self.read().of_users.get(user).map_or(0, BTreeSet::len)
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// Whether that was news.
    fn put(&mut self, id: &GroupId, seq: u64, group: Option<&Arc<Group>>, from: Source) -> bool {
        let Ok(before) = self.groups.put(id.clone(), seq, group.cloned(), from) else { return false };
        for user in before.iter().flat_map(|before| before.members.keys()) {
            if group.is_none_or(|group| !group.members.contains_key(user))
                && let Some(groups) = self.of_users.get_mut(user)
            {
                groups.remove(id);
                if groups.is_empty() {
                    self.of_users.remove(user);
                }
            }
        }
        for user in group.iter().flat_map(|group| group.members.keys()) {
            if before.as_ref().is_none_or(|before| !before.members.contains_key(user)) {
                self.of_users.entry(user.clone()).or_default().insert(id.clone());
            }
        }
        true
    }
}

impl Follow for Known {
    const PREFIX: &'static str = LOGS;
    type State = Stored;

    fn take(&self, log: &LogName, held: Held<Stored>, from: Source) {
        let Some(id) = id_of(log) else { return };
        let group = {
            // A user's name is in memory once, however many groups he is in.
            let tables = self.read();
            let known = |user: UserId| {
                tables.of_users.get_key_value(&user).map_or_else(|| user.clone(), |(known, _)| known.clone())
            };
            Group::read(log, held.seq, &held.state, known)
        };
        match group {
            Ok(group) => {
                let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
                let news = tables.put(&id, held.seq, group.map(Arc::new).as_ref(), from);
                drop(tables);
                if news {
                    // Nobody listening is no error.
                    let _ = self.changes.send(id);
                }
            }
            Err(error) => tracing::error!(%error, "left out"),
        }
    }

    fn is_news(&self, log: &LogName, seq: u64) -> bool {
        id_of(log).is_some_and(|id| self.read().groups.is_news(&id, seq))
    }

    fn lagged(&self) {
        self.tables.write().unwrap_or_else(PoisonError::into_inner).groups.lagged();
    }
}
