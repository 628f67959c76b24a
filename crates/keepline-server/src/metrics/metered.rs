//! Metered: a store whose appends are counted and timed.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_core::future::BoxFuture;
use tokio::sync::broadcast;

use super::Metrics;
use crate::store::{Append, Committed, Copied, Durability, Head, LogName, Outcome, Page, Record, Store, StoreError};

/// A store whose appends are counted and timed; all else is the inner one's.
pub struct Metered {
    inner: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Metered {
    /// Over a store.
    #[must_use]
    pub fn over(inner: Arc<dyn Store>, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { inner, metrics })
    }
}

impl Store for Metered {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn append(&self, append: Append) -> BoxFuture<'static, Result<Outcome, StoreError>> {
        let started = Instant::now();
        // Asked before the future is polled, as the order of requests is that of the calls.
        let answer = self.inner.append(append);
        let metrics = Arc::clone(&self.metrics);
        Box::pin(async move {
            let answer = answer.await;
            metrics.appended(started.elapsed(), refused(&answer));
            answer
        })
    }

    fn head(&self, log: &LogName) -> BoxFuture<'static, Result<Head, StoreError>> {
        self.inner.head(log)
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> BoxFuture<'static, Result<Vec<Record>, StoreError>> {
        self.inner.read(log, after, page)
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> BoxFuture<'static, Result<Vec<Record>, StoreError>> {
        self.inner.read_back(log, before, page)
    }

    fn logs(
        &self,
        prefix: &str,
        after: Option<&LogName>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<(LogName, Head)>, StoreError>> {
        self.inner.logs(prefix, after, limit)
    }

    fn trim(&self, log: &LogName, through: u64) -> BoxFuture<'static, Result<(), StoreError>> {
        self.inner.trim(log, through)
    }

    fn put_mark(&self, owner: &str, log: &LogName, seq: u64) -> BoxFuture<'static, Result<(), StoreError>> {
        self.inner.put_mark(owner, log, seq)
    }

    fn marks(&self, owner: &str) -> BoxFuture<'static, Result<Vec<(LogName, u64)>, StoreError>> {
        self.inner.marks(owner)
    }

    fn subscribe(&self) -> broadcast::Receiver<Committed> {
        self.inner.subscribe()
    }

    fn health(&self) -> Result<(), StoreError> {
        self.inner.health()
    }

    fn backup(&self, to: &Path) -> BoxFuture<'static, Result<Copied, StoreError>> {
        self.inner.backup(to)
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.inner.close()
    }
}

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered").field("durability", &self.inner.durability()).finish_non_exhaustive()
    }
}

/// Why there is no record to show for an append. A conflict is a caller's business, and common.
fn refused(answer: &Result<Outcome, StoreError>) -> Option<&'static str> {
    match answer {
        Ok(Outcome::Appended(_) | Outcome::Duplicate(_)) => None,
        Ok(Outcome::Conflict { .. }) => Some("conflict"),
        Ok(Outcome::Unknown) => Some("unknown_outcome"),
        Err(StoreError::Full) => Some("storage_full"),
        Err(StoreError::TooLarge { .. }) => Some("too_large"),
        Err(StoreError::Damaged(_)) => Some("damaged"),
        Err(StoreError::Unavailable(_)) => Some("unavailable"),
    }
}
