//! Asked: what a request to the admin listener would change, for the audit log.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;

use crate::audit::{Action, Actor, Audit, Entry, Outcome};
use crate::http::Peer;
use crate::http::Services;
use crate::http::error::{ApiError, Code};
use crate::id::SessionId;

/// What a request is after.
#[derive(Debug)]
pub(super) struct Asked {
    /// `None` for what only looks.
    action: Option<Action>,
    /// The path, or whose session it is.
    object: String,
    from: Option<SocketAddr>,
}

impl Asked {
    /// To be asked before it is done: a session that was ended has no user any more.
    pub(super) fn of(request: &Request, services: &Services) -> Self {
        let (path, from) = (request.uri().path(), request.extensions().get::<Peer>().map(|Peer(peer)| *peer));
        let looks = [Method::GET, Method::HEAD].contains(request.method());
        let session = path.strip_prefix("/sessions/").filter(|_| !looks).and_then(|number| number.parse().ok());
        let session = session.and_then(|number| services.hub.session(SessionId(number)));
        let action = match path {
            _ if looks => None,
            // Which has more to say: whose account it is.
            "/accounts" => None,
            "/backup" => Some(Action::Backup),
            "/drain" => Some(Action::Drain),
            _ if path.starts_with("/sessions/") => Some(Action::Kick),
            _ => Some(Action::Admin),
        };
        let object = session.map_or_else(
            || path.to_owned(),
            |session| format!("session {} of {}, {}", session.id(), session.user(), session.device()),
        );
        Self { action, object, from }
    }

    /// It was answered like this.
    pub(super) fn note(&self, audit: &Audit, response: &Response) {
        let Some(action) = self.action else { return };
        let code = || response.extensions().get::<Code>().copied();
        let refused = || code().unwrap_or_else(|| ApiError::of_status(response.status()).code());
        let outcome = if response.status().is_success() { Outcome::Done } else { Outcome::Refused(refused().name()) };
        audit.note(&Entry::new(Actor::Admin, action, outcome).about(&self.object).from(self.from));
    }

    /// Who asked did not show the token.
    pub(super) fn note_stranger(&self, audit: &Audit) {
        let refused = Outcome::Refused(Code::AuthFailed.name());
        audit.note(&Entry::new(Actor::Nobody, Action::Authenticate, refused).about(&self.object).from(self.from));
    }
}
