//! Token: what the admin listener asks for, and of which it keeps a hash only.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use super::Admin;
use super::noted::Asked;
use crate::http::error::{ApiError, Code};
use crate::live::Live;

/// The token of an admin listener. Only its hash is here: what is random and long needs no slow one. Its clones are one
/// token: [`replace`](Self::replace) changes all of them.
#[derive(Clone)]
pub struct AdminToken(Arc<Live<[u8; 32]>>);

impl AdminToken {
    /// This text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Arc::new(Live::new(Sha256::digest(text).into())))
    }

    /// Only the other is right from now on, wherever this one is asked for. False if the two are the same.
    pub fn replace(&self, other: &Self) -> bool {
        let (mine, other) = (self.0.get(), other.0.get());
        self.0.set(other);
        mine != other
    }

    /// Whether a text is this token. Every byte of the hashes is looked at, so that the time says nothing.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let other: [u8; 32] = Sha256::digest(text).into();
        self.0.get().iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
    }

    /// Whether a request shows it.
    fn shown_by(&self, request: &Request) -> bool {
        let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = value.and_then(|value| value.split_once(' '));
        shown.is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && self.is(token.trim()))
    }
}

/// Lets through what shows the token, and everything where none is asked for; what changes anything is noted.
pub(super) async fn check(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&request, &admin.services);
    if admin.token.is_none_or(|token| token.shown_by(&request)) {
        let response = next.run(request).await;
        asked.note(admin.services.audit(), &response);
        return response;
    }
    asked.note_stranger(admin.services.audit());
    tracing::warn!(
        reason = "auth_failed",
        path = request.uri().path(),
        "a request to the admin listener without its token"
    );
    let message =
        "the admin listener wants Authorization: Bearer <token>; the token is in admin.token in the data directory";
    ApiError::new(Code::AuthFailed, message).into_response()
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_itself_and_nothing_else_and_is_not_printed() {
        let token = AdminToken::of("0123456789abcdef");
        for (text, is) in
            [("0123456789abcdef", true), ("0123456789abcdeg", false), ("0123456789abcde", false), ("", false)]
        {
            assert_eq!(token.is(text), is, "{text:?}");
        }
        assert_eq!(format!("{token:?}"), "AdminToken(..)");
        let (asked_for, other) = (token.clone(), AdminToken::of("another"));
        assert!(token.replace(&other) && !token.replace(&other));
        assert!(asked_for.is("another") && !asked_for.is("0123456789abcdef"));
    }
}
