//! Refusals: how many of them are noted, as strangers make them and a disk is theirs to fill otherwise.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many a second; 200 bytes each are 350 MB a day at most.
pub(super) const A_SECOND: u32 = 20;

/// How many were noted within the second that runs.
pub(super) struct Refusals(Mutex<(Instant, u32)>);

impl Refusals {
    pub(super) fn new() -> Self {
        Self(Mutex::new((Instant::now(), 0)))
    }

    /// Whether one more is noted now.
    pub(super) fn may_pass(&self) -> bool {
        self.may_pass_at(Instant::now())
    }

    fn may_pass_at(&self, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (begin, count) = &mut *window;
        if now.saturating_duration_since(*begin) >= Duration::from_secs(1) {
            (*begin, *count) = (now, 0);
        }
        *count += 1;
        *count <= A_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_a_few_a_second_are_noted() {
        let (refusals, start) = (Refusals::new(), Instant::now());
        let passed = |after_ms: u64| {
            let now = start + Duration::from_millis(after_ms);
            (0..100).filter(|_| refusals.may_pass_at(now)).count()
        };
        assert_eq!([0, 999, 1001, 5000].map(passed), [20, 0, 20, 20]);
    }
}
