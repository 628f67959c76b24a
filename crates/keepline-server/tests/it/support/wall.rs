//! Wall: a clock that runs with tokio's, paused or not, and can be set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keepline_server::clock::Clock;
use tokio::time::Instant;

/// What it says at the start: some time in 2026.
pub(crate) const START_MS: u64 = 1_790_000_000_000;

/// A wall clock.
#[derive(Clone)]
pub(crate) struct Wall {
    start: Instant,
    set: Arc<AtomicI64>,
}

impl Wall {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), set: Arc::default() }
    }

    /// Sets it on, or back.
    pub(crate) fn jump(&self, by_ms: i64) {
        self.set.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for Wall {
    fn now_ms(&self) -> u64 {
        let ran = u64::try_from(self.start.elapsed().as_millis()).unwrap();
        (START_MS + ran).checked_add_signed(self.set.load(Ordering::SeqCst)).unwrap()
    }
}
