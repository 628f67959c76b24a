//! Accounts and tokens: making one, proving who one is, and calling that back.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::http::{Http, Question};
use super::query::Query;
use super::{Api, ApiError, json};
use crate::secret::Secret;

/// What gets a device its token.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) device: String,
}

/// A token.
#[derive(Debug, Deserialize)]
pub(crate) struct Issued {
    pub(crate) token: Secret,
    /// When it is over: milliseconds since 1970.
    pub(crate) expires_ms: u64,
}

/// Whose token it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Me {
    pub(crate) user: String,
    pub(crate) device: Option<String>,
    /// When the token is over: milliseconds since 1970.
    pub(crate) expires_ms: u64,
}

impl Api {
    /// Makes an account.
    ///
    /// # Errors
    /// `taken`, `reserved`, `weak_password` and the other [`ApiError`]s.
    pub(crate) async fn create_account(&self, user: &str, password: &Secret) -> Result<(), ApiError> {
        create(&self.http, user, password).await
    }

    /// Gets a token.
    ///
    /// # Errors
    /// `bad_credentials` and the other [`ApiError`]s.
    pub(crate) async fn log_in(&self, login: &Login) -> Result<Issued, ApiError> {
        log_in(&self.http, login).await
    }

    /// Gets a token; where the server does not know the user (any more), he is made with this password. Whether he was.
    ///
    /// # Errors
    /// `bad_credentials` if the password is not his, and the other [`ApiError`]s.
    pub(crate) async fn log_in_or_make(&self, login: &Login) -> Result<(Issued, bool), ApiError> {
        log_in_or_make(&self.http, login).await
    }

    /// Whose token ours is.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn me(&self) -> Result<Me, ApiError> {
        self.get("/v1/accounts/me", Query::default()).await
    }

    /// Calls our token back, or every token of ours.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn revoke(&self, all: bool) -> Result<(), ApiError> {
        self.delete(if all { "/v1/tokens" } else { "/v1/tokens/current" }).await
    }
}

async fn log_in(http: &Http, login: &Login) -> Result<Issued, ApiError> {
    let question = Question { method: Method::POST, path: "/v1/tokens".to_owned(), body: Some(json(login)) };
    http.ask(&question, None).await
}

pub(super) async fn log_in_or_make(http: &Http, login: &Login) -> Result<(Issued, bool), ApiError> {
    match log_in(http, login).await {
        Err(refused) if refused.code() == Some("bad_credentials") => {
            match create(http, &login.user, &login.password).await {
                Ok(()) => Ok((log_in(http, login).await?, true)),
                // He is known, or would never be: so it was the password.
                Err(error) if matches!(error.code(), Some("taken" | "weak_password" | "reserved")) => Err(refused),
                Err(error) => Err(error),
            }
        }
        issued => issued.map(|issued| (issued, false)),
    }
}

async fn create(http: &Http, user: &str, password: &Secret) -> Result<(), ApiError> {
    let body = json(&serde_json::json!({ "user": user, "password": password.reveal() }));
    let question = Question { method: Method::POST, path: "/v1/accounts".to_owned(), body: Some(body) };
    http.ask::<serde::de::IgnoredAny>(&question, None).await.map(drop)
}
