//! Moody: a store in memory that can be told to fail, to hold its answers back, and to lose parts of its feed.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keepline_server::forward_store;
use keepline_server::store::memory::Memory;
use keepline_server::store::{Answer, Append, Committed, Feed, LogName, Outcome, Page, Record, Store, StoreError};
use tokio::sync::{Semaphore, broadcast, oneshot};

/// A store in memory with moods; its clones are the same store.
#[derive(Clone)]
pub(crate) struct Moody(Arc<Moods>);

pub(crate) struct Moods {
    inner: Arc<Memory>,
    feed: broadcast::Sender<Committed>,
    /// While there are permits, answers to appends of messages go out at once.
    pub(crate) answers: Semaphore,
    /// So many reads fail from now on.
    pub(crate) bad_reads: AtomicUsize,
    /// So many lookups of an entity fail from now on.
    pub(crate) bad_lookups: AtomicUsize,
    /// The answer to the next lookup waits for this.
    held_lookup: Mutex<Option<oneshot::Receiver<()>>>,
    /// So many answers to appends are "unknown" from now on, although the record is stored.
    pub(crate) unknown: AtomicUsize,
    /// The feed says nothing.
    pub(crate) deaf: AtomicBool,
    /// Of how many messages the feed tells one not at all; 0 for none.
    pub(crate) lose_each: AtomicUsize,
    told: AtomicUsize,
    /// One append at a time, so that each finds its own record in the feed.
    one: Mutex<()>,
}

impl Moody {
    /// In a good mood; its feed holds so many records.
    pub(crate) fn new(feed: usize) -> Self {
        Self(Arc::new(Moods {
            inner: Memory::new(),
            feed: broadcast::Sender::new(feed),
            answers: Semaphore::new(Semaphore::MAX_PERMITS),
            bad_reads: AtomicUsize::new(0),
            bad_lookups: AtomicUsize::new(0),
            held_lookup: Mutex::new(None),
            unknown: AtomicUsize::new(0),
            deaf: AtomicBool::new(false),
            lose_each: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            one: Mutex::new(()),
        }))
    }

    /// Holds the answers to appends back, until so many are let through by [`Semaphore::add_permits`].
    pub(crate) fn hold_answers(&self) {
        self.answers.forget_permits(usize::MAX);
    }

    /// Holds the answer to the next lookup of an entity, with what was true as it was asked for, until the sender that
    /// this gives is dropped.
    pub(crate) fn hold_lookup(&self) -> oneshot::Sender<()> {
        let (release, held) = oneshot::channel();
        *self.held_lookup.lock().unwrap() = Some(held);
        release
    }

    /// Whether a lookup has come to be held since.
    pub(crate) fn holds_lookup(&self) -> bool {
        self.held_lookup.lock().unwrap().is_none()
    }

    fn tell(&self, told: Committed) {
        let message = told.log.as_str().starts_with(LogName::MESSAGES);
        let count = self.told.fetch_add(1, Ordering::Relaxed);
        let lose = self.lose_each.load(Ordering::Relaxed);
        if message && (self.deaf.load(Ordering::Relaxed) || lose > 0 && count.is_multiple_of(lose)) {
            return;
        }
        let _ = self.feed.send(told);
    }

    fn fails(&self) -> bool {
        take_one(&self.bad_reads)
    }
}

impl Deref for Moody {
    type Target = Moods;

    fn deref(&self) -> &Moods {
        &self.0
    }
}

fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
}

fn bad<T: Send + 'static>() -> Answer<T> {
    Box::pin(std::future::ready(Err(StoreError::Unavailable("in a bad mood".into()))))
}

impl Store for Moody {
    forward_store!(inner; durability, head, logs, trim, forget, put_mark, health);

    fn append(&self, append: Append) -> Answer<Outcome> {
        let (log, id, body) = (append.log.clone(), append.id, append.body.clone());
        let one = self.one.lock().unwrap();
        let mut feed = self.inner.subscribe();
        let answer = self.inner.append(append);
        if let Ok(told) = feed.try_recv() {
            assert_eq!((&told.log, told.record.id, &told.record.body), (&log, id, &body));
            self.tell(told);
        }
        drop(one);
        let this = self.clone();
        let message = log.as_str().starts_with(LogName::MESSAGES);
        Box::pin(async move {
            let answer = answer.await;
            if !message {
                return answer;
            }
            this.answers.acquire().await.map_err(|_| StoreError::Full)?.forget();
            this.answers.add_permits(usize::from(this.answers.available_permits() > Semaphore::MAX_PERMITS / 2));
            if take_one(&this.unknown) { Ok(Outcome::Unknown) } else { answer }
        })
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> Answer<Vec<Record>> {
        if self.fails() { bad() } else { self.inner.read(log, after, page) }
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
        if take_one(&self.bad_lookups) {
            return bad();
        }
        let held = self.held_lookup.lock().unwrap().take();
        let answer = self.inner.read_back(log, before, page);
        Box::pin(async move {
            let answer = answer.await;
            if let Some(held) = held {
                let _ = held.await;
            }
            answer
        })
    }

    fn marks(&self, owner: &str) -> Answer<Vec<(LogName, u64)>> {
        if self.fails() { bad() } else { self.inner.marks(owner) }
    }

    fn subscribe(&self) -> Feed {
        self.feed.subscribe()
    }
}
