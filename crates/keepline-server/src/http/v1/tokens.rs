//! Tokens: what a device shows instead of a password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::password::guarded;
use crate::accounts::Proof;
use crate::audit::{Action, Actor, Entry};
use crate::http::Peer;
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{Body, id};
use crate::id::DeviceId;

/// A name, its password, and the device that the token is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    user: String,
    password: String,
    /// 1 to 64 characters of A-Z, a-z, 0-9, _ and -. A device has one live session at a time.
    device: String,
}

/// A token. It is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    token: String,
    /// When it is over: milliseconds since 1970.
    expires_ms: u64,
}

/// Gives a device a token
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = Credentials, responses(
    (status = 201, body = Token),
    (status = 401, description = "bad_credentials", body = ErrorBody),
    (status = 429, description = "rate_limited: too many were wrong; see Retry-After", body = ErrorBody),
    (status = "default", body = ErrorBody),
))]
pub(super) async fn issue(
    State(services): State<Arc<Services>>,
    peer: Option<Extension<Peer>>,
    Body(request): Body<Credentials>,
) -> Result<(StatusCode, Json<Token>), ApiError> {
    let (user, device) = (id(&request.user)?, id(&request.device)?);
    let issuing = services.accounts.issue(&user, &request.password, device);
    let from = peer.as_ref().map(|Extension(Peer(peer))| *peer);
    let outcome = guarded(&services.guard, &user, peer, issuing).await;
    let entry = Entry::new(Actor::User(user.as_str()), Action::TokenIssue, (&outcome).into());
    services.audit().note(&entry.about(&request.device).from(from));
    let issued = outcome?;
    Ok((StatusCode::CREATED, Json(Token { token: issued.text, expires_ms: issued.expires_ms })))
}

/// Calls back every token of the caller, and every JWT made for him so far; his sessions end
#[utoipa::path(delete, path = "/v1/tokens", tag = "tokens", security(("token" = [])),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn revoke_all(State(services): State<Arc<Services>>, caller: Caller) -> Result<StatusCode, ApiError> {
    let outcome = services.accounts.revoke_all(caller.user()).await.map_err(ApiError::from);
    caller.note(Action::TokenRevokeAll, "", &outcome);
    outcome.map(|()| StatusCode::NO_CONTENT)
}

/// Calls back the token of this request; the session that it opened ends
#[utoipa::path(delete, path = "/v1/tokens/current", tag = "tokens", security(("token" = [])),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn revoke(State(services): State<Arc<Services>>, caller: Caller) -> Result<StatusCode, ApiError> {
    let Proof::Token(id) = caller.identity.proof else {
        let message = "this token was signed by others and ends at its own time: DELETE /v1/tokens ends all of yours";
        return Err(ApiError::new(Code::NotAllowed, message));
    };
    let outcome = services.accounts.revoke(id).await.map_err(ApiError::from);
    caller.note(Action::TokenRevoke, caller.device().map_or("", DeviceId::as_str), &outcome);
    outcome.map(|()| StatusCode::NO_CONTENT)
}
