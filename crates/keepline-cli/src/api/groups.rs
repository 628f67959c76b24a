//! Groups: who talks with whom, and who decides that.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::query::Query;
use super::{Api, ApiError};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Writes and reads.
    Member,
    /// Adds and removes members, and names the group.
    Admin,
    /// All that, and deletes it and gives roles.
    Owner,
}

/// A group to make.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewGroup {
    pub(crate) group: String,
    pub(crate) title: String,
    /// Beside the caller, who owns it.
    pub(crate) members: Vec<String>,
}

/// A group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) group: String,
    pub(crate) title: String,
    pub(crate) members: Vec<Member>,
    pub(crate) created_ms: u64,
    /// Whether whoever knows its name may go in. Older servers do not say.
    #[serde(default)]
    pub(crate) open: bool,
}

/// What is to be another in a group.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct GroupChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<bool>,
}

/// A member of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: String,
    pub(crate) role: Role,
}

/// A group in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GroupEntry {
    pub(crate) group: String,
    pub(crate) title: String,
    pub(crate) members: usize,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl Api {
    /// The caller's groups.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn groups(&self) -> Result<Vec<GroupEntry>, ApiError> {
        self.get("/v1/groups", Query::default()).await
    }

    /// A group of the caller's.
    ///
    /// # Errors
    /// `not_found` and the other [`ApiError`]s.
    pub(crate) async fn group(&self, group: &str) -> Result<Group, ApiError> {
        self.get(&format!("/v1/groups/{group}"), Query::default()).await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// `taken`, `unknown_user`, `group_full` and the other [`ApiError`]s.
    pub(crate) async fn create_group(&self, group: &NewGroup) -> Result<Group, ApiError> {
        self.say(Method::POST, "/v1/groups", group).await
    }

    /// Gives a group another title, opens it or closes it.
    ///
    /// # Errors
    /// `not_allowed`, `not_found`, `bad_title` and the other [`ApiError`]s.
    pub(crate) async fn change_group(&self, group: &str, change: &GroupChange) -> Result<Group, ApiError> {
        self.say(Method::PATCH, &format!("/v1/groups/{group}"), change).await
    }

    /// Deletes a group.
    ///
    /// # Errors
    /// `not_allowed`, `not_found` and the other [`ApiError`]s.
    pub(crate) async fn delete_group(&self, group: &str) -> Result<(), ApiError> {
        self.delete(&format!("/v1/groups/{group}")).await
    }

    /// Adds a member, or gives one another role; oneself into an open group.
    ///
    /// # Errors
    /// `not_allowed`, `unknown_user`, `group_full` and the other [`ApiError`]s.
    pub(crate) async fn put_member(&self, group: &str, user: &str, role: Role) -> Result<(), ApiError> {
        let path = format!("/v1/groups/{group}/members/{user}");
        self.say(Method::PUT, &path, &serde_json::json!({ "role": role })).await
    }

    /// Removes a member.
    ///
    /// # Errors
    /// `not_allowed`, `owner_stays` and the other [`ApiError`]s.
    pub(crate) async fn remove_member(&self, group: &str, user: &str) -> Result<(), ApiError> {
        self.delete(&format!("/v1/groups/{group}/members/{user}")).await
    }
}
