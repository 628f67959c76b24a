//! Strikes: failures by key, and the ban that follows too many.
//!
//! ```text
//!          attempt (in flight)          the last failure that is allowed
//! unknown ────────────────────▶ counted ────────────────────────────────▶ banned
//!    ▲      success, or time over  │                                         │
//!    └─────────────────────────────┴──────────────────── time over ──────────┘
//! ```
//! An attempt counts from its beginning: of many at once no more are let through than of many one after another.

use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use super::lru::Lru;
use super::window::Window;

/// Keys that are remembered.
pub(super) const MOST_KEYS: usize = 100_000;
/// When to come again where only attempts in flight stand in the way.
const SOON: Duration = Duration::from_secs(1);

/// How many failures are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "three numbers")]
pub struct StrikeLimit {
    /// So many failures; 0 counts as 1.
    pub failures: u32,
    /// Within this time.
    pub within: Duration,
    /// Are followed by a ban so long.
    pub ban: Duration,
}

/// Failures by key. Of at most [`MOST_KEYS`] keys: a full map forgets the one that failed least recently, whose ban ends
/// early then. Nobody is refused because others fill it.
#[derive(Debug)]
pub(super) struct Strikes<K> {
    limit: StrikeLimit,
    keys: Lru<K, Record>,
}

#[derive(Debug, Default)]
struct Record {
    failures: Window,
    in_flight: u32,
    banned_until: Option<Instant>,
}

impl<K: Clone + Eq + Hash> Strikes<K> {
    pub(super) fn new(limit: StrikeLimit) -> Self {
        Self { limit, keys: Lru::new(MOST_KEYS) }
    }

    /// Holds to another limit, or to none, which forgets all.
    pub(super) fn follow(strikes: &mut Option<Self>, limit: Option<StrikeLimit>) {
        match (strikes.as_mut(), limit) {
            (Some(strikes), Some(limit)) => strikes.limit = limit,
            (_, limit) => *strikes = limit.map(Self::new),
        }
    }

    /// How long the ban still lasts, if there is one.
    pub(super) fn banned_for(&self, key: &K, now: Instant) -> Option<Duration> {
        let until = self.keys.get(key)?.banned_until.filter(|until| *until > now)?;
        Some(until.duration_since(now))
    }

    /// When an attempt may begin, if not now. Changes nothing that is remembered.
    pub(super) fn refused_for(&mut self, key: &K, now: Instant) -> Option<Duration> {
        let StrikeLimit { failures, within, .. } = self.limit;
        if let Some(left) = self.banned_for(key, now) {
            return Some(left);
        }
        let record = self.keys.get_mut(key)?;
        let counted = record.failures.count(now, within) + record.in_flight as usize;
        (counted >= failures.max(1) as usize).then_some(SOON)
    }

    /// An attempt begins; its end is told by one of the two below.
    pub(super) fn begin(&mut self, key: &K) {
        self.keys.touch(key).in_flight += 1;
    }

    /// What was begun failed. True if the ban begins now.
    pub(super) fn failed(&mut self, key: &K, now: Instant) -> bool {
        let record = self.keys.touch(key);
        record.in_flight = record.in_flight.saturating_sub(1);
        self.strike(key, now)
    }

    /// A failure of what costs so little that it did not have to begin. True if the ban begins now.
    pub(super) fn strike(&mut self, key: &K, now: Instant) -> bool {
        let StrikeLimit { failures, within, ban } = self.limit;
        let record = self.keys.touch(key);
        record.failures.push(now);
        if record.failures.count(now, within) < failures.max(1) as usize {
            return false;
        }
        record.failures.clear();
        record.banned_until = Some(now + ban);
        true
    }

