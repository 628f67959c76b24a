//! Window: how often something happened within a time, counted exactly.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The last times at which something happened: never more than are asked for.
#[derive(Debug, Default)]
pub(super) struct Window {
    times: VecDeque<Instant>,
}

impl Window {
    /// It happened.
    pub(super) fn push(&mut self, now: Instant) {
        self.times.push_back(now);
    }

    /// How often it happened within this time.
    pub(super) fn count(&mut self, now: Instant, within: Duration) -> usize {
        while self.times.front().is_some_and(|first| now.duration_since(*first) >= within) {
            self.times.pop_front();
        }
        self.times.len()
    }

    /// When there is room for one more, where there are `most`, from now.
    pub(super) fn next_room(&self, now: Instant, within: Duration, most: usize) -> Duration {
        let last = self.times.len().checked_sub(most).and_then(|in_the_way| self.times.get(in_the_way));
        last.map_or(Duration::ZERO, |at| (*at + within).duration_since(now))
    }

    pub(super) fn clear(&mut self) {
        self.times.clear();
    }
}
