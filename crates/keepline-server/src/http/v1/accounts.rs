//! Accounts: making one, and changing its password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::password::guarded;
use crate::audit::{Action, Actor, Entry};
use crate::http::Peer;
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{Body, id};

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewAccount {
    /// 1 to 64 characters of A-Z, a-z, 0-9, _ and -; not `cim-...`.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "cleo")]
    pub(in crate::http) user: String,
    /// 8 characters at least, 512 bytes at most.
    #[schema(min_length = 8, max_length = 512)]
    pub(in crate::http) password: String,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Account {
    pub(in crate::http) user: String,
}

/// Makes an account
#[utoipa::path(post, path = "/v1/accounts", operation_id = "create_account", tag = "accounts", request_body = NewAccount, responses(
    (status = 201, body = Account),
    (status = 403, description = "not_allowed: nobody makes himself an account here", body = ErrorBody),
    (status = 409, description = "taken, reserved", body = ErrorBody),
    (status = 422, description = "bad_fields, weak_password", body = ErrorBody),
    (status = 429, description = "rate_limited: too many of this address at one time; see Retry-After", body = ErrorBody),
    (status = "default", body = ErrorBody),
))]
pub(super) async fn create(
    State(services): State<Arc<Services>>,
    peer: Option<Extension<Peer>>,
    Body(request): Body<NewAccount>,
) -> Result<(StatusCode, Json<Account>), ApiError> {
    let user = id(&request.user)?;
    let from = peer.map(|Extension(Peer(peer))| peer);
    // Hashing is what passwords cost: one address has no more of it here than where it tries them.
    let outcome = match services.guard.attempt(&user, from.map(|from| from.ip())) {
        _ if !services.guard.allows_sign_ups() => {
            Err(ApiError::new(Code::NotAllowed, "the operator of this server makes its accounts: ask there for one"))
        }
        Ok(_attempt) => services.accounts.create(user, &request.password).await.map_err(ApiError::from),
        Err(refused) => Err(refused.into()),
    };
    let entry = Entry::new(Actor::User(&request.user), Action::AccountCreate, (&outcome).into());
    services.audit().note(&entry.from(from));
    outcome?;
    Ok((StatusCode::CREATED, Json(Account { user: request.user })))
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    old: String,
    /// 8 characters at least, 512 bytes at most.
    #[schema(min_length = 8, max_length = 512)]
    new: String,
}

/// Changes the caller's password; every token of his is called back
#[utoipa::path(put, path = "/v1/accounts/me/password", tag = "accounts", request_body = PasswordChange,
    security(("token" = [])), responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn change_password(
    State(services): State<Arc<Services>>,
    caller: Caller,
    peer: Option<Extension<Peer>>,
    Body(request): Body<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let changing = services.accounts.change_password(caller.user(), &request.old, &request.new);
    let outcome = guarded(&services.guard, caller.user(), peer, changing).await;
    caller.note(Action::PasswordChange, "", &outcome);
    outcome.map(|()| StatusCode::NO_CONTENT)
}
