//! Drain: letting the lines of a server go, at a pace that their next server can take.

use std::future::Future;

use keepline_proto::{Duration, Instant, Reason};

use super::ServerHandle;
use crate::clock;

/// Lines that are due within this time are closed together.
const STEP: Duration = Duration::from_millis(20);
/// What the last lines get beyond their linger before the server stops waiting for them.
const SLACK: Duration = Duration::from_secs(1);

impl ServerHandle {
    /// Runs a future until the drain begins; `None` if that was first.
    pub(super) async fn until_draining<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut drain = self.drain.subscribe();
        tokio::select! {
            output = future => Some(output),
            // The sender lives in `self`: the only error can't be.
            _ = drain.wait_for(Option::is_some) => None,
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.drain.borrow().is_some()
    }

    /// Closes the lines evenly over the drain's time, then waits for their ends; the hard stop is the last linger.
    pub(super) async fn let_go(&self) {
        let over = self.drain.borrow().unwrap_or(Duration::ZERO);
        let start = clock::now();
        let lines = self.registry.lines();
        tracing::info!(lines = lines.len(), over = %over, "draining");
        let total = lines.len();
        for (closed, line) in lines.into_iter().enumerate() {
            let due = start + share(over, closed, total);
            if due.since(clock::now()) >= STEP && !self.keeps_pace_until(due).await {
                break;
            }
            line.request_close(Reason::Draining);
        }
        // Lines that opened while the listener was closing, or that are left of a drain cut short.
        for line in self.registry.lines() {
            line.request_close(Reason::Draining);
        }
        let hard_stop = clock::now() + self.environment.settings.linger + SLACK;
        if tokio::time::timeout_at(clock::to_tokio(hard_stop), self.registry.emptied()).await.is_err() {
            tracing::warn!(lines = self.registry.len(), "hard stop: lines did not end in time");
        }
    }

    /// Waits for the next line's turn; false if there is nothing more to pace: a stop, or no line left.
    async fn keeps_pace_until(&self, due: Instant) -> bool {
        let mut drain = self.drain.subscribe();
        tokio::select! {
            () = tokio::time::sleep_until(clock::to_tokio(due)) => true,
            _ = drain.wait_for(|over| *over == Some(Duration::ZERO)) => false,
            () = self.registry.emptied() => false,
        }
    }
}

/// When the line at `position` of `total` goes, counted from the drain's start.
fn share(over: Duration, position: usize, total: usize) -> Duration {
    let nanos = u128::from(over.as_nanos()) * position as u128 / total.max(1) as u128;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
