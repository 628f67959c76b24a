//! `Server`: where a server is, and how a user gets an account and a token there.

use std::net::SocketAddr;

use serde_json::{Value, json};
use thiserror::Error;

use crate::http::{HttpError, Response, request};

/// The listeners of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two addresses, and made with a literal")]
pub struct Server {
    /// The HTTP API.
    pub http: SocketAddr,
    /// The long connection.
    pub tcp: SocketAddr,
}

/// Why there is no account or no token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccountError {
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server refused.
    #[error("{path} of {user} was refused with status {status}: {body}")]
    Refused {
        /// What was asked.
        path: &'static str,
        /// For whom.
        user: String,
        /// The status.
        status: u16,
        /// The answer's body.
        body: String,
    },
}

impl Server {
    /// Makes an account. One that exists is refused, with status 409.
    ///
    /// # Errors
    ///
    /// No answer, or a refusal.
    pub async fn register(&self, user: &str, password: &str) -> Result<(), AccountError> {
        let body = json!({ "user": user, "password": password });
        self.post("/v1/accounts", user, &body).await.map(|_| ())
    }

    /// A token for a device of the user.
    ///
    /// # Errors
    ///
    /// No answer, or a refusal.
    pub async fn token(&self, user: &str, password: &str, device: &str) -> Result<String, AccountError> {
        let body = json!({ "user": user, "password": password, "device": device });
        let response = self.post("/v1/tokens", user, &body).await?;
        let answer = response.json();
        let token = answer.get("token").and_then(Value::as_str).map(ToOwned::to_owned);
        token.ok_or_else(|| refused("/v1/tokens", user, &response))
    }

    /// Makes a group of the token's user, who owns it, and of these other members.
    ///
    /// # Errors
    ///
    /// No answer, or a refusal.
    pub async fn group(&self, owner: &str, token: &str, group: &str, members: &[&str]) -> Result<(), AccountError> {
        let body = json!({ "group": group, "members": members });
        self.ask("/v1/groups", owner, Some(token), &body).await.map(|_| ())
    }

    async fn post(&self, path: &'static str, user: &str, body: &Value) -> Result<Response, AccountError> {
        self.ask(path, user, None, body).await
    }

    async fn ask(
        &self,
        path: &'static str,
        user: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Response, AccountError> {
        let response = request(self.http, "POST", path, token, Some(body)).await?;
        if (200..300).contains(&response.status) { Ok(response) } else { Err(refused(path, user, &response)) }
    }
}

/// The conversation between two users, whoever is named first.
#[must_use]
pub fn private(one: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("p.{first}.{second}")
}

fn refused(path: &'static str, user: &str, response: &Response) -> AccountError {
    let body = String::from_utf8_lossy(&response.body).into_owned();
    AccountError::Refused { path, user: user.to_owned(), status: response.status, body }
}
