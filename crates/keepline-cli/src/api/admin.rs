//! Admin: the client of a server's admin listener.

use hyper::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::http::{Http, Question};
use super::metrics::Counters;
use super::query::Query;
use super::watch::{Close, Closes, LiveSessions, Order, SessionDetail, SessionQuery};
use super::{ApiError, Seq, json};
use crate::secret::Secret;

/// The client of an admin listener.
#[derive(Debug)]
pub(crate) struct Admin {
    http: Http,
    token: Option<Secret>,
}

/// A backup that was written.
#[derive(Deserialize)]
struct Written {
    /// Of the records' bodies.
    bytes: u64,
}

/// How a server is, as its `/ready` says it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Readiness {
    pub(crate) store: StoreState,
    pub(crate) sessions: u64,
    pub(crate) draining: bool,
}

/// How its store is.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct StoreState {
    /// `ok` while it takes writes.
    pub(crate) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Admin {
    /// With the token that it asks for, if it does.
    pub(crate) const fn new(http: Http, token: Option<Secret>) -> Self {
        Self { http, token }
    }

    /// Whether it takes work; what it says so with is read whatever its status.
    ///
    /// # Errors
    /// Each [`ApiError`] but a refusal.
    pub(crate) async fn readiness(&self) -> Result<Readiness, ApiError> {
        let question = Question { method: Method::GET, path: "/ready".to_owned(), body: None };
        self.http.ask_whatever(&question).await
    }

    /// A page of the live sessions.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn sessions(&self, wanted: &SessionQuery) -> Result<LiveSessions, ApiError> {
        let query = Query::default()
            .with("user", wanted.user.as_deref())
            .with("like", wanted.like.as_deref())
            .with("sort", Some(wanted.sort.name()))
            .with("order", wanted.order.map(Order::name))
            .with("offset", (wanted.offset > 0).then_some(wanted.offset))
            .with("limit", wanted.limit);
        self.ask(Method::GET, query.after("/sessions")).await
    }

    /// All that is known of a live session.
    ///
    /// # Errors
    /// `not_found` and the other [`ApiError`]s.
    pub(crate) async fn session(&self, session: Seq) -> Result<SessionDetail, ApiError> {
        self.ask(Method::GET, format!("/sessions/{session}")).await
    }

    /// Up to so many of the ends of sessions that the server still knows, of everybody or of a user's device; the
    /// latest first.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn closes(&self, whose: Option<(&str, &str)>, limit: usize) -> Result<Vec<Close>, ApiError> {
        let query = Query::default()
            .with("user", whose.map(|(user, _)| user))
            .with("device", whose.map(|(_, device)| device))
            .with("limit", Some(limit));
        self.ask(Method::GET, query.after("/closes")).await.map(|answer: Closes| answer.closes)
    }

    /// What the server counts.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn counters(&self) -> Result<Counters, ApiError> {
        let question = Question { method: Method::GET, path: "/metrics".to_owned(), body: None };
        self.http.ask_text(&question, self.token.as_ref()).await.map(|text| Counters::parse(&text))
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
