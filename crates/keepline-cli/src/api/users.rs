//! Users: who there is, and who is online.

use serde::{Deserialize, Serialize};

use super::query::Query;
use super::{Api, ApiError};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) user: String,
    /// What a user of cim's dialects is called there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cim_name: Option<String>,
    /// Whether a session of his is live.
    pub(crate) online: bool,
}

/// A page of users.
#[derive(Debug, Deserialize)]
pub(crate) struct Users {
    pub(crate) users: Vec<User>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// Which users.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserQuery {
    /// What their names begin with.
    pub(crate) prefix: String,
    /// Only those with a live session.
    pub(crate) online: bool,
}

impl Api {
    /// At most `limit` users, 1 to 200, by name. An answer may be short, even empty, and have a `next`.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn users(
        &self,
        wanted: &UserQuery,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Users, ApiError> {
        let query = Query::default().with("prefix", Some(&wanted.prefix).filter(|prefix| !prefix.is_empty()));
        let query = query.with("online", wanted.online.then_some(true)).with("cursor", cursor);
        self.get("/v1/users", query.with("limit", Some(limit))).await
    }
}