    /// It did not fail. `forgive`: what failed before was the same one, who has found the right word.
    pub(super) fn passed(&mut self, key: &K, now: Instant, forgive: bool) {
        let within = self.limit.within;
        // Forgotten meanwhile: others have filled the map.
        let Some(record) = self.keys.get_mut(key) else { return };
        record.in_flight = record.in_flight.saturating_sub(1);
        if forgive {
            record.failures.clear();
        }
        let banned = record.banned_until.is_some_and(|until| until > now);
        if record.in_flight == 0 && !banned && record.failures.count(now, within) == 0 {
            self.keys.remove(key);
        }
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIVE: StrikeLimit =
        StrikeLimit { failures: 5, within: Duration::from_secs(60), ban: Duration::from_secs(300) };

    fn fail(strikes: &mut Strikes<u32>, key: u32, now: Instant) -> bool {
        strikes.begin(&key);
        strikes.failed(&key, now)
    }

    #[tokio::test(start_paused = true)]
    async fn the_fifth_failure_within_a_minute_is_followed_by_five_minutes() {
        let (mut strikes, start) = (Strikes::new(FIVE), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        // The first is over as the fifth comes, at 60 s.
        for (secs, bans) in [(0, false), (10, false), (20, false), (30, false), (60, false), (61, true)] {
            assert_eq!(strikes.refused_for(&1, at(secs)), None, "{secs}");
            assert_eq!(fail(&mut strikes, 1, at(secs)), bans, "{secs}");
        }
        let left = |strikes: &mut Strikes<_>, secs| strikes.refused_for(&1, at(secs)).map(|left| left.as_secs());
        assert_eq!(left(&mut strikes, 61), Some(300));
        assert_eq!(left(&mut strikes, 360), Some(1));
        assert_eq!(left(&mut strikes, 361), None, "over to the second");
        assert_eq!(strikes.refused_for(&2, at(62)), None, "another key");
        assert!(!fail(&mut strikes, 1, at(361)), "and counted anew");
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_at_once_no_more_are_let_through_and_who_passes_is_forgotten() {
        let (mut strikes, now) = (Strikes::new(FIVE), Instant::now());
        for _ in 0..5 {
            assert_eq!(strikes.refused_for(&1, now), None);
            strikes.begin(&1);
        }
        assert_eq!(strikes.refused_for(&1, now), Some(SOON), "no ban, but no sixth beside them");
        strikes.passed(&1, now, false);
        assert_eq!(strikes.refused_for(&1, now), None);
        for _ in 0..4 {
            strikes.passed(&1, now, false);
        }
        assert_eq!(strikes.remembered(), 0, "nobody who logs in well is remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_map_forgets_who_failed_least_recently() {
        let (mut strikes, now) = (Strikes::new(FIVE), Instant::now());
        for _ in 0..5 {
            fail(&mut strikes, 0, now);
        }
        for key in 1..MOST_KEYS as u32 {
            fail(&mut strikes, key, now);
        }
        assert!(strikes.refused_for(&0, now).is_some(), "asking for it does not keep it");
        fail(&mut strikes, u32::MAX, now);
        assert_eq!((strikes.remembered(), strikes.refused_for(&0, now)), (MOST_KEYS, None));
    }

    proptest! {
        /// Against a list of everything that ever happened.
        #[test]
        fn never_more_failures_than_allowed_and_nobody_is_banned_without(
            steps in prop::collection::vec((0..3_u32, 0..40_000_u64, any::<bool>()), 1..200),
        ) {
            let limit = StrikeLimit { failures: 4, within: Duration::from_secs(60), ban: Duration::from_secs(100) };
            let (mut strikes, mut now) = (Strikes::new(limit), Instant::now());
            let mut failures: Vec<(u32, Instant)> = Vec::new();
            let mut bans: Vec<(u32, Instant)> = Vec::new();
            for (key, after_ms, fails) in steps {
                now += Duration::from_millis(after_ms);
                let banned = bans.iter().any(|(who, at)| *who == key && now.duration_since(*at) < limit.ban);
                prop_assert_eq!(strikes.refused_for(&key, now).is_some(), banned);
                if banned {
                    continue;
                }
                strikes.begin(&key);
                if !fails {
                    strikes.passed(&key, now, false);
                    continue;
                }
                failures.push((key, now));
                let recent = |at: Instant| now.duration_since(at) < limit.within;
                let since = bans.iter().rev().find(|(who, _)| *who == key).map(|(_, at)| *at);
                let counted = failures.iter().filter(|(who, at)| {
                    *who == key && recent(*at) && since.is_none_or(|ban| *at > ban)
                }).count();
                prop_assert_eq!(strikes.failed(&key, now), counted == 4);
                if counted == 4 {
                    bans.push((key, now));
                }
            }
        }
    }
}
