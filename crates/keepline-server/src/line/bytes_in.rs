//! BytesIn: how many bytes a client may send; more are read later, and who goes on is closed.

use keepline_proto::{Duration, Instant};

use crate::guard::ByteRate;

/// The bytes of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct BytesIn {
    /// Until when what has come would have taken at the long-run rate.
    busy_until: Instant,
    /// Since when there was more than the burst, without a rest; [`Instant::START`] if there is not.
    over_since: Instant,
}

impl BytesIn {
    pub(super) const fn rested() -> Self {
        Self { busy_until: Instant::START, over_since: Instant::START }
    }

    /// So many more; true if it has been too many for too long.
    pub(super) fn count(&mut self, now: Instant, bytes: usize, limit: ByteRate) -> bool {
        if self.busy_until <= now {
            // He has rested until all would have come at the long-run rate.
            *self = Self { busy_until: now, over_since: Instant::START };
        }
        self.busy_until = self.busy_until + cost(bytes as u64, limit);
        if self.rest(now, limit).is_none() {
            return false;
        }
        if self.over_since == Instant::START {
            self.over_since = now;
        }
        now.since(self.over_since) >= limit.over_for.into()
    }

    /// How long to read nothing now.
    pub(super) fn rest(&self, now: Instant, limit: ByteRate) -> Option<Duration> {
        let (ahead, allowed) = (self.busy_until.since(now), cost(limit.burst.into(), limit));
        (ahead > allowed).then(|| ahead.less(allowed))
    }
}

/// The time that so many bytes take at the long-run rate.
fn cost(bytes: u64, limit: ByteRate) -> Duration {
    Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / u64::from(limit.per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration as Std;

    use super::*;

    const LIMIT: ByteRate = ByteRate { per_second: 1000, burst: 2000, over_for: Std::from_secs(30) };

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_secs(1) + Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_is_free_then_bytes_take_their_time_and_a_rest_forgives() {
        let mut bytes = BytesIn::rested();
        let table = [(0, 2000, None), (0, 500, Some(500)), (500, 100, Some(100)), (2600, 1, None), (2601, 2000, None)];
        for (i, (ms, count, rest)) in table.into_iter().enumerate() {
            assert!(!bytes.count(at(ms), count, LIMIT), "row {i}");
            assert_eq!(bytes.rest(at(ms), LIMIT), rest.map(Duration::from_millis), "row {i}");
        }
    }

    #[test]
    fn who_sends_as_fast_as_he_is_read_for_half_a_minute_is_closed_and_who_rests_is_not() {
        for (rests, closed_after) in [(false, Some(30)), (true, None)] {
            let (mut bytes, mut now, mut closed) = (BytesIn::rested(), 0, None);
            while now < 120_000 && closed.is_none() {
                if bytes.count(at(now), 500, LIMIT) {
                    closed = Some(now / 1000);
                }
                now += bytes.rest(at(now), LIMIT).map_or(0, |rest| rest.as_millis());
                if rests && now % 20_000 < 500 {
                    now += 2_600;
                }
            }
            assert_eq!(closed, closed_after, "rests: {rests}");
        }
    }
}
