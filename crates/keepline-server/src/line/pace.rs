//! Pace: how many frames a client may send; more are read later rather than refused, so that their order stays.

use keepline_proto::{Duration, Instant};

/// How many frames of a client are read: acknowledgements and pings are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct PaceLimit {
    /// In the long run.
    pub per_second: u32,
    /// At once, after a rest.
    pub burst: u32,
}

impl Default for PaceLimit {
    /// 20 a second, 100 at once.
    fn default() -> Self {
        Self { per_second: 20, burst: 100 }
    }
}

/// The pace of one line: until when what it has sent would have taken at the long-run rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    busy_until: Instant,
}

impl Pace {
    pub(super) const fn rested() -> Self {
        Self { busy_until: Instant::START }
    }

    /// One more frame; how long to read nothing now.
    pub(super) fn count(&mut self, now: Instant, limit: PaceLimit) -> Option<Duration> {
        let each = Duration::from_nanos(1_000_000_000 / u64::from(limit.per_second.max(1)));
        self.busy_until = self.busy_until.max(now) + each;
        let ahead = self.busy_until.since(now);
        let allowed = each.times(limit.burst.max(1).into());
        (ahead > allowed).then(|| ahead.less(allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_each_frame_costs_its_time() {
        let limit = PaceLimit { per_second: 20, burst: 3 };
        let at = |ms: u64| Instant::START + Duration::from_millis(ms);
        let mut pace = Pace::rested();
        let table = [(0, None), (0, None), (0, None), (0, Some(50)), (50, Some(50)), (200, None), (1000, None)];
        for (i, (now, pause)) in table.into_iter().enumerate() {
            assert_eq!(pace.count(at(now), limit), pause.map(Duration::from_millis), "row {i}");
        }
    }
}
