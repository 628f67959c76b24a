//! Accounts: made by the operator, where nobody may make himself one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use super::Admin;
use crate::audit::{Action, Actor, Entry};
use crate::http::Peer;
use crate::http::error::ApiError;
use crate::http::extract::{Body, id};
use crate::http::v1::accounts::{Account, NewAccount};

/// `POST /accounts`: as `POST /v1/accounts`, whatever strangers may do.
pub(super) async fn create(
    State(admin): State<Admin>,
    peer: Option<Extension<Peer>>,
    Body(request): Body<NewAccount>,
) -> Result<(StatusCode, Json<Account>), ApiError> {
    let user = id(&request.user)?;
    let outcome = admin.services.accounts.create(user, &request.password).await.map_err(ApiError::from);
    let entry = Entry::new(Actor::Admin, Action::AccountCreate, (&outcome).into()).about(&request.user);
    admin.services.audit().note(&entry.from(peer.map(|Extension(Peer(peer))| peer)));
    outcome?;
    Ok((StatusCode::CREATED, Json(Account { user: request.user })))
}
