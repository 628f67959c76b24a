//! Revoked: closes the sessions whose token is no longer good: called back, or over.

use std::sync::Arc;
use std::time::Duration;

use keepline::Reason;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use crate::accounts::{Accounts, AuthError, Revocation};
use crate::session::{Hub, Session, now_ms};

/// How often the sessions are looked through for tokens that are over, and for those that could not be checked.
const LOOK: Duration = Duration::from_secs(10);

/// Watches for as long as there are accounts.
pub(super) async fn watch(hub: Arc<Hub>, accounts: Arc<Accounts>) {
    let mut revocations = accounts.revocations();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Sessions whose tokens could not be looked up.
    let mut doubtful = false;
    loop {
        let suspects = tokio::select! {
            told = revocations.recv() => match told {
                Ok(Revocation::Token(id)) => with_tokens(&hub, |session| session.token().is_some_and(|it| it.id == id)),
                Ok(Revocation::User(user)) => with_tokens(&hub, |session| *session.user() == user),
                Ok(Revocation::Missed) | Err(RecvError::Lagged(_)) => with_tokens(&hub, |_| true),
                Err(RecvError::Closed) => return,
            },
            _ = looks.tick() => {
                let now = now_ms();
                let all = std::mem::take(&mut doubtful);
                with_tokens(&hub, |session| all || session.token().is_some_and(|it| it.expires_ms <= now))
            }
        };
        for session in suspects {
            doubtful |= !judge(&hub, &accounts, &session).await;
        }
    }
}

/// Ends a session whose token is not good; false if that is not known now.
pub(super) async fn judge(hub: &Hub, accounts: &Accounts, session: &Arc<Session>) -> bool {
    let Some(token) = session.token() else { return true };
    let over = token.expires_ms <= now_ms();
    match accounts.check(token.id).await {
        Ok(_) if !over => true,
        Ok(_) | Err(AuthError::Refused) => {
            tracing::info!(session = %session.id(), user = %session.user(), "the session's token is no longer good");
            hub.kick(session.id(), Reason::AuthFailed);
            true
        }
        Err(error) => {
            tracing::warn!(%error, session = %session.id(), "the session's token can't be checked now");
            false
        }
    }
}

fn with_tokens(hub: &Hub, wanted: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
    let mut found = Vec::new();
    hub.each(|session| {
        if wanted(session) {
            found.push(Arc::clone(session));
        }
    });
    found
}
