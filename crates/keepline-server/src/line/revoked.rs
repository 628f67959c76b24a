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

/// How often the sessions are looked through for tokens that are over, and those looked at again that could not be
/// checked. A look at a number for each session: an index of the ends would weigh on every idle one.
const LOOK: Duration = Duration::from_secs(10);

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

/// Watches for as long as there are accounts.
pub(super) async fn watch(hub: Arc<Hub>, accounts: Arc<Accounts>) {
    let mut revocations = accounts.revocations();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                Ok(Revocation::Missed) | Err(RecvError::Lagged(_)) => with_tokens(&hub, |_| true),
                Err(RecvError::Closed) => return,
            },
            _ = looks.tick() => {
                let now = now_ms();
                let mut sessions = with_tokens(&hub, |expires_ms| expires_ms <= now);
                sessions.extend(std::mem::take(&mut doubtful).into_values());
                sessions
            }
        };
        for session in suspects {
            if judge(&hub, &accounts, &session).await == Verdict::Unknown {
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
    let over = token.expires_ms <= now_ms();
    match accounts.check_again(session.user(), token.proof).await {
        Ok(()) if !over => Verdict::Good,
        Ok(()) | Err(AuthError::Refused) => {
            tracing::info!(session = %session.id(), user = %session.user(), "the session's token is no longer good");
            hub.end(session, Reason::AuthFailed);
            Verdict::Ended
        }
        Err(error) => {
            tracing::warn!(%error, session = %session.id(), "the session's token can't be checked now");
            Verdict::Unknown
        }
    }
}

/// The sessions with a token that ends at a wanted time.
fn with_tokens(hub: &Hub, wanted: impl Fn(u64) -> bool) -> Vec<Arc<Session>> {
    let mut found = Vec::new();
    hub.each(|session| {
        if session.token().is_some_and(|token| wanted(token.expires_ms)) {
            found.push(Arc::clone(session));
        }
    });
    found
}
