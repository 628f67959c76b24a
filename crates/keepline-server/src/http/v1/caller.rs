//! Caller: who asks, by the token of the request.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::accounts::Identity;
use crate::audit::{Action, Actor, Audit, Entry};
use crate::http::Peer;
use crate::http::Services;
use crate::http::error::{ApiError, Code};
use crate::id::{DeviceId, UserId};

/// Who asks: `Authorization: Bearer <token>`. Nothing in a request says it another way.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) identity: Identity,
    from: Option<SocketAddr>,
    audit: Audit,
}

impl Caller {
    pub(super) const fn user(&self) -> &UserId {
        &self.identity.user
    }

    pub(super) const fn device(&self) -> Option<&DeviceId> {
        self.identity.device.as_ref()
    }

    /// Has it noted that he did this, or tried to; `object` is to whom or what.
    pub(super) fn note<T>(&self, action: Action, object: &str, outcome: &Result<T, ApiError>) {
        let entry = Entry::new(Actor::User(self.user().as_str()), action, outcome.into());
        self.audit.note(&entry.about(object).from(self.from));
    }
}

impl FromRequestParts<Arc<Services>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, ApiError> {
        let missing = || ApiError::new(Code::AuthFailed, "this endpoint wants Authorization: Bearer <token>");
        let value = parts.headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
        let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        let from = parts.extensions.get::<Peer>().map(|Peer(peer)| *peer);
        let audit = services.audit().clone();
        let outcome = services.accounts.authenticate(token.trim()).await.map_err(ApiError::from);
        if outcome.is_err() {
            let refused = Entry::new(Actor::Nobody, Action::Authenticate, (&outcome).into());
            audit.note(&refused.about(parts.uri.path()).from(from));
        }
        Ok(Self { identity: outcome?, from, audit })
    }
}
