//! Groups: who talks with whom, and who decides that.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::names::{GroupName, UserName};
use crate::audit::Action;
use crate::groups::{self, MOST_MEMBERS};
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{Body, Path, id};
use crate::http::list::List;
use crate::id::{GroupId, UserId};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Role {
    /// Writes and reads.
    Member,
    /// Adds and removes members, and names the group.
    Admin,
    /// All that, and deletes it and gives roles.
    Owner,
}

impl Role {
    /// As it is written in JSON.
    const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl From<Role> for groups::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Admin => Self::Admin,
            Role::Owner => Self::Owner,
        }
    }
}

impl From<groups::Role> for Role {
    fn from(role: groups::Role) -> Self {
        match role {
            groups::Role::Member => Self::Member,
            groups::Role::Admin => Self::Admin,
            groups::Role::Owner => Self::Owner,
        }
    }
}

/// A group to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "group": "team", "title": "The team", "members": ["bob"] }))]
pub(super) struct NewGroup {
    /// 1 to 64 characters of A-Z, a-z, 0-9, _ and -; no other group ever gets it.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    group: String,
    /// What people call it; 256 bytes at most.
    #[serde(default)]
    #[schema(max_length = 256)]
    title: String,
    /// Its members beside the caller, who owns it.
    #[serde(default)]
    #[schema(value_type = Vec<UserName>, inline)]
    members: List<String, MOST_MEMBERS>,
}

/// What is to be another in a group; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupChange {
    /// 256 bytes at most.
    title: Option<String>,
    /// Whether whoever knows its name may go in; who is in stays.
    open: Option<bool>,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupView {
    group: String,
    title: String,
    members: Vec<MemberView>,
    created_ms: u64,
    /// Whether whoever knows its name may go in.
    open: bool,
}

/// A member of a group.
#[derive(Debug, Serialize, ToSchema)]
struct MemberView {
    user: String,
    role: Role,
}

/// A group in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupEntry {
    group: String,
    title: String,
    members: usize,
}

/// Makes a group; the caller owns it
#[utoipa::path(post, path = "/v1/groups", operation_id = "create_group", tag = "groups", request_body = NewGroup, security(("token" = [])), responses(
    (status = 201, body = GroupView),
    (status = 409, description = "taken, group_full, too_many_groups", body = ErrorBody),
    (status = "default", body = ErrorBody),
))]
pub(super) async fn create(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Body(request): Body<NewGroup>,
) -> Result<(StatusCode, Json<GroupView>), ApiError> {
    let group: GroupId = id(&request.group)?;
    let members = request.members.0.iter().map(|name| existing(&services, name)).collect::<Result<Vec<_>, _>>()?;
    let outcome = services.groups.create(&group, &request.title, caller.user(), members).await.map_err(ApiError::from);
    caller.note(Action::GroupCreate, group.as_str(), &outcome);
    outcome?;
    Ok((StatusCode::CREATED, Json(look(&services, caller.user(), &group)?)))
}

/// The caller's groups; a user has at most 1,000
#[utoipa::path(get, path = "/v1/groups", operation_id = "list_groups", tag = "groups", security(("token" = [])),
    responses((status = 200, body = Vec<GroupEntry>), (status = "default", body = ErrorBody)))]
pub(super) async fn list(State(services): State<Arc<Services>>, caller: Caller) -> Json<Vec<GroupEntry>> {
    let groups = services.groups.groups_of(caller.user()).into_iter();
    let entry = |group: Arc<groups::Group>| GroupEntry {
        group: group.id.to_string(),
        title: group.title.clone(),
        members: group.members.len(),
    };
    Json(groups.filter_map(|group| services.groups.get(&group)).map(entry).collect())
}

/// A group of the caller's, with its members
#[utoipa::path(get, path = "/v1/groups/{group}", operation_id = "show_group", tag = "groups",
    params(("group" = inline(GroupName), Path)),
    security(("token" = [])), responses((status = 200, body = GroupView), (status = "default", body = ErrorBody)))]
pub(super) async fn show(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(group): Path<String>,
) -> Result<Json<GroupView>, ApiError> {
    look(&services, caller.user(), &id(&group)?).map(Json)
}

/// Gives a group another title, opens it or closes it; its owner and its admins may
#[utoipa::path(patch, path = "/v1/groups/{group}", tag = "groups", request_body = GroupChange,
    params(("group" = String, Path)), security(("token" = [])),
    responses((status = 200, body = GroupView), (status = "default", body = ErrorBody)))]
