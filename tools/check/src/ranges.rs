//! `Ranges`: a set of numbers that are mostly consecutive, kept as ranges.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A set of `u64`. A million consecutive numbers weigh as much as one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    /// First number of a range to its last; ranges neither overlap nor touch.
    ranges: BTreeMap<u64, u64>,
}

impl Ranges {
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    pub(crate) fn insert(&mut self, number: u64) {
        self.insert_range(number..=number);
    }

    /// Adds every number of the range; an empty one adds none.
    pub(crate) fn insert_range(&mut self, range: RangeInclusive<u64>) {
        let (mut first, mut last) = range.into_inner();
        if first > last {
            return;
        }
        // Every range that begins at most one behind our end, and ends at least one before our start, joins us.
        while let Some((&start, &end)) = self.ranges.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            self.ranges.remove(&start);
            first = first.min(start);
            last = last.max(end);
        }
        self.ranges.insert(first, last);
    }

    /// A number of the set that lies in the range, if there is any.
    pub(crate) fn any_of(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let (first, last) = range.into_inner();
        let (start, end) = self.ranges.range(..=last).next_back()?;
        (*end >= first && first <= last).then_some(first.max(*start))
    }

    /// The highest number, if there is any.
    pub(crate) fn last(&self) -> Option<u64> {
        self.ranges.last_key_value().map(|(_, last)| *last)
    }

    /// The ranges from 1 to the highest number that are not in the set.
    pub(crate) fn holes(&self) -> Vec<RangeInclusive<u64>> {
        let mut holes = Vec::new();
        let mut next = 1;
        for (&first, &last) in &self.ranges {
            if first > next {
                holes.push(next..=first - 1);
            }
            next = last.saturating_add(1);
        }
        holes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Ranges;

    #[test]
    fn agrees_with_a_set_of_single_numbers() {
        let mut state = 1_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..500 {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for _ in 0..20 {
                let first = 1 + next(40);
                let last = first + next(4);
                ranges.insert_range(first..=last);
                set.extend(first..=last);
            }
            for number in 0..50 {
                assert_eq!(ranges.contains(number), set.contains(&number), "{number} of {set:?}");
            }
            let (first, length) = (next(50), next(4));
            let any = (first..=first + length).any(|number| set.contains(&number));
            let found = ranges.any_of(first..=first + length);
            assert_eq!(found.is_some(), any, "{first} and {length} behind it, of {set:?}");
            assert!(found.is_none_or(|found| (first..=first + length).contains(&found) && set.contains(&found)));
            let missing: Vec<u64> = ranges.holes().into_iter().flatten().collect();
            let highest = set.last().copied();
            assert_eq!(ranges.last(), highest);
            let expected: Vec<u64> = (1..=highest.unwrap_or(0)).filter(|number| !set.contains(number)).collect();
            assert_eq!(missing, expected);
            let touching =
                ranges.ranges.iter().zip(ranges.ranges.keys().skip(1)).any(|((_, end), next)| end + 1 >= *next);
            assert!(!touching, "ranges that touch are one: {ranges:?}");
        }
    }

    #[test]
    fn the_ends_of_the_numbers_do_not_overflow() {
        let mut ranges = Ranges::default();
        for number in [u64::MAX, 0, u64::MAX - 1, 1] {
            ranges.insert(number);
        }
        assert_eq!(ranges.last(), Some(u64::MAX));
        assert_eq!(ranges.holes(), [2..=u64::MAX - 2]);
    }
}
