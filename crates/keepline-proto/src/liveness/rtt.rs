//! Rtt: the smoothed round trip of a line and its variance.

use crate::Duration;

/// Round-trip estimate after RFC 6298, section 2, in whole microseconds; 8 bytes, saturating at 71 minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rtt {
    smoothed: u32,
    variance: u32,
}

impl Rtt {
    pub(super) const NONE: Self = Self { smoothed: 0, variance: 0 };

    /// The smoothed round trip; `None` before the first sample.
    #[must_use]
    pub fn smoothed(&self) -> Option<Duration> {
        (self.smoothed > 0).then(|| micros(self.smoothed))
    }

    /// The smoothed deviation from it; `None` before the first sample.
    #[must_use]
    pub fn variance(&self) -> Option<Duration> {
        (self.smoothed > 0).then(|| micros(self.variance))
    }

    pub(super) fn sample(&mut self, round_trip: Duration) {
        // At least 1, so that 0 can mean "no sample yet" and no flag is needed.
        let sample = u32::try_from(round_trip.as_nanos() / 1000).unwrap_or(u32::MAX).max(1);
        if self.smoothed == 0 {
            *self = Self { smoothed: sample, variance: sample / 2 };
            return;
        }
        let (old, var) = (u64::from(self.smoothed), u64::from(self.variance));
        let new = u64::from(sample);
        let variance = (3 * var + old.abs_diff(new)) / 4;
        let smoothed = (7 * old + new) / 8;
        *self = Self {
            smoothed: u32::try_from(smoothed).unwrap_or(u32::MAX).max(1),
            variance: u32::try_from(variance).unwrap_or(u32::MAX),
        };
    }
}

fn micros(count: u32) -> Duration {
    Duration::from_nanos(u64::from(count) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_rfc_from_the_first_sample_on() {
        let mut rtt = Rtt::default();
        assert_eq!((rtt.smoothed(), rtt.variance()), (None, None));
        rtt.sample(Duration::from_millis(100));
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(100)));
        assert_eq!(rtt.variance(), Some(Duration::from_millis(50)));
        rtt.sample(Duration::from_millis(200));
        assert_eq!(rtt.smoothed(), Some(Duration::from_nanos(112_500_000)));
        assert_eq!(rtt.variance(), Some(Duration::from_nanos(62_500_000)));
    }

    #[test]
    fn a_sample_beyond_its_range_saturates() {
        let mut rtt = Rtt::default();
        rtt.sample(Duration::MAX);
        rtt.sample(Duration::MAX);
        assert_eq!(rtt.smoothed(), Some(micros(u32::MAX)));
        rtt.sample(Duration::ZERO);
        assert!(rtt.smoothed().is_some());
    }
}
