//! Revoked: closes the sessions whose token is no longer good: called back, or over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keepline::Reason;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use crate::accounts::{Accounts, AuthError, Proof, Revocation};
use crate::id::SessionId;
use crate::session::{Hub, Session, now_ms};

/// How often it is looked whether the first of all tokens is over. By the wall's clock, which may jump: so no timer is
/// set for a token's end.
const LOOK: Duration = Duration::from_secs(1);

/// How often those are looked at again whose token could not be checked.
const AGAIN: Duration = Duration::from_secs(10);

/// What is known of a session's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Verdict {
    /// It is good, or the session has none.
    Good,
    /// It is not, and the session is ended.
    Ended,
    /// The store does not say now.
    Unknown,
}

/// Watches for as long as it is polled. The two by themselves: a store that does not answer for one token must not keep
/// others alive that are over.
pub(super) async fn watch(hub: Arc<Hub>, accounts: Arc<Accounts>) {
    tokio::join!(watch_ends(&hub), watch_revocations(&hub, &accounts));
}

/// Ends the sessions whose token is over, about which nobody has to be asked.
async fn watch_ends(hub: &Hub) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        hub.over(now_ms()).iter().for_each(|session| end(hub, session));
    }
}

async fn watch_revocations(hub: &Hub, accounts: &Accounts) {
    let mut revocations = accounts.revocations();
    let mut agains = tokio::time::interval(AGAIN);
    agains.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Sessions whose tokens could not be looked up, each once.
    let mut doubtful: BTreeMap<SessionId, Arc<Session>> = BTreeMap::new();
    loop {
        let suspects = tokio::select! {
            told = revocations.recv() => match told {
                Ok(Revocation::Token { id, user }) => {
                    let mut sessions = hub.sessions_of(&user);
                    sessions.retain(|session| session.token().is_some_and(|token| token.proof == Proof::Token(id)));
                    sessions
                }
                Ok(Revocation::User(user)) => hub.sessions_of(&user),
                Ok(Revocation::Missed) | Err(RecvError::Lagged(_)) => with_tokens(hub),
                Err(RecvError::Closed) => return,
            },
            _ = agains.tick() => std::mem::take(&mut doubtful).into_values().collect(),
        };
        for session in suspects {
            if judge(hub, accounts, &session).await == Verdict::Unknown {
                doubtful.insert(session.id(), session);
            }
        }
    }
}

/// Ends a session whose token is not good.
pub(super) async fn judge(hub: &Hub, accounts: &Accounts, session: &Arc<Session>) -> Verdict {
    if session.is_ended() {
        return Verdict::Ended;
    }
    let Some(token) = session.token() else { return Verdict::Good };
    // Nobody has to be asked about one that is over.
    let over = token.expires_ms <= now_ms();
    let checked = if over { Err(AuthError::Refused) } else { accounts.check_again(session.user(), token.proof).await };
    match checked {
        Ok(()) => Verdict::Good,
        Err(AuthError::Refused) => {
            end(hub, session);
            Verdict::Ended
        }
        Err(error) => {
            tracing::warn!(%error, session = %session.id(), "the session's token can't be checked now");
            Verdict::Unknown
        }
    }
}

fn end(hub: &Hub, session: &Arc<Session>) {
    tracing::info!(session = %session.id(), user = %session.user(), "the session's token is no longer good");
    hub.end(session, Reason::AuthFailed);
}

/// The sessions with a token.
fn with_tokens(hub: &Hub) -> Vec<Arc<Session>> {
    let mut found = Vec::new();
    hub.each(|session| {
        if session.token().is_some() {
            found.push(Arc::clone(session));
        }
    });
    found
}
