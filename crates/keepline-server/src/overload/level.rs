//! Level: how short of memory a server is, and from which share of its limit on.
//!
//! ```text
//!          80 %            90 %              95 %
//!  Enough ──────▶ Closed ────────▶ Shedding ────────▶ Refusing
//!         ◀──────        ◀────────          ◀────────
//!          75 %            85 %              90 %
//! ```
//! Each level does what those before it do. One look may lead over several of them, in either direction. Between the
//! two shares nothing changes, so that a server at the edge does not go back and forth.

/// How short of memory a server is; the later, the shorter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the levels of the table")]
pub enum Level {
    /// Nothing is given up.
    #[default]
    Enough,
    /// New long connections are turned away as `server_full`, and of HTTP's bodies those over 16 KiB as `overloaded`.
    Closed,
    /// Sessions for whom the most waits are closed as `slow_consumer`: what they were sent is in the store.
    Shedding,
    /// Messages are refused as `overloaded`.
    Refusing,
}

/// A level, from which share of the limit on it holds, and below which no more: in thousandths.
struct Row {
    level: Level,
    from: u64,
    below: u64,
}

/// From the least to the last.
const TABLE: [Row; 3] = [
    Row { level: Level::Closed, from: 800, below: 750 },
    Row { level: Level::Shedding, from: 900, below: 850 },
    Row { level: Level::Refusing, from: 950, below: 900 },
];

/// Of the limit, in thousandths: below this nobody is dropped any more.
pub(super) const SHED_DOWN_TO: u64 = TABLE[1].below;

/// In thousandths: where messages begin to be refused.
pub(super) const REFUSED_FROM: u64 = TABLE[2].from;

impl Level {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Enough, Self::Closed, Self::Shedding, Self::Refusing];

    /// The word in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::Closed => "closed",
            Self::Shedding => "shedding",
            Self::Refusing => "refusing",
        }
    }

    /// What follows, when so many thousandths of the limit are in use.
    pub(super) fn after(self, share: u64) -> Self {
        let holds = |row: &&Row| share >= row.from || (self >= row.level && share >= row.below);
        TABLE.iter().rfind(holds).map_or(Self::Enough, |row| row.level)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Level::{Closed, Enough, Refusing, Shedding};
    use super::*;

    #[test]
    fn each_level_begins_at_its_share_and_ends_five_in_a_hundred_below() {
        let table = [
            (Enough, 0, Enough),
            (Enough, 799, Enough),
            (Enough, 800, Closed),
            (Enough, 899, Closed),
            (Enough, 900, Shedding),
            (Enough, 950, Refusing),
            (Enough, 2000, Refusing),
            (Closed, 750, Closed),
            (Closed, 749, Enough),
            (Closed, 900, Shedding),
            (Shedding, 850, Shedding),
            (Shedding, 849, Closed),
            (Shedding, 749, Enough),
            (Shedding, 950, Refusing),
            (Refusing, 900, Refusing),
            (Refusing, 899, Shedding),
            (Refusing, 849, Closed),
            (Refusing, 0, Enough),
        ];
        for (before, share, after) in table {
            assert_eq!(before.after(share), after, "{before:?} at {share}");
        }
    }

    proptest! {
        #[test]
        fn a_second_look_changes_nothing_and_more_in_use_is_never_a_lower_level(
            before in prop::sample::select(&Level::ALL[..]), share in 0..1100_u64, more in 0..200_u64,
        ) {
            let after = before.after(share);
            prop_assert_eq!(after.after(share), after);
            prop_assert!(before.after(share + more) >= after);
            // A change takes five in a hundred to be taken back.
            prop_assert!(after <= before || after.after(share.saturating_sub(50)) == after);
        }
    }
}