pub(super) async fn change(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(group): Path<String>,
    Body(GroupChange { title, open }): Body<GroupChange>,
) -> Result<Json<GroupView>, ApiError> {
    let group: GroupId = id(&group)?;
    if let Some(title) = title {
        let outcome = services.groups.rename(caller.user(), &group, &title).await.map_err(ApiError::from);
        caller.note(Action::GroupChange, &format!("{group} title"), &outcome);
        outcome?;
    }
    if let Some(open) = open {
        let outcome = services.groups.set_open(caller.user(), &group, open).await.map_err(ApiError::from);
        caller.note(Action::GroupChange, &format!("{group} {}", if open { "open" } else { "closed" }), &outcome);
        outcome?;
    }
    look(&services, caller.user(), &group).map(Json)
}

/// Deletes a group; only its owner may, and its name is not given again
#[utoipa::path(delete, path = "/v1/groups/{group}", operation_id = "delete_group", tag = "groups",
    params(("group" = inline(GroupName), Path)),
    security(("token" = [])), responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn delete(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(group): Path<String>,
) -> Result<StatusCode, ApiError> {
    let group: GroupId = id(&group)?;
    let outcome = services.groups.delete(caller.user(), &group).await.map_err(ApiError::from);
    caller.note(Action::GroupDelete, group.as_str(), &outcome);
    outcome.map(|()| StatusCode::NO_CONTENT)
}

/// The role of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: Role,
}

/// Adds a member, or gives one another role; into an open group each may put himself, as a member
#[utoipa::path(put, path = "/v1/groups/{group}/members/{user}", tag = "groups", request_body = NewRole,
    params(("group" = inline(GroupName), Path), ("user" = inline(UserName), Path)), security(("token" = [])),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn put_member(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path((group, user)): Path<(String, String)>,
    Body(NewRole { role }): Body<NewRole>,
) -> Result<StatusCode, ApiError> {
    let (group, user): (GroupId, UserId) = (id(&group)?, id(&user)?);
    let now = services.groups.get(&group).filter(|now| now.members.contains_key(caller.user()));
    let outcome = if now.as_ref().is_some_and(|now| now.members.contains_key(&user)) {
        services.groups.set_role(caller.user(), &group, &user, role.into()).await
    } else if now.is_none() && user == *caller.user() && role == Role::Member {
        services.groups.join(&user, &group).await
    } else {
        existing(&services, user.as_str())?;
        match services.groups.add(caller.user(), &group, &user, role.into()).await {
            // Another was faster, and added him as something else.
            Ok(()) if role_of(&services, &group, &user).is_some_and(|now| now != role.into()) => {
                services.groups.set_role(caller.user(), &group, &user, role.into()).await
            }
            added => added,
        }
    };
    let outcome = outcome.map_err(ApiError::from);
    caller.note(Action::GroupRole, &format!("{group}/{user} {}", role.name()), &outcome);
    outcome.map(|()| StatusCode::NO_CONTENT)
}

/// Removes a member; each may remove himself
#[utoipa::path(delete, path = "/v1/groups/{group}/members/{user}", tag = "groups",
    params(("group" = inline(GroupName), Path), ("user" = inline(UserName), Path)), security(("token" = [])),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn remove_member(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path((group, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (group, user): (GroupId, UserId) = (id(&group)?, id(&user)?);
    let outcome = services.groups.remove(caller.user(), &group, &user).await.map_err(ApiError::from);
    caller.note(Action::GroupRemove, &format!("{group}/{user}"), &outcome);
    outcome.map(|()| StatusCode::NO_CONTENT)
}

/// What a member of a group may do.
fn role_of(services: &Services, group: &GroupId, user: &UserId) -> Option<groups::Role> {
    services.groups.get(group)?.members.get(user).map(|member| member.role)
}

/// A group as a member sees it. To others there is none.
fn look(services: &Services, user: &UserId, group: &GroupId) -> Result<GroupView, ApiError> {
    let group = services.groups.get(group).filter(|group| group.members.contains_key(user));
    let group = group.ok_or_else(|| ApiError::new(Code::NotFound, "you are in no group of this name"))?;
    let members = group.members.iter().map(|(user, member)| (user, member.role));
    // Who is about to come reads no word yet, but what is said from now on may become his: everybody shall see him.
    let joining = group.joining.iter().map(|(user, role)| (user, *role));
    let members = members.chain(joining).map(|(user, role)| MemberView { user: user.to_string(), role: role.into() });
    Ok(GroupView {
        group: group.id.to_string(),
        title: group.title.clone(),
        members: members.collect(),
        created_ms: group.created_ms,
        open: group.open,
    })
}

/// The user of this name, if there is one.
fn existing(services: &Services, name: &str) -> Result<UserId, ApiError> {
    let user: UserId = id(name)?;
    if services.accounts.exists(&user) {
        return Ok(user);
    }
    Err(ApiError::new(Code::UnknownUser, format!("there is no user {user}")))
}
