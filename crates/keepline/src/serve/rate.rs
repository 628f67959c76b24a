//! Rate: how often something may happen, with a burst after a rest.
//!
//! A bucket is the generic cell rate algorithm (ITU-T I.371): of each it is enough to know until when what it has let
//! through would last at the long-run rate.

use keepline_proto::{Duration, Instant};

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct Rate {
    /// In the long run; 0 counts as 1.
    pub per_second: u32,
    /// At once, after a rest; 0 counts as 1.
    pub burst: u32,
}

impl Rate {
    /// What one costs: a second over [`per_second`](Self::per_second).
    #[must_use]
    pub const fn each(self) -> Duration {
        let per_second = if self.per_second == 0 { 1 } else { self.per_second };
        Duration::from_nanos(1_000_000_000 / per_second as u64)
    }

    /// How far ahead of its long-run rate a bucket may be: also the time in which a full one empties.
    #[must_use]
    pub fn ahead(self) -> Duration {
        self.each().times(self.burst.max(1).into())
    }

    /// Until when a bucket lasts that lasted until `until`, after one more; `None` if it has no room for one now.
    pub(super) fn one_more(self, until: Instant, now: Instant) -> Option<Instant> {
        let until = until.max(now) + self.each();
        (until.since(now) <= self.ahead()).then_some(until)
    }
}

/// The pace of one accept loop. It may run ahead by what one look at the backlog takes, and rests so much longer.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<Rate>,
    busy_until: Instant,
}

/// A connection that is turned away costs so much less than one that is served: whoever knocks in vain must not take
/// the places of others.
const TURNED_AWAY: u64 = 10;

impl Pace {
    pub(super) const fn new(rate: Option<Rate>) -> Self {
        Self { rate, busy_until: Instant::START }
    }

    /// At another rate from now on: what was accepted is not forgotten.
    pub(super) const fn set(&mut self, rate: Option<Rate>) {
        self.rate = rate;
    }

    /// One more connection was accepted.
    pub(super) fn count(&mut self, now: Instant, admitted: bool) {
        let Some(rate) = self.rate else { return };
        let cost = if admitted { rate.each() } else { Duration::from_nanos(rate.each().as_nanos() / TURNED_AWAY) };
        self.busy_until = self.busy_until.max(now) + cost;
    }

    /// How long to accept nothing; long enough for several connections, so that a flood does not wake us for each.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        let rate = self.rate?;
        let ahead = self.busy_until.since(now);
        let allowed = rate.ahead();
        (ahead > allowed.less(rate.each())).then(|| ahead.less(allowed).max(SHORTEST_REST))
    }
}

const SHORTEST_REST: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_is_free_and_then_each_takes_its_time() {
        let rate = Rate { per_second: 20, burst: 3 };
        let mut until = Instant::START;
        let table = [(0, true), (0, true), (0, true), (0, false), (49, false), (50, true), (50, false), (250, true)];
        for (i, (now, taken)) in table.into_iter().enumerate() {
            let after = rate.one_more(until, at(now));
            assert_eq!(after.is_some(), taken, "row {i}");
            until = after.unwrap_or(until);
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_a_burst_however_it_is_asked(
            per_second in 1..2000_u32, burst in 1..100_u32, steps in prop::collection::vec(0..200_u64, 1..200),
        ) {
            let rate = Rate { per_second, burst };
            let (mut now, mut until, mut taken) = (0, Instant::START, 0_u64);
            for step in steps {
                now += step;
                if let Some(after) = rate.one_more(until, at(now)) {
                    (until, taken) = (after, taken + 1);
                }
                // `each` is rounded down to a nanosecond.
                prop_assert!(taken * rate.each().as_nanos() <= now * 1_000_000 + rate.ahead().as_nanos());
            }
        }

        #[test]
        fn an_accept_loop_that_rests_when_told_holds_its_rate(admitted in prop::collection::vec(any::<bool>(), 2000)) {
            let rate = Rate { per_second: 1000, burst: 100 };
            let (mut pace, mut now, mut cost) = (Pace::new(Some(rate)), 0, 0_u64);
            for look in admitted.chunks(64) {
                while let Some(rest) = pace.rest(at(now)) {
                    now += rest.as_nanos().div_ceil(1_000_000);
                }
                for &admitted in look {
                    pace.count(at(now), admitted);
                    cost += if admitted { 10 } else { 1 };
                }
                prop_assert!(cost / 10 <= now + 100 + 64, "{cost} tenths in {now} ms");
            }
        }
    }
}
