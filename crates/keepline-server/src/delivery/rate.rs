//! Rate: how fast messages are taken: a bucket for each user whom no line paces, and one for what goes to everyone.
//!
//! Of a bucket it is enough to know until when what it has taken would last at the long-run rate ([`Rate`]).

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use keepline::serve::Rate;
use tokio::time::Instant;

use crate::id::UserId;
use crate::live::Live;

/// Users remembered in one generation; there are two.
const MOST_USERS: usize = 100_000;

/// How fast messages are taken; `None` for as fast as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever wires the parts names each")]
pub struct SendLimits {
    /// Of one user, by HTTP and by his delayed messages. What comes over a line is paced where it is read, and not
    /// counted here.
    pub user: Option<Rate>,
    /// To everyone who is online, of all users together and however they send: one message costs a push to each.
    pub everyone: Option<Rate>,
}

/// The buckets.
#[derive(Debug)]
pub(super) struct Buckets {
    limits: Live<SendLimits>,
    state: Mutex<State>,
}

/// Until when each bucket would last.
#[derive(Debug)]
struct State {
    everyone: Instant,
    users: Users,
}

/// Whoever has rested longer than a bucket takes to empty is as good as forgotten. So there are two generations: those
/// of this time and those of the time before, which is dropped whole.
#[derive(Debug)]
struct Users {
    begun: Instant,
    now: HashMap<UserId, Instant>,
    before: HashMap<UserId, Instant>,
}

impl Buckets {
    pub(super) fn new(limits: SendLimits) -> Self {
        let begun = Instant::now();
        let users = Users { begun, now: HashMap::new(), before: HashMap::new() };
        Self { limits: Live::new(limits), state: Mutex::new(State { everyone: begun, users }) }
    }

    /// Other limits from now on; what was taken counts on.
    pub(super) fn set_limits(&self, limits: SendLimits) {
        self.limits.set(limits);
    }

    /// Takes one message out of the buckets that it counts in, or out of none; false if one of them has nothing left.
    pub(super) fn take(&self, user: Option<&UserId>, to_everyone: bool) -> bool {
        let limits = self.limits.get();
        let user = limits.user.and_then(|rate| user.map(|user| (user, rate)));
        let everyone = limits.everyone.filter(|_| to_everyone);
        if user.is_none() && everyone.is_none() {
            return true;
        }
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let until_all = everyone.map(|rate| after_one_more(state.everyone, now, rate));
        let until_his = user.map(|(user, rate)| after_one_more(state.users.until(user, now, rate), now, rate));
        if until_all == Some(None) || until_his == Some(None) {
            return false;
        }
        if let Some(until) = until_all.flatten() {
            state.everyone = until;
        }
        if let (Some((user, _)), Some(until)) = (user, until_his.flatten()) {
            state.users.now.insert(user.clone(), until);
        }
        true
    }
}

/// Until when a bucket would last after one more message; `None` if it may not have it now.
fn after_one_more(until: Instant, now: Instant, rate: Rate) -> Option<Instant> {
    let until = until.max(now) + rate.each().to_std();
    (until.duration_since(now) <= rate.ahead().to_std()).then_some(until)
}

impl Users {
    fn until(&mut self, user: &UserId, now: Instant, rate: Rate) -> Instant {
        // A full generation ends early: its users may have one burst too soon, but nobody pays for others, and the
        // memory has its bound.
        if now.duration_since(self.begun) > rate.ahead().to_std() || self.now.len() >= MOST_USERS {
            self.before = mem::take(&mut self.now);
            self.begun = now;
        }
        self.now.get(user).or_else(|| self.before.get(user)).copied().unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn buckets(user: Option<(u32, u32)>, everyone: Option<(u32, u32)>) -> Buckets {
        let rate = |(per_second, burst)| Rate { per_second, burst };
        Buckets::new(SendLimits { user: user.map(rate), everyone: everyone.map(rate) })
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_then_each_message_takes_its_time() {
        let (buckets, ann) = (buckets(Some((20, 3)), None), user("ann"));
        let table = [(0, true), (0, true), (0, true), (0, false), (49, false), (1, true), (0, false), (150, true)];
        for (i, (after_ms, taken)) in table.into_iter().enumerate() {
            tokio::time::advance(Duration::from_millis(after_ms)).await;
            assert_eq!(buckets.take(Some(&ann), false), taken, "row {i}");
        }
        assert!(buckets.take(Some(&user("bob")), false), "another has a bucket of his own");
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_to_everyone_counts_for_all_together_and_a_refusal_costs_nothing() {
        let buckets = buckets(Some((1, 3)), Some((1, 2)));
        let (ann, bob) = (user("ann"), user("bob"));
        let table = [(&ann, true, true), (&bob, true, true), (&ann, true, false), (&ann, false, true)];
        for (i, (sender, to_everyone, taken)) in table.into_iter().enumerate() {
            assert_eq!(buckets.take(Some(sender), to_everyone), taken, "row {i}");
        }
        assert!(!buckets.take(None, true), "what comes over a line counts for everyone too");
        assert!(buckets.take(None, false), "and for nobody else");
        let told = (0..3).map(|_| buckets.take(Some(&ann), false)).collect::<Vec<_>>();
        assert_eq!(told, [true, false, false], "two of ann's three had been taken, and no more");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_remembered_for_a_generation_is_held_to_it_and_then_forgotten() {
        let (buckets, ann) = (buckets(Some((10, 10)), None), user("ann"));
        let remembered = || {
            let state = buckets.state.lock().unwrap();
            state.users.now.len() + state.users.before.len()
        };
        for _ in 0..10 {
            assert!(buckets.take(Some(&ann), false));
        }
        // Each time somebody else, so that generations go by.
        for second in 0..20 {
            tokio::time::advance(Duration::from_millis(100)).await;
            assert!(buckets.take(Some(&user(&format!("u{second}"))), false));
            let again = buckets.take(Some(&ann), false);
            assert_eq!((again, buckets.take(Some(&ann), false)), (true, false), "one each 100 ms, no more: {second}");
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(buckets.take(Some(&user("bob")), false));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(buckets.take(Some(&user("bob")), false));
        assert_eq!(remembered(), 2, "bob twice");
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_users_send_no_more_than_two_generations_are_remembered() {
        let buckets = buckets(Some((1, 1_000_000)), None);
        for i in 0..2 * MOST_USERS + 10 {
            assert!(buckets.take(Some(&user(&format!("u{i}"))), false));
        }
        let state = buckets.state.lock().unwrap();
        assert_eq!((state.users.now.len(), state.users.before.len()), (10, MOST_USERS));
    }
}
