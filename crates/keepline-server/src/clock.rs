//! Clock: what time the wall says. A seam, because wall clocks jump and tests must make them.

use std::time::{SystemTime, UNIX_EPOCH};

/// What time it is, by a clock that may jump either way.
///
/// Only what is written down for later is measured by it: when a token expires, when a delayed message is due. How
/// long something takes is tokio's to measure, which never goes back.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970, UTC, without leap seconds.
    fn now_ms(&self) -> u64;
}

/// This machine's clock.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no parts")]
pub struct System;

impl Clock for System {
    /// Zero on a machine whose clock stands before 1970.
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
