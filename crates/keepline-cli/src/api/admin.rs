//! Admin: the client of a server's admin listener.

use hyper::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::http::{Http, Question};
use super::query::Query;
use super::{ApiError, Seq, json};
use crate::account::Secret;

/// The client of an admin listener.
#[derive(Debug)]
pub(crate) struct Admin {
    http: Http,
    token: Option<Secret>,
}

/// A live session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LiveSession {
    pub(crate) session: Seq,
    pub(crate) user: String,
    pub(crate) device: String,
    /// `v1` or `cim`.
    pub(crate) dialect: String,
    pub(crate) peer: Option<String>,
    /// Since when: milliseconds since 1970.
    pub(crate) since_ms: u64,
    /// How long ago the last byte was read.
    pub(crate) silent_ms: u64,
    pub(crate) queue: Queue,
    /// It has everything, and has acknowledged it.
    #[serde(default)]
    pub(crate) caught_up: bool,
}

/// What waits for a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// How long the oldest waits.
    pub(crate) oldest_ms: u64,
}

/// Live sessions, those quiet for longest first.
#[derive(Debug, Deserialize)]
pub(crate) struct LiveSessions {
    pub(crate) sessions: Vec<LiveSession>,
    /// How many there are; more than are listed if over 10,000.
    pub(crate) total: usize,
}

/// A backup that was written.
#[derive(Deserialize)]
struct Written {
    /// Of the records' bodies.
    bytes: u64,
}

impl Admin {
    /// With the token that it asks for, if it does.
    pub(crate) const fn new(http: Http, token: Option<Secret>) -> Self {
        Self { http, token }
    }

    /// Every live session, or those of one user.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn sessions(&self, user: Option<&str>) -> Result<LiveSessions, ApiError> {
        self.ask(Method::GET, Query::default().with("user", user).after("/sessions")).await
    }

    /// Ends a session; its device does not come back by itself.
    ///
    /// # Errors
    /// `not_found` and the other [`ApiError`]s.
    pub(crate) async fn kick(&self, session: Seq) -> Result<(), ApiError> {
        self.ask(Method::DELETE, format!("/sessions/{session}")).await
    }

    /// Has the server copy its store into a file of its machine; the bytes of the records' bodies.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn backup(&self, to: &str) -> Result<u64, ApiError> {
        let body = json(&serde_json::json!({ "to": to }));
        let question = Question { method: Method::POST, path: "/backup".to_owned(), body: Some(body) };
        self.http.ask(&question, self.token.as_ref()).await.map(|written: Written| written.bytes)
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: String) -> Result<T, ApiError> {
        self.http.ask(&Question { method, path, body: None }, self.token.as_ref()).await
    }
}
