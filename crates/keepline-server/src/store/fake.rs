//! Fake: a bus between us and a store, which does to requests what networks and crashing servers do.
//!
//! It delays and reorders answers, delivers requests twice, loses answers (of requests that were stored, were not, or
//! will be later), refuses, tells its feed late, and loses at a [`crash`](Fake::crash) what it had not synced. All of it
//! from one seed: the same calls in the same order meet the same faults.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::broadcast;

use super::memory::Memory;
use super::{
    Answer, Append, Committed, Durability, FEED, Feed, Head, LogName, Outcome, Page, Record, Store, StoreError,
};

/// How often each fault happens, in permille of the requests it can happen to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests name the faults they want, and no others by ..Default::default()")]
pub struct Faults {
    /// Appends that are refused, and not stored.
    pub refused: u16,
    /// Appends that are delivered twice; the answer is the second's.
    pub doubled: u16,
    /// Appends whose answer is lost.
    pub unanswered: u16,
    /// Appends that are lost on the way, their answer with them.
    pub lost: u16,
    /// Appends whose answer is lost, and that are stored after `delay`, behind later ones.
    pub late: u16,
    /// Reads that fail.
    pub unreadable: u16,
    /// Answers, and records told by the feed, that wait for up to this long.
    pub delay: Duration,
    /// Acknowledges before it has synced: a crash then loses what was acknowledged. What a test of ours must find.
    pub lazy: bool,
}

impl Faults {
    /// All that an honest bus does, often.
    #[must_use]
    pub const fn wild() -> Self {
        Self {
            refused: 50,
            doubled: 100,
            unanswered: 100,
            lost: 50,
            late: 50,
            unreadable: 50,
            delay: Duration::from_millis(20),
            lazy: false,
        }
    }
}

/// A store that misbehaves. Needs a tokio runtime with time.
#[derive(Debug)]
pub struct Fake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    faults: Faults,
    feed: broadcast::Sender<Committed>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: u64,
    /// What it holds now.
    now: Arc<Memory>,
    /// What it did, to be done again after a crash as far as it was synced.
    done: Vec<Act>,
    synced: usize,
    /// Stored, and not told yet; told in this order.
    untold: VecDeque<Committed>,
    /// Counts crashes: what was under way before one never arrives.
    life: u64,
}

#[derive(Debug)]
enum Act {
    Append(Append),
    Trim(LogName, u64),
    Forget(LogName),
    Mark(String, LogName, u64),
}

/// What happens to one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Refused,
    Doubled,
    Unanswered,
    Lost,
    Late,
}

impl Fake {
    /// An empty store whose faults follow from the seed.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Arc<Self> {
        let state =
            State { random: seed, now: Memory::new(), done: Vec::new(), synced: 0, untold: VecDeque::new(), life: 0 };
        let feed = broadcast::Sender::new(FEED);
        Arc::new(Self { inner: Arc::new(Inner { faults, feed, state: Mutex::new(state) }) })
    }

    /// Falls over and comes back: what was not synced is gone, and what is under way never arrives. An honest one has
    /// synced all but marks; a [lazy](Faults::lazy) one what [`sync`](Self::sync) was called behind.
    pub fn crash(&self) {
        let mut state = self.inner.lock();
        state.life += 1;
        let synced = state.synced;
        state.done.truncate(synced);
        let kept = Memory::in_epoch(state.now.epoch());
        for act in &state.done {
            match act {
                Act::Append(append) => drop(kept.append_now(append.clone())),
                Act::Trim(log, through) => drop(kept.trim(log, *through)),
                Act::Forget(log) => drop(kept.forget(log)),
                Act::Mark(owner, log, seq) => drop(kept.put_mark(owner, log, *seq)),
            }
        }
        state.now = kept;
    }

    /// Syncs what it holds.
    pub fn sync(&self) {
        let mut state = self.inner.lock();
        state.synced = state.done.len();
    }

    /// An answer that takes its time.
    fn answer<T: Send + 'static>(&self, state: &mut State, answer: T) -> BoxFuture<'static, T> {
        let delay = state.delay(&self.inner.faults);
        Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            answer
        })
    }

    fn read_now<T: Send + 'static>(&self, read: impl FnOnce(&Memory) -> Answer<T>) -> Answer<T> {
        let mut state = self.inner.lock();
        if state.happens(self.inner.faults.unreadable) {
            return self.answer(&mut state, Err(StoreError::Unavailable("the bus does not answer".into())));
        }
        let (read, late) = (read(&state.now), self.answer(&mut state, ()));
        Box::pin(async move {
            late.await;
            read.await
        })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(self: &Arc<Self>, state: &mut State, append: Append) -> Result<Outcome, StoreError> {
        let outcome = state.now.append_now(append.clone());
        if let Ok(Outcome::Appended(seq)) = outcome {
            let record = Record { seq, id: append.id, body: append.body.clone() };
            let (log, epoch) = (append.log.clone(), state.now.epoch());
            state.done.push(Act::Append(append));
            state.untold.push_back(Committed { log, epoch, record });
            self.tell_later(state);
        }
        if !self.faults.lazy {
            state.synced = state.done.len();
        }
        outcome
    }

    /// Tells the first that is not told, now or later: so many tellings as records, so all are told, and in order.
    fn tell_later(self: &Arc<Self>, state: &mut State) {
        let delay = state.delay(&self.faults);
        if delay.is_zero() {
            return self.tell(state);
        }
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let mut state = inner.lock();
            inner.tell(&mut state);
        });
    }

    fn tell(&self, state: &mut State) {
        if let Some(committed) = state.untold.pop_front() {
            // Nobody listening is no error.
            let _ = self.feed.send(committed);
        }
    }

    fn arrive_late(self: &Arc<Self>, state: &mut State, append: Append) {
        let (inner, delay, life) = (Arc::clone(self), state.delay(&self.faults), state.life);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let mut state = inner.lock();
            if state.life == life {
                // Nobody waits for the outcome.
                drop(inner.apply(&mut state, append));
            }
        });
    }
}

