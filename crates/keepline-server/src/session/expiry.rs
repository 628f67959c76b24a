//! Expiry: which live sessions have a token that ends soon, so that a look for those that are over need not look at all.
//!
//! ```text
//!      now          horizon
//! ──────┼──────────────┼───────────────────────▶ ends of tokens
//!  over │ on the list  │ on no list: most, as a token is good for hours
//! ```
//! Once the horizon has come, it moves on, and all sessions are looked at for those behind it. So a session at rest
//! weighs nothing here. The wall's clock may jump: the list is right for any horizon, and only the next look moves it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::SessionId;

/// How far ahead of the clock the horizon is moved, in milliseconds: all sessions are looked at so often.
const AHEAD_MS: u64 = 5 * 60 * 1000;

/// The sessions of one hub whose tokens end soon. Times are in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Expiry<S> {
    state: Mutex<State<S>>,
}

#[derive(Debug)]
struct State<S> {
    /// Every live session whose token ends before this is on the list.
    horizon_ms: u64,
    soon: BTreeMap<(u64, SessionId), S>,
}

impl<S: Clone> Expiry<S> {
    pub(super) const fn new() -> Self {
        Self { state: Mutex::new(State { horizon_ms: 0, soon: BTreeMap::new() }) }
    }

    /// A session has begun with a token that ends then. It must be among all sessions before that: see
    /// [`move_on`](Self::move_on).
    pub(super) fn enter(&self, ends_ms: u64, id: SessionId, session: &S) {
        let mut state = self.state();
        if ends_ms < state.horizon_ms {
            state.soon.insert((ends_ms, id), session.clone());
        }
    }

    /// It has ended. Does nothing for one that is not on the list.
    pub(super) fn leave(&self, ends_ms: u64, id: SessionId) {
        self.state().soon.remove(&(ends_ms, id));
    }

    /// True if the horizon has moved on: then all sessions are to be [entered](Self::enter), again or for the first time.
    /// One that enters by itself meanwhile finds the new horizon, or is among all of them.
    #[must_use = "the list is only whole once all sessions were entered"]
    pub(super) fn move_on(&self, now_ms: u64) -> bool {
        let mut state = self.state();
        let next = now_ms.saturating_add(AHEAD_MS);
        let has_come = now_ms >= state.horizon_ms;
        if !has_come && next < state.horizon_ms {
            // The clock went back, by more than what it had gone on.
            drop(state.soon.split_off(&(next, SessionId(0))));
        }
        if has_come || next < state.horizon_ms {
            state.horizon_ms = next;
        }
        has_come
    }

    /// Those whose token is over at this time; the same again until they have left.
    pub(super) fn over(&self, now_ms: u64) -> Vec<S> {
        self.state().soon.range(..=(now_ms, SessionId(u64::MAX))).map(|(_, session)| session.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        // Nothing of others' runs under the lock: what is there is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// What the hub does with it.
    fn look(expiry: &Expiry<u64>, all: &BTreeSet<(u64, u64)>, now_ms: u64) -> Vec<u64> {
        if expiry.move_on(now_ms) {
            all.iter().for_each(|(ends_ms, id)| expiry.enter(*ends_ms, SessionId(*id), id));
        }
        expiry.over(now_ms)
    }

    #[test]
    fn who_ends_late_is_on_no_list_and_who_is_over_is_found_until_he_has_left() {
        let (expiry, day) = (Expiry::new(), 24 * 3600 * 1000);
        let all = BTreeSet::from([(50, 1), (AHEAD_MS, 2), (day, 3)]);
        for (now_ms, over, listed) in [(49, vec![], 2), (50, vec![1], 2), (50, vec![1], 2)] {
            assert_eq!(look(&expiry, &all, now_ms), over, "at {now_ms}");
            assert_eq!(expiry.state().soon.len(), listed, "at {now_ms}");
        }
        expiry.enter(60, SessionId(4), &4);
        expiry.enter(day, SessionId(5), &5);
        assert_eq!((look(&expiry, &all, 60), expiry.state().soon.len()), (vec![1, 4], 3));
        for _ in 0..2 {
            expiry.leave(50, SessionId(1));
            assert_eq!(look(&expiry, &all, 60), [4]);
        }
        assert!(!expiry.move_on(AHEAD_MS + 48) && expiry.move_on(AHEAD_MS + 49), "five minutes behind the first look");
    }

    proptest! {
        /// Against a look at all of them, under a clock that jumps.
        #[test]
        fn it_finds_whom_a_look_at_all_would_find_and_keeps_nobody_who_is_far_from_his_end(
            steps in prop::collection::vec((0..5_u8, 0..40_u64, 0..3 * AHEAD_MS), 1..200),
        ) {
            let (expiry, mut all, mut now_ms) = (Expiry::new(), BTreeSet::new(), AHEAD_MS);
            for (step, id, ms) in steps {
                let gone = all.iter().find(|(_, known)| *known == id).copied();
                match (step, gone) {
                    (0 | 1, None) => {
                        all.insert((ms, id));
                        expiry.enter(ms, SessionId(id), &id);
                    }
                    (0 | 1, Some((ends_ms, _))) => {
                        all.remove(&(ends_ms, id));
                        expiry.leave(ends_ms, SessionId(id));
                    }
                    (2, _) => now_ms = ms,
                    _ => now_ms += ms / 100,
                }
                let expected: Vec<u64> = all.iter().filter(|(ends, _)| *ends <= now_ms).map(|(_, id)| *id).collect();
                prop_assert_eq!(look(&expiry, &all, now_ms), expected, "at {}", now_ms);
                prop_assert!(expiry.state().soon.keys().all(|(ends, _)| *ends < now_ms + AHEAD_MS), "at {}", now_ms);
            }
        }
    }
}
