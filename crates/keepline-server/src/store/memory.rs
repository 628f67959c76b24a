//! Memory: the engine that keeps everything until the process ends. For tests, and for servers that need no more.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::{
    Answer, Append, Committed, Durability, Expected, FEED, Feed, Head, LARGEST, LogName, Outcome, Page, Record, Store,
    StoreError,
};
use crate::id::MessageId;

/// How long the id of a trimmed record is remembered: a sender may repeat a message for a day.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// Ids that one append or trim forgets at the most, so that none takes long.
const PURGE: usize = 1000;

/// Keeps everything in memory.
#[derive(Debug)]
pub struct Memory {
    state: Mutex<State>,
    feed: broadcast::Sender<Committed>,
}

#[derive(Debug, Default)]
struct State {
    epoch: u64,
    logs: BTreeMap<LogName, Log>,
    marks: HashMap<String, BTreeMap<LogName, u64>>,
    /// Ids of trimmed records, and when they may be forgotten.
    expiring: VecDeque<(Instant, LogName, MessageId)>,
}

#[derive(Debug, Default)]
struct Log {
    head: u64,
    bytes: u64,
    records: BTreeMap<u64, Record>,
    ids: HashMap<MessageId, u64>,
}

impl Memory {
    /// An empty store, in an epoch of its own.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::in_epoch(getrandom::u64().unwrap_or(1).max(1))
    }

    /// An empty store in this epoch.
    pub(super) fn in_epoch(epoch: u64) -> Arc<Self> {
        let state = Mutex::new(State { epoch, ..State::default() });
        Arc::new(Self { state, feed: broadcast::Sender::new(FEED) })
    }

    #[cfg(feature = "fake")]
    pub(super) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Appends: the whole of it, without a future.
    pub(super) fn append_now(&self, append: Append) -> Result<Outcome, StoreError> {
        let (log, id, body) = (append.log.clone(), append.id, append.body.clone());
        let mut state = self.lock();
        let outcome = state.append(append);
        if let Ok(Outcome::Appended(seq)) = outcome {
            // Under the lock, so that each log's records are told in order. Nobody listening is no error.
            let _ = self.feed.send(Committed { log, epoch: state.epoch, record: Record { seq, id, body } });
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn head(&self, log: &LogName) -> Head {
        self.logs.get(log).map_or(Head { epoch: self.epoch, seq: 0, first: 1, bytes: 0 }, |log| log.head(self.epoch))
    }

    /// Forgets ids whose day is over.
    fn purge(&mut self) {
        let now = Instant::now();
        let due = self.expiring.iter().take(PURGE).take_while(|(when, ..)| *when <= now).count();
        for (_, log, id) in self.expiring.drain(..due) {
            if let Some(log) = self.logs.get_mut(&log) {
                log.forget(id);
            }
        }
    }

    fn append(&mut self, append: Append) -> Result<Outcome, StoreError> {
        self.purge();
        if append.body.len() > LARGEST {
            return Err(StoreError::TooLarge { length: append.body.len(), limit: LARGEST });
        }
        let known = self.logs.get(&append.log);
        if let Some(seq) = known.and_then(|log| log.ids.get(&append.id)) {
            return Ok(Outcome::Duplicate(*seq));
        }
        let head = known.map_or(0, |log| log.head);
        if matches!(append.expected, Expected::Head(expected) if expected != head) {
            return Ok(Outcome::Conflict { head });
        }
        let log = self.logs.entry(append.log).or_default();
        log.head += 1;
        log.bytes += append.body.len() as u64;
        log.ids.insert(append.id, log.head);
        log.records.insert(log.head, Record { seq: log.head, id: append.id, body: append.body });
        Ok(Outcome::Appended(log.head))
    }
}

impl Log {
    fn head(&self, epoch: u64) -> Head {
        let first = self.records.keys().next().copied().unwrap_or(self.head + 1);
        Head { epoch, seq: self.head, first, bytes: self.bytes }
    }

    /// Forgets the id of a trimmed record.
    fn forget(&mut self, id: MessageId) {
        if self.ids.get(&id).is_some_and(|seq| !self.records.contains_key(seq)) {
            self.ids.remove(&id);
        }
    }
}

impl Store for Memory {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn append(&self, append: Append) -> Answer<Outcome> {
        ready(self.append_now(append))
    }

    fn head(&self, log: &LogName) -> Answer<Head> {
        ready(Ok(self.lock().head(log)))
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> Answer<Vec<Record>> {
        let state = self.lock();
        let records =
            state.logs.get(log).map(|log| log.records.range(after.saturating_add(1)..).map(|(_, record)| record));
        ready(Ok(within(page, records.into_iter().flatten())))
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
        let state = self.lock();
        let records = state.logs.get(log).map(|log| log.records.range(..before).rev().map(|(_, record)| record));
        ready(Ok(within(page, records.into_iter().flatten())))
    }

    fn logs(&self, prefix: &str, after: Option<&LogName>, limit: usize) -> Answer<Vec<(LogName, Head)>> {
        let state = self.lock();
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(LogName::new(prefix)),
        };
        let logs = state
            .logs
            .range((start, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix))
            .take(limit)
            .map(|(name, log)| (name.clone(), log.head(state.epoch)));
        ready(Ok(logs.collect()))
    }

    fn trim(&self, log: &LogName, through: u64) -> Answer<()> {
        let mut state = self.lock();
        state.purge();
        let State { logs, expiring, .. } = &mut *state;
        if let Some(trimmed) = logs.get_mut(log) {
            let kept = trimmed.records.split_off(&through.saturating_add(1));
            let dropped = std::mem::replace(&mut trimmed.records, kept);
            trimmed.bytes -= dropped.values().map(|record| record.body.len() as u64).sum::<u64>();
            let when = Instant::now() + REMEMBERED;
            expiring.extend(dropped.into_values().map(|record| (when, log.clone(), record.id)));
        }
        ready(Ok(()))
    }

    fn forget(&self, log: &LogName) -> Answer<()> {
        self.lock().logs.remove(log);
        ready(Ok(()))
    }

    fn put_mark(&self, owner: &str, log: &LogName, seq: u64) -> Answer<()> {
        let mut state = self.lock();
        let mark = state.marks.entry(owner.to_owned()).or_default().entry(log.clone()).or_default();
        *mark = seq.max(*mark);
        ready(Ok(()))
    }

    fn marks(&self, owner: &str) -> Answer<Vec<(LogName, u64)>> {
        let state = self.lock();
        let marks = state.marks.get(owner).into_iter().flatten().map(|(log, seq)| (log.clone(), *seq));
        ready(Ok(marks.collect()))
    }

    fn subscribe(&self) -> Feed {
        self.feed.subscribe()
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// As many records as the page allows, at least one.
fn within(page: Page, records: impl Iterator<Item: Borrow<Record>>) -> Vec<Record> {
    let mut bytes = 0_usize;
    let mut taken = Vec::new();
    for record in records.take(page.records.max(1)) {
        let record = record.borrow();
        bytes = bytes.saturating_add(record.body.len());
        if !taken.is_empty() && bytes > page.bytes {
            break;
        }
        taken.push(record.clone());
    }
    taken
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, T> {
    Box::pin(std::future::ready(value))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_id_of_a_trimmed_record_is_forgotten_after_a_day_and_no_other() {
        let (memory, log) = (Memory::new(), LogName::new("m.all"));
        let append = |number: u8| {
            let (id, body) = (MessageId::new([number; 16]), Bytes::from_static(b"x"));
            memory.append_now(Append { log: log.clone(), expected: Expected::Any, id, body })
        };
        (1..=3).for_each(|number| drop(append(number)));
        memory.trim(&log, 2).await.unwrap();
        let remembered = || memory.lock().logs[&log].ids.len();
        let nearly = REMEMBERED - Duration::from_millis(1);
        for (later, answer) in [
            (Duration::ZERO, Outcome::Duplicate(1)),
            (nearly, Outcome::Duplicate(1)),
            (Duration::from_millis(1), Outcome::Appended(4)),
        ] {
            tokio::time::advance(later).await;
            assert_eq!(append(1), Ok(answer), "{later:?} later");
        }
        assert_eq!(remembered(), 2, "of the records that are there, and of no other");
        assert_eq!(append(3), Ok(Outcome::Duplicate(3)), "not trimmed");
        assert_eq!(append(2), Ok(Outcome::Appended(5)));
        // Trimmed once more; forgotten with its log before its day is over, and stored anew.
        memory.trim(&log, 5).await.unwrap();
        memory.forget(&log).await.unwrap();
        assert_eq!(append(1), Ok(Outcome::Appended(1)));
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(append(1), Ok(Outcome::Duplicate(1)), "the record is there");
        assert!(memory.lock().expiring.is_empty());
    }
}
