//! Shared: what a chat's handles, its events, its task and its protocol have in common.
//!
//! The lock is taken for moments, and nothing of the client below is called under it: the protocol takes it while the
//! client's own is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keepline_proto::{Instant, Reason};
use tokio::sync::{Notify, watch};

use super::counted::Counts;
use super::ledger::Ledger;
use super::message::Mark;
use super::options::Options;

pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    /// Told when there is something to do for the task.
    pub(super) work: Notify,
    /// Set when the chat is over.
    pub(super) over: watch::Sender<bool>,
    pub(super) counts: Arc<Counts>,
}

impl Shared {
    pub(super) fn new(options: &Options, marks: Vec<Mark>) -> Arc<Self> {
        let ledger = Ledger::new(options, marks);
        let (over, _) = watch::channel(false);
        Arc::new(Self { ledger: Mutex::new(ledger), work: Notify::new(), over, counts: Arc::default() })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Ledger> {
        // No method leaves it half changed where it could panic.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nothing new, and ends once all is answered, or then.
    pub(super) fn flush(&self, by: Instant) {
        self.lock().flush(by);
        self.work.notify_one();
    }

    /// Nothing comes any more: every message has its last word, and so has the application.
    pub(super) fn end(&self, reason: Reason, closed_here: bool) {
        self.lock().end(reason, closed_here);
        self.over.send_replace(true);
    }
}
