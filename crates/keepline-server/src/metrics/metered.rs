//! Metered: a store whose appends are counted and timed.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::Metrics;
use crate::forward_store;
use crate::store::{Answer, Append, Outcome, Store, StoreError};

/// A store whose appends are counted and timed; all else is the inner one's.
pub struct Metered {
    inner: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Metered {
    /// Over a store.
    #[must_use]
    pub fn over(inner: Arc<dyn Store>, metrics: Arc<Metrics>) -> Arc<Self> {
        inner.watch_commits(Arc::clone(&metrics) as _);
        Arc::new(Self { inner, metrics })
    }
}

impl Store for Metered {
    forward_store!(inner; durability, head, read, read_back, logs, trim, forget, put_mark, marks);
    forward_store!(inner; subscribe, health, backup, watch_commits, close);

    fn append(&self, append: Append) -> Answer<Outcome> {
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
