//! Known: when each delayed message is to be looked at, and which ones a user has.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::delayed::{LOGS, Phase, Stored, id_of};
use crate::entity::Held;
use crate::entity::follow::{Follow, Source};
use crate::entity::replica::Replica;
use crate::id::{ScheduleId, UserId};
use crate::store::LogName;

/// How long another node has for sending what it began to send, in milliseconds; then we send it as well, which the
/// conversation tells apart by its id.
const CLAIM_MS: u64 = 60_000;

/// The delayed messages in memory, without what they say.
pub(super) struct Known {
    tables: Mutex<Tables>,
    /// Somebody may be due earlier than was thought.
    changed: Notify,
}

struct Tables {
    entries: Replica<ScheduleId, Entry>,
    of_users: HashMap<UserId, BTreeSet<(u64, ScheduleId)>>,
    /// Who is to be looked at, and when; by the wall's clock.
    queue: BTreeSet<(u64, ScheduleId)>,
}

#[derive(Clone)]
struct Entry {
    owner: UserId,
    due_ms: u64,
    /// `None` for one that failed.
    look_ms: Option<u64>,
}

impl Known {
    pub(super) fn new() -> Self {
        let tables = Tables { entries: Replica::new(), of_users: HashMap::new(), queue: BTreeSet::new() };
        Self { tables: Mutex::new(tables), changed: Notify::new() }
    }

    /// How many a user has.
    pub(super) fn how_many_of(&self, owner: &UserId) -> usize {
        self.lock().of_users.get(owner).map_or(0, BTreeSet::len)
    }

    /// A user's, by the time they are due, behind `after`.
    pub(super) fn of_user(
        &self,
        owner: &UserId,
        after: Option<&(u64, ScheduleId)>,
        limit: usize,
    ) -> Vec<(u64, ScheduleId)> {
        let tables = self.lock();
        let Some(theirs) = tables.of_users.get(owner) else { return Vec::new() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        theirs.range((from, Bound::Unbounded)).take(limit).cloned().collect()
    }

    /// Takes one out of the queue whose time has come.
    pub(super) fn pop(&self, now_ms: u64) -> Option<ScheduleId> {
        let mut tables = self.lock();
        let due = tables.queue.first().is_some_and(|(look_ms, _)| *look_ms <= now_ms);
        due.then(|| tables.queue.pop_first().map(|(_, id)| id)).flatten()
    }

    /// Puts one into the queue again that was taken out of it, if it is still to be sent.
    pub(super) fn put_back(&self, id: &ScheduleId) {
        let mut tables = self.lock();
        if let Some(look_ms) = tables.entries.get(id).and_then(|entry| entry.look_ms) {
            tables.queue.insert((look_ms, id.clone()));
        }
    }

    /// When the next is to be looked at.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.lock().queue.first().map(|(look_ms, _)| *look_ms)
    }

    /// Waits until the next may be another.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn put(&mut self, id: &ScheduleId, seq: u64, entry: Option<&Entry>, from: Source) {
        let Ok(before) = self.entries.put(id.clone(), seq, entry.cloned(), from) else { return };
        if let Some(before) = before {
            if let Some(look_ms) = before.look_ms {
                self.queue.remove(&(look_ms, id.clone()));
            }
            if let Some(theirs) = self.of_users.get_mut(&before.owner) {
                theirs.remove(&(before.due_ms, id.clone()));
                if theirs.is_empty() {
                    self.of_users.remove(&before.owner);
                }
            }
        }
        if let Some(entry) = entry {
            if let Some(look_ms) = entry.look_ms {
                self.queue.insert((look_ms, id.clone()));
            }
            self.of_users.entry(entry.owner.clone()).or_default().insert((entry.due_ms, id.clone()));
        }
    }
}

impl Follow for Known {
    const PREFIX: &'static str = LOGS;
    type State = Stored;

    fn take(&self, log: &LogName, held: Held<Stored>, from: Source) {
        let (Some(id), Ok(owner)) = (id_of(log), held.state.owner.parse()) else {
            tracing::error!(%log, "left out: its name or its owner's is none");
            return;
        };
        let due_ms = held.state.due_ms;
        let look_ms = match held.state.phase() {
            Phase::Waiting => Some(due_ms),
            // Read at the start: whoever began it may have been us, before we fell.
            Phase::Sending if from == Source::Log => Some(due_ms),
            Phase::Sending => Some(held.state.claimed_ms.saturating_add(CLAIM_MS)),
            Phase::Failed => None,
            Phase::None | Phase::Sent | Phase::Cancelled => {
                self.lock().put(&id, held.seq, None, from);
                return;
            }
        };
        self.lock().put(&id, held.seq, Some(&Entry { owner, due_ms, look_ms }), from);
        self.changed.notify_one();
    }

    fn is_news(&self, log: &LogName, seq: u64) -> bool {
        id_of(log).is_some_and(|id| self.lock().entries.is_news(&id, seq))
    }

    fn lagged(&self) {
        self.lock().entries.lagged();
    }
}
