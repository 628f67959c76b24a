//! Password: what proves who one is by a password asks the guard first, and tells it how it ended.

use std::sync::Arc;

use axum::Extension;

use crate::accounts::AccountError;
use crate::guard::Guard;
use crate::http::Peer;
use crate::http::error::ApiError;
use crate::id::UserId;

/// Runs what looks at a user's password, unless too many were wrong: then nothing is hashed.
pub(super) async fn guarded<T>(
    guard: &Arc<Guard>,
    user: &UserId,
    peer: Option<Extension<Peer>>,
    proof: impl Future<Output = Result<T, AccountError>>,
) -> Result<T, ApiError> {
    let attempt = guard.attempt(user, peer.map(|Extension(Peer(peer))| peer.ip()))?;
    let outcome = proof.await;
    match &outcome {
        Ok(_) => attempt.passed(),
        Err(AccountError::BadCredentials) => attempt.failed(),
        // Nothing was proved, either way.
        Err(_) => drop(attempt),
    }
    Ok(outcome?)
}
