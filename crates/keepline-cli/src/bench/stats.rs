//! Numbers of many: latencies and their percentiles, the slope between two samples, the median of rounds.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longer latencies are recorded as this.
const LONGEST: Duration = Duration::from_secs(3600);

/// Latencies in nanoseconds, kept to three digits.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet.
    pub(crate) fn new() -> Self {
        let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
        // Bounds and digits are constants that the histogram accepts: a failure is a bug here.
        Self(Histogram::new_with_bounds(1, longest, 3).unwrap_or_else(|error| unreachable!("{error}")))
    }

    /// Adds one.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that the share `quantile` (0 to 1) of all did not exceed; zero when there are none.
    pub(crate) fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(quantile))
    }

    /// The longest; zero when there are none.
    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }
}

/// A duration in microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// `part` of each of `count`; zero when there are none.
pub(crate) fn each(part: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { part / float(count) }
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes are far below 2^52")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// How much `y` grows for each `x` between two samples `(x, y)`; `None` when their `x` is the same.
///
/// What is there once, however many there are, cancels out.
pub(crate) fn slope(low: (u64, u64), high: (u64, u64)) -> Option<f64> {
    let across = float(high.0) - float(low.0);
    (high.0 != low.0).then(|| (float(high.1) - float(low.1)) / across)
}

/// The middle value, or the mean of the middle two; `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_known_latencies() {
        let mut latencies = Latencies::new();
        assert_eq!(latencies.quantile(0.99), Duration::ZERO, "of none");
        for millis in 1..=1000 {
            latencies.record(Duration::from_millis(millis));
        }
        for (quantile, want) in [(0.5, 500), (0.99, 990), (0.999, 999), (1.0, 1000)] {
            let got = millis(latencies.quantile(quantile));
            assert!((got / f64::from(want) - 1.0).abs() < 0.001, "{quantile}: {got} ms, not {want}");
        }
        assert_eq!(latencies.count(), 1000);
    }

    #[test]
    fn a_latency_of_zero_and_one_of_days_count() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::ZERO);
        latencies.record(Duration::from_secs(1_000_000));
        assert_eq!(latencies.count(), 2);
        assert!(latencies.max() >= LONGEST);
    }

    #[test]
    fn the_slope_leaves_out_what_is_there_once() {
        let lines = |count: u64| (count, 3_000_000 + 526 * count);
        assert_eq!(slope(lines(2000), lines(10_000)), Some(526.0));
        assert_eq!(slope((2000, 9000), (4000, 7000)), Some(-1.0), "memory may shrink");
        assert_eq!(slope(lines(2000), lines(2000)), None);
    }

    #[test]
    fn medians() {
        for (values, want) in [
            (vec![], None),
            (vec![3.0], Some(3.0)),
            (vec![9.0, 1.0, 5.0], Some(5.0)),
            (vec![4.0, 1.0, 3.0, 2.0], Some(2.5)),
        ] {
            assert_eq!(median(values.clone()), want, "{values:?}");
        }
    }
}
