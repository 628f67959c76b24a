//! Roll: the live sessions by their numbers, and by when their tokens end.
//!
//! So neither ending one session nor looking for those whose token is over looks at all of them. It weighs about 100
//! bytes a session.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scc::HashMap;

use super::Session;
use crate::id::SessionId;

/// The live sessions of one hub.
pub(super) struct Roll {
    sessions: HashMap<SessionId, Arc<Session>>,
    /// When each token ends, in milliseconds since 1970, the first in front. None for a session without a token.
    ends: Mutex<BTreeSet<(u64, SessionId)>>,
}

impl Roll {
    pub(super) fn new() -> Self {
        Self { sessions: HashMap::new(), ends: Mutex::new(BTreeSet::new()) }
    }

    pub(super) fn enter(&self, session: &Arc<Session>) {
        // Numbers are never given twice.
        let _ = self.sessions.insert_sync(session.id, Arc::clone(session));
        if let Some(token) = session.token {
            self.ends().insert((token.expires_ms, session.id));
        }
    }

    /// Does nothing for one that is not there any more.
    pub(super) fn leave(&self, session: &Session) {
        let _ = self.sessions.remove_sync(&session.id);
        if let Some(token) = session.token {
            self.ends().remove(&(token.expires_ms, session.id));
        }
    }

    pub(super) fn get(&self, id: SessionId) -> Option<Arc<Session>> {
        self.sessions.read_sync(&id, |_, session| Arc::clone(session))
    }

    /// Those whose token is over at this time, in milliseconds since 1970; the same again until they have left.
    pub(super) fn over(&self, now_ms: u64) -> Vec<Arc<Session>> {
        let ends = self.ends();
        let over: Vec<SessionId> = ends.range(..=(now_ms, SessionId(u64::MAX))).map(|(_, id)| *id).collect();
        drop(ends);
        over.into_iter().filter_map(|id| self.get(id)).collect()
    }

    fn ends(&self) -> MutexGuard<'_, BTreeSet<(u64, SessionId)>> {
        // Nothing of others' runs under the lock: what is there is whole.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::super::{Speaks, Token};
    use super::*;
    use crate::accounts::Proof;

    #[tokio::test]
    async fn who_has_left_is_nowhere_and_who_is_over_is_found_until_then() {
        let token = |expires_ms| Some(Token { proof: Proof::Jwt { issued_ms: 0 }, expires_ms });
        let (early, late) =
            (Fixture::holding(Speaks::V1, token(50)).await, Fixture::holding(Speaks::V1, token(60)).await);
        let endless = Fixture::new(Speaks::V1).await;
        let roll = Roll::new();
        let all = [&early.session, &late.session, &endless.session];
        // Each is the first of a store of its own, so that the numbers are the same: one roll for each.
        let found = |at_ms| {
            all.map(|session| {
                let roll = Roll::new();
                roll.enter(session);
                roll.over(at_ms).len()
            })
        };
        assert_eq!([49, 50, 60, u64::MAX].map(found), [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0]]);
        roll.enter(&early.session);
        assert_eq!((roll.over(50).len(), roll.over(50).len()), (1, 1), "told again until it has left");
        assert!(roll.get(early.session.id).is_some_and(|found| Arc::ptr_eq(&found, &early.session)));
        for _ in 0..2 {
            roll.leave(&early.session);
            assert!(roll.get(early.session.id).is_none() && roll.over(50).is_empty());
            assert!(roll.ends().is_empty() && roll.sessions.is_empty(), "nothing is left behind");
        }
    }
}
