//! Messages: sending one, and reading what was said.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::query::Query;
use super::{Api, ApiError, Seq};

/// A message to send.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewMessage {
    /// 32 hexadecimal digits. The same again is the same message, and is stored once.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) content: Content,
}

/// A message that is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) seq: Seq,
    /// Whether it was stored before.
    pub(crate) duplicate: bool,
    /// When it was stored: milliseconds since 1970.
    pub(crate) at_ms: u64,
}

/// A message that was said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) conversation: String,
    pub(crate) seq: Seq,
    pub(crate) id: String,
    pub(crate) sender: String,
    #[serde(flatten)]
    pub(crate) content: Content,
    /// When it was stored: milliseconds since 1970.
    pub(crate) at_ms: u64,
}

/// A page of messages.
#[derive(Debug, Deserialize)]
pub(crate) struct Messages {
    pub(crate) messages: Vec<Message>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// Where a page begins.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// With the newest message; newest first.
    End,
    /// Before this number; newest first.
    Before(Seq),
    /// After this number; oldest first.
    After(Seq),
    /// Where the page before ended.
    Cursor(String),
}

impl Api {
    /// Sends a message; answered once it is stored.
    ///
    /// # Errors
    /// `not_member`, `unknown_conversation`, `id_reused`, `unknown_outcome` and the other [`ApiError`]s.
    pub(crate) async fn send(&self, conversation: &str, message: &NewMessage) -> Result<Sent, ApiError> {
        self.say(Method::POST, &format!("/v1/conversations/{conversation}/messages"), message).await
    }

    /// At most `limit` messages of a conversation, 1 to 200.
    ///
    /// # Errors
    /// `not_member` and the other [`ApiError`]s.
    pub(crate) async fn messages(&self, conversation: &str, start: &Start, limit: usize) -> Result<Messages, ApiError> {
        let query = Query::default().with("limit", Some(limit));
        let query = match start {
            Start::End => query,
            Start::Before(seq) => query.with("before", Some(seq)),
            Start::After(seq) => query.with("after", Some(seq)),
            Start::Cursor(cursor) => query.with("cursor", Some(cursor)),
        };
        self.get(&format!("/v1/conversations/{conversation}/messages"), query).await
    }

    /// Texts that contain a word, newest first in each conversation; in one of them, or in all. An answer may be empty
    /// and have a `next`.
    ///
    /// # Errors
    /// `bad_query`, `not_member` and the other [`ApiError`]s.
    pub(crate) async fn search(
        &self,
        word: &str,
        conversation: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Messages, ApiError> {
        let query = Query::default().with("query", Some(word)).with("conversation", conversation);
        self.get("/v1/search", query.with("cursor", cursor).with("limit", Some(limit))).await
    }
}
