//! Pauses: when this program stood still, as in a machine that slept, or stopped by a signal. The other end of the line
//! only sees silence, and says nothing as it ends it: so it is told here.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

/// What is longer than this is noted; the loop looks five times a second.
const NOTED: Duration = Duration::from_secs(1);

/// How many are kept.
const KEPT: usize = 20;

/// The last times that this program stood still.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    looked: Option<SystemTime>,
    kept: VecDeque<Pause>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) from: SystemTime,
    pub(super) length: Duration,
}

impl Pauses {
    /// Looks at the clock, which also goes on while a machine sleeps. One that is set forward is a pause too.
    pub(super) fn look(&mut self, now: SystemTime) {
        if let Some(from) = self.looked.replace(now) {
            let length = now.duration_since(from).unwrap_or_default();
            if length > NOTED {
                if self.kept.len() == KEPT {
                    self.kept.pop_front();
                }
                self.kept.push_back(Pause { from, length });
            }
        }
    }

    /// The oldest first.
    pub(super) fn list(&self) -> impl Iterator<Item = &Pause> {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn what_is_long_is_kept_and_the_oldest_goes() {
        let at = |ms: u64| UNIX_EPOCH + Duration::from_millis(ms);
        let mut pauses = Pauses::default();
        for ms in [5000, 5200, 6200, 9000, 8000, 8200] {
            pauses.look(at(ms));
        }
        let pause = Pause { from: at(6200), length: Duration::from_millis(2800) };
        assert_eq!(pauses.list().collect::<Vec<_>>(), [&pause]);
        for second in 0..50 {
            pauses.look(at(10_000 + 2000 * second));
        }
        assert_eq!(pauses.list().count(), KEPT);
        assert_eq!(pauses.list().next().unwrap().from, at(10_000 + 2000 * 29));
    }
}
