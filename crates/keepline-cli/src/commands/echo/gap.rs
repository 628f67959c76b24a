//! Gap: the pause after a message, drawn at random from a range.

use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::str::FromStr;

use keepline::Duration;

use crate::quantity::duration;

/// A range of times, both ends possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    least: Duration,
    most: Duration,
}

impl Gap {
    /// The pause after message `position` of the run with this seed: the same each time.
    pub(super) fn draw(self, seed: u64, position: u64) -> Duration {
        // A hash of the two is as random as a pause has to be, and needs no state.
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(seed);
        hasher.write_u64(position);
        let width = u128::from(self.most.less(self.least).as_nanos()) + 1;
        let part = (u128::from(hasher.finish()) * width) >> u64::BITS;
        self.least + Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
    }
}

impl FromStr for Gap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) =
            text.split_once("..").ok_or("a gap is a range: write MIN..MAX, as 0s..20s, or 1s..1s for a fixed one")?;
        let (least, most) = (duration(least)?, duration(most)?);
        if least > most {
            return Err(format!("the least gap {least} is over the longest {most}: swap them"));
        }
        Ok(Self { least, most })
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most] = [self.least, self.most].map(|time| humantime::format_duration(time.to_std()));
        write!(f, "{least}..{most}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_fill_their_range_and_repeat_with_their_seed() {
        let gap: Gap = "10ms..20ms".parse().unwrap();
        let drawn: Vec<_> = (0..1000).map(|position| gap.draw(7, position).as_millis()).collect();
        for millis in 10..20 {
            let times = drawn.iter().filter(|drawn| **drawn == millis).count();
            assert!((50..150).contains(&times), "{millis} ms came {times} times of 1000");
        }
        assert!(drawn.iter().all(|millis| (10..=20).contains(millis)));
        assert_eq!(gap.draw(7, 3), gap.draw(7, 3));
        assert_ne!(gap.draw(7, 3), gap.draw(8, 3));
        let fixed: Gap = "1s..1s".parse().unwrap();
        assert_eq!(fixed.draw(1, 1), Duration::from_secs(1));
    }
}
