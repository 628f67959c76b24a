//! Users: who there is, who is online, and who one is oneself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::cursor;
use crate::accounts::cim;
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{UrlQuery, limit};
use crate::id::UserId;

/// The most users of a page.
const MOST: usize = 200;

/// The most users that one answer looks at.
const LOOKED_AT: usize = 2_000;

/// The longest prefix, in bytes: that of the longest name of cim.
const LONGEST_PREFIX: usize = cim::LONGEST_NAME;

/// What the cursors of the list are of.
const LIST: &str = "users";

/// Whose token it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    user: String,
    device: Option<String>,
    /// When the token is over: milliseconds since 1970.
    expires_ms: u64,
}

/// Whose token it is that the request shows
#[utoipa::path(get, path = "/v1/accounts/me", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = Me), (status = "default", body = ErrorBody)))]
pub(super) async fn me(Caller { identity, .. }: Caller) -> Json<Me> {
    Json(Me {
        user: identity.user.to_string(),
        device: identity.device.map(|device| device.to_string()),
        expires_ms: identity.expires_ms,
    })
}

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsersQuery {
    /// What their names begin with, as written; of a user of cim's dialects, `cim-<number>` or the name there.
    prefix: Option<String>,
    /// Only those with a live session, or only those without.
    online: Option<bool>,
    /// `next` of the page before, with the same `prefix` and `online`.
    cursor: Option<String>,
    /// At most so many, 1 to 200; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserView {
    /// The name that messages are sent to.
    user: String,
    /// What a user of cim's dialects is called there: any text, which two never share.
    #[serde(skip_serializing_if = "Option::is_none")]
    cim_name: Option<String>,
    /// Whether a session of his is live.
    online: bool,
}

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Users {
    users: Vec<UserView>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// Users, whoever asks: first those with an account by name, then those of cim's dialects by number. An answer looks at
/// 2,000 of them: it may be short, even empty, and have a `next`
#[utoipa::path(get, path = "/v1/users", operation_id = "list_users", tag = "presence", params(UsersQuery),
    security(("token" = [])),
    responses((status = 200, body = Users), (status = "default", body = ErrorBody)))]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    _: Caller,
    UrlQuery(query): UrlQuery<UsersQuery>,
) -> Result<Json<Users>, ApiError> {
    let limit = limit(query.limit, MOST)?;
    let after: Option<UserId> = query.cursor.map(|cursor| cursor::read(LIST, &cursor)).transpose()?;
    let prefix = query.prefix.unwrap_or_default();
    if prefix.len() > LONGEST_PREFIX {
        return Err(ApiError::new(Code::BadRequest, format!("a prefix has at most {LONGEST_PREFIX} bytes")));
    }
    let mut candidates = candidates(&services, &prefix, after.as_ref()).into_iter();
    let (mut users, mut last) = (Vec::new(), None);
    for (user, cim_name) in candidates.by_ref().take(LOOKED_AT) {
        let begins = |name: &str| name.starts_with(&prefix);
        let online = services.is_online(&user);
        if (begins(user.as_str()) || cim_name.as_deref().is_some_and(begins))
            && query.online.is_none_or(|wanted| wanted == online)
        {
            users.push(UserView { user: user.to_string(), cim_name, online });
        }
        last = Some(user);
        if users.len() == limit {
            break;
        }
    }
    let next = candidates.next().and(last).map(|last| cursor::write(LIST, last));
    Ok(Json(Users { users, next }))
}

/// Users after `after` in the order of the list, one more than an answer looks at: those with an account that the
/// prefix fits, and those of cim's dialects, whom it may fit.
fn candidates(services: &Services, prefix: &str, after: Option<&UserId>) -> Vec<(UserId, Option<String>)> {
    let after_cim = after.and_then(cim::id_of);
    let mut users = Vec::new();
    if after_cim.is_none() {
        let names = services.accounts.names(prefix, after, LOOKED_AT + 1);
        users.extend(names.into_iter().map(|name| (name, None)));
    }
    let numbers = services.accounts.cim().numbers(after_cim, LOOKED_AT + 1 - users.len());
    users.extend(numbers.into_iter().filter_map(|(number, name)| Some((cim::user_of(number)?, Some(name)))));
    users
}
