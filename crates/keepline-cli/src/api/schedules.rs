//! Schedules: messages for later.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::query::Query;
use super::{Api, ApiError};

/// A message for later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) schedule: String,
    pub(crate) conversation: String,
    /// When: milliseconds since 1970.
    pub(crate) due_ms: u64,
    pub(crate) created_ms: u64,
    /// `waiting`, `sending` or `failed`.
    pub(crate) state: String,
    /// Why it will not be sent, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    #[serde(flatten)]
    pub(crate) content: Content,
}

/// A page of them, by the time they are due.
#[derive(Debug, Deserialize)]
pub(crate) struct Schedules {
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) next: Option<String>,
}

/// What is to be changed; what is not named stays.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Edit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_ms: Option<u64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Content>,
}

/// The name of a message for later.
#[derive(Deserialize)]
struct Named {
    schedule: String,
}

#[derive(Serialize)]
struct NewSchedule<'a> {
    conversation: &'a str,
    due_ms: u64,
    #[serde(flatten)]
    content: &'a Content,
}

impl Api {
    /// Takes a message for later; its name.
    ///
    /// # Errors
    /// `not_member`, `too_many`, `too_late` and the other [`ApiError`]s.
    pub(crate) async fn schedule(
        &self,
        conversation: &str,
        due_ms: u64,
        content: &Content,
    ) -> Result<String, ApiError> {
        let request = NewSchedule { conversation, due_ms, content };
        let named: Named = self.say(Method::POST, "/v1/schedules", &request).await?;
        Ok(named.schedule)
    }

    /// The caller's messages for later, at most `limit`, 1 to 100.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn schedules(&self, cursor: Option<&str>, limit: usize) -> Result<Schedules, ApiError> {
        self.get("/v1/schedules", Query::default().with("cursor", cursor).with("limit", Some(limit))).await
    }

    /// Changes a message that waits.
    ///
    /// # Errors
    /// `not_found`, `already_sent`, `cancelled` and the other [`ApiError`]s.
    pub(crate) async fn edit_schedule(&self, schedule: &str, edit: &Edit) -> Result<(), ApiError> {
        self.say(Method::PATCH, &format!("/v1/schedules/{schedule}"), edit).await
    }

    /// Sees to it that a message is not sent.
    ///
    /// # Errors
    /// `not_found`, `already_sent` and the other [`ApiError`]s.
    pub(crate) async fn cancel_schedule(&self, schedule: &str) -> Result<(), ApiError> {
        self.delete(&format!("/v1/schedules/{schedule}")).await
    }
}
