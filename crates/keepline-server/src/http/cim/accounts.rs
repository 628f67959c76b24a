//! `registerAccount` and `login`: a name gets its number, and a number gets the address to dial.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;

use super::reply::{Code, Reply};
use super::request;
use crate::accounts::{AccountError, cim};
use crate::audit::{Action, Actor, Entry, Outcome};
use crate::http::Services;
use crate::http::object::Object;
use crate::http::{Dialled, Peer};

/// A name and its number.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registered {
    user_id: i64,
    user_name: String,
}

/// `POST /registerAccount`: a name that is there already gets its old number, as in cim.
pub(super) async fn register(
    State(services): State<Arc<Services>>,
    peer: Option<Extension<Peer>>,
    Json(Object(request)): Json<Object<request::Account>>,
) -> Reply<Registered> {
    let Some(user_name) = request.user_name.filter(|name| !name.is_empty()) else {
        return Reply::code(Code::InvalidArgument);
    };
    match services.accounts.cim().register(&user_name).await {
        Ok((user_id, created)) => {
            if let Some(user) = cim::user_of(user_id).filter(|_| created) {
                let made = Entry::new(Actor::User(user.as_str()), Action::AccountCreate, Outcome::Done);
                services.audit().note(&made.about(&user_name).from(peer.map(|Extension(Peer(peer))| peer)));
            }
            Reply::success(Some(Registered { user_id, user_name }))
        }
        Err(AccountError::NameTooLong { .. }) => Reply::code(Code::InvalidArgument),
        Err(error) => {
            tracing::warn!(%error, "registerAccount");
            Reply::code(Code::Failure)
        }
    }
}

/// Where a client connects.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    ip: String,
    cim_server_port: u16,
    http_port: u16,
}

/// `POST /login`: looks who is there and says where to connect. It notes only that he may, for a minute and from where
/// he asks: who never connects is not logged in, and can ask again.
pub(super) async fn login(
    State(services): State<Arc<Services>>,
    dialled: Option<Extension<Dialled>>,
    peer: Option<Extension<Peer>>,
    Json(Object(request)): Json<Object<request::Account>>,
) -> Reply<Address> {
    let known = request.user_id.and_then(|id| services.accounts.cim().name_of(id));
    let user = request.user_id.and_then(cim::user_of);
    let (Some(user), Some(cim_id)) = (user.filter(|_| known.is_some() && known == request.user_name), request.user_id)
    else {
        return Reply::code(Code::AccountNotMatch);
    };
    if services.is_online(&user) {
        return Reply::code(Code::RepeatLogin);
    }
    services.guard.give_ticket(cim_id, peer.map(|Extension(Peer(peer))| peer.ip()));
    let settings = &services.cim;
    let ip = settings.advertised.clone().or_else(|| {
        let Extension(Dialled(at)) = dialled?;
        Some(at.ip().to_canonical().to_string())
    });
    Reply::success(Some(Address {
        ip: ip.unwrap_or_else(|| "127.0.0.1".to_owned()),
        cim_server_port: settings.tcp_port,
        http_port: settings.push_port,
    }))
}
