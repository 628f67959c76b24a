//! Arrivals: of a storm, how many connections were up when, and the most of them in a tenth of a second.

use std::time::{Duration, Instant};

use super::{
    figure::{Figure, Fold, Measure},
    stats::{Latencies, float},
};

static UP: Figure = Figure { key: "up", title: "up", digits: 0, fold: Fold::Least };
static HALF: Figure = Figure { key: "p50_s", title: "50 % up s", digits: 2, fold: Fold::Median };
static NEARLY: Figure = Figure { key: "p99_s", title: "99 % up s", digits: 2, fold: Fold::Median };
static ALL: Figure = Figure { key: "max_s", title: "all up s", digits: 3, fold: Fold::Median };
static PEAK: Figure = Figure { key: "peak_per_s", title: "peak/s", digits: 0, fold: Fold::Max };
/// What either storm has besides.
pub(super) static CPU: Figure =
    Figure { key: "cpu_us_per_connection", title: "CPU us/connection", digits: 2, fold: Fold::Median };
/// In the kernel's count, of the machine as a whole.
pub(super) static OVERFLOWS: Figure =
    Figure { key: "listen_overflows", title: "listen overflows", digits: 0, fold: Fold::Median };

/// Over which the peak is taken.
const SLOT: Duration = Duration::from_millis(100);

/// Connections that are up, from the begin of a storm on.
#[derive(Debug)]
pub(super) struct Arrivals {
    begun: Instant,
    after: Latencies,
    /// The slot of the last one, how many it has so far, and the most that any before it had.
    slot: u128,
    in_slot: u64,
    most: u64,
}

impl Arrivals {
    /// None yet.
    pub(super) fn since(begun: Instant) -> Self {
        Self { begun, after: Latencies::new(), slot: 0, in_slot: 0, most: 0 }
    }

    pub(super) const fn begun(&self) -> Instant {
        self.begun
    }

    /// One more is up. They are told in their order.
    pub(super) fn enter(&mut self, at: Instant) {
        let after = at.saturating_duration_since(self.begun);
        self.after.record(after);
        let slot = after.as_nanos() / SLOT.as_nanos();
        if slot != self.slot {
            (self.slot, self.most, self.in_slot) = (slot, self.most.max(self.in_slot), 0);
        }
        self.in_slot += 1;
    }

    pub(super) fn count(&self) -> usize {
        usize::try_from(self.after.count()).unwrap_or(usize::MAX)
    }

    /// The figures that every storm has.
    pub(super) fn measures(&self) -> [Measure; 5] {
        let seconds = |quantile: f64| self.after.quantile(quantile).as_secs_f64();
        let most = self.most.max(self.in_slot);
        [
            UP.of(float(self.after.count())),
            HALF.of(seconds(0.5)),
            NEARLY.of(seconds(0.99)),
            ALL.of(self.after.max().as_secs_f64()),
            PEAK.of(float(most) / SLOT.as_secs_f64()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_of_the_fullest_tenth_of_a_second() {
        let begun = Instant::now();
        let mut arrivals = Arrivals::since(begun);
        for ms in [0, 99, 100, 101, 199, 950, 951] {
            arrivals.enter(begun + Duration::from_millis(ms));
        }
        let values = arrivals.measures().map(|measure| (measure.figure.key, (measure.value * 1000.0).round()));
        let expected = [("up", 7000.0), ("p50_s", 101.0), ("p99_s", 951.0), ("max_s", 951.0), ("peak_per_s", 30_000.0)];
        assert_eq!(values, expected);
        for _ in 0..4 {
            arrivals.enter(begun + Duration::from_millis(952));
        }
        assert_eq!(arrivals.measures()[4].value, 60.0, "the last one counts too");
    }
}
