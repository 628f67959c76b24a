//! Conversations: those of the caller, and how far he has read.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::query::Query;
use super::{Api, ApiError, Seq};

/// One conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConversationEntry {
    /// `p.<user>.<user>`, `g.<group>` or `all`.
    pub(crate) conversation: String,
    /// The number of its last message.
    pub(crate) head: Seq,
    /// The last message that the token's device has acknowledged.
    pub(crate) delivered: Seq,
    /// The last message that the user has read.
    pub(crate) read: Seq,
    /// Messages after that.
    pub(crate) unread: Seq,
}

/// A page of conversations.
#[derive(Debug, Deserialize)]
pub(crate) struct Conversations {
    pub(crate) conversations: Vec<ConversationEntry>,
    pub(crate) next: Option<String>,
}

impl Api {
    /// The caller's conversations, in the order of their names.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn conversations(&self, cursor: Option<&str>, limit: usize) -> Result<Conversations, ApiError> {
        self.get("/v1/conversations", Query::default().with("cursor", cursor).with("limit", Some(limit))).await
    }

    /// Notes how far the caller has read.
    ///
    /// # Errors
    /// `not_member` and the other [`ApiError`]s.
    pub(crate) async fn mark_read(&self, conversation: &str, seq: Seq) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/read");
        self.say(Method::PUT, &path, &serde_json::json!({ "seq": seq })).await
    }
}