impl State {
    fn fate(&mut self, faults: &Faults) -> Fate {
        let fates = [
            (faults.refused, Fate::Refused),
            (faults.doubled, Fate::Doubled),
            (faults.unanswered, Fate::Unanswered),
            (faults.lost, Fate::Lost),
            (faults.late, Fate::Late),
        ];
        fates.into_iter().find(|(permille, _)| self.happens(*permille)).map_or(Fate::Answered, |(_, fate)| fate)
    }

    fn delay(&mut self, faults: &Faults) -> Duration {
        let most = u64::try_from(faults.delay.as_micros()).unwrap_or(u64::MAX);
        if most == 0 { Duration::ZERO } else { Duration::from_micros(self.random() % most) }
    }

    fn happens(&mut self, permille: u16) -> bool {
        self.random() % 1000 < u64::from(permille)
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Store for Fake {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn append(&self, append: Append) -> Answer<Outcome> {
        let inner = &self.inner;
        let mut state = inner.lock();
        let outcome = match state.fate(&inner.faults) {
            Fate::Answered => inner.apply(&mut state, append),
            Fate::Refused => Err(StoreError::Unavailable("the bus refuses".into())),
            Fate::Doubled => {
                drop(inner.apply(&mut state, append.clone()));
                inner.apply(&mut state, append)
            }
            Fate::Unanswered => inner.apply(&mut state, append).map(|_| Outcome::Unknown),
            Fate::Lost => Ok(Outcome::Unknown),
            Fate::Late => {
                inner.arrive_late(&mut state, append);
                Ok(Outcome::Unknown)
            }
        };
        self.answer(&mut state, outcome)
    }

    fn head(&self, log: &LogName) -> Answer<Head> {
        self.read_now(|now| now.head(log))
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> Answer<Vec<Record>> {
        self.read_now(|now| now.read(log, after, page))
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
        self.read_now(|now| now.read_back(log, before, page))
    }

    fn logs(&self, prefix: &str, after: Option<&LogName>, limit: usize) -> Answer<Vec<(LogName, Head)>> {
        self.read_now(|now| now.logs(prefix, after, limit))
    }

    fn trim(&self, log: &LogName, through: u64) -> Answer<()> {
        let mut state = self.inner.lock();
        drop(state.now.trim(log, through));
        state.done.push(Act::Trim(log.clone(), through));
        self.answer(&mut state, Ok(()))
    }

    fn forget(&self, log: &LogName) -> Answer<()> {
        let mut state = self.inner.lock();
        drop(state.now.forget(log));
        state.done.push(Act::Forget(log.clone()));
        if !self.inner.faults.lazy {
            state.synced = state.done.len();
        }
        self.answer(&mut state, Ok(()))
    }

    fn put_mark(&self, owner: &str, log: &LogName, seq: u64) -> Answer<()> {
        let mut state = self.inner.lock();
        drop(state.now.put_mark(owner, log, seq));
        state.done.push(Act::Mark(owner.to_owned(), log.clone(), seq));
        self.answer(&mut state, Ok(()))
    }

    fn marks(&self, owner: &str) -> Answer<Vec<(LogName, u64)>> {
        self.read_now(|now| now.marks(owner))
    }

    fn subscribe(&self) -> Feed {
        self.inner.feed.subscribe()
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
