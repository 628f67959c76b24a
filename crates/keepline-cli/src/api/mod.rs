//! Api: the client of a server's HTTP interface. One file a resource; `openapi.json` of the server describes them.

mod accounts;
mod address;
mod admin;
mod content;
mod conversations;
mod error;
mod groups;
mod http;
mod messages;
mod metrics;
mod query;
mod schedules;
mod seq;
mod server;
mod sessions;
mod users;
mod watch;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use accounts::{Issued, Login, Me};
pub(crate) use address::ServerUrl;
pub(crate) use admin::{Admin, Readiness};
pub(crate) use content::{Content, Kind, LARGEST};
pub(crate) use conversations::ConversationEntry;
pub(crate) use error::ApiError;
pub(crate) use groups::{Group, GroupChange, GroupEntry, Member, NewGroup, Role};
pub(crate) use http::Http;
pub(crate) use messages::{Message, NewMessage, Sent, Start};
pub(crate) use metrics::Counters;
pub(crate) use schedules::{Edit, Schedule};
pub(crate) use seq::Seq;
pub(crate) use sessions::OwnSession;
pub(crate) use users::{User, UserQuery};
#[cfg(test)]
pub(crate) use watch::{AgreedTerms, Queue};
pub(crate) use watch::{Close, LiveSession, LiveSessions, Order, SessionDetail, SessionQuery, SortBy};

use self::http::Question;
use self::query::Query;
use crate::secret::Secret;

/// The client of `/v1`, as one user. A token that is no longer valid is renewed once a request, where we may.
pub(crate) struct Api {
    http: Http,
    token: Mutex<Option<Secret>>,
    renewal: Option<Renewal>,
}

/// How to get another token when the one we have is no longer valid.
pub(crate) struct Renewal {
    pub(crate) login: Login,
    pub(crate) keep: Keep,
}

/// What is called with each token that was got, and whether the user had to be made again for it.
pub(crate) type Keep = Box<dyn Fn(&Issued, bool) + Send + Sync>;

impl Api {
    /// As nobody: for what comes before a token.
    pub(crate) const fn anonymous(http: Http) -> Self {
        Self { http, token: Mutex::new(None), renewal: None }
    }

    /// As who has this token.
    pub(crate) const fn new(http: Http, token: Secret, renewal: Option<Renewal>) -> Self {
        Self { http, token: Mutex::new(Some(token)), renewal }
    }

    pub(crate) const fn server(&self) -> &ServerUrl {
        self.http.server()
    }

    /// The token of now.
    pub(crate) fn token(&self) -> Option<Secret> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gets another token in the place of one that is no longer valid; does nothing if that has been done.
    ///
    /// # Errors
    /// `refused` itself where there is no way to another token.
    pub(crate) async fn renew(&self, old: Option<&Secret>, refused: ApiError) -> Result<(), ApiError> {
        let Some(renewal) = &self.renewal else { return Err(refused) };
        if self.token().as_ref() != old {
            return Ok(());
        }
        let (issued, made) = accounts::log_in_or_make(&self.http, &renewal.login).await?;
        (renewal.keep)(&issued, made);
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(issued.token);
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: Query) -> Result<T, ApiError> {
        self.ask(Question { method: Method::GET, path: query.after(path), body: None }).await
    }

    async fn delete(&self, path: &str) -> Result<(), ApiError> {
        self.ask(Question { method: Method::DELETE, path: path.to_owned(), body: None }).await
    }

    async fn say<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> Result<T, ApiError> {
        self.ask(Question { method, path: path.to_owned(), body: Some(json(body)) }).await
    }

    async fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<T, ApiError> {
        let token = self.token();
        match self.http.ask(&question, token.as_ref()).await {
            Err(error) if error.code() == Some("auth_failed") => {
                self.renew(token.as_ref(), error).await?;
                self.http.ask(&question, self.token().as_ref()).await
            }
            answer => answer,
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("server", self.server()).finish_non_exhaustive()
    }
}

fn json(body: &impl Serialize) -> bytes::Bytes {
    // Types of our own, with text keys and without floats: nothing in them can fail.
    serde_json::to_vec(body).unwrap_or_default().into()
}
