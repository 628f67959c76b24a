//! Presence: who has a live session.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{UrlQuery, id};
use crate::id::UserId;

/// The most users of one question.
const MOST: usize = 100;

/// Who is asked about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PresenceQuery {
    /// Up to 100 users, with commas between.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}(,[A-Za-z0-9_-]{1,64}){0,99}$", example = "ann,bob")]
    users: String,
}

/// Whether a user is there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Presence {
    user: String,
    online: bool,
}

/// Who of the users asked about is there; also for users that there are not, who are away
#[utoipa::path(get, path = "/v1/presence", tag = "presence", params(PresenceQuery), security(("token" = [])),
    responses((status = 200, body = Vec<Presence>), (status = "default", body = ErrorBody)))]
pub(super) async fn presence(
    State(services): State<Arc<Services>>,
    _: Caller,
    UrlQuery(query): UrlQuery<PresenceQuery>,
) -> Result<Json<Vec<Presence>>, ApiError> {
    let names: Vec<&str> = query.users.split(',').take(MOST + 1).collect();
    if names.len() > MOST {
        return Err(ApiError::new(Code::BadRequest, "ask about at most 100 users at a time"));
    }
    let presence = names.into_iter().map(|name| {
        let user: UserId = id(name)?;
        Ok(Presence { online: services.is_online(&user), user: user.to_string() })
    });
    presence.collect::<Result<_, ApiError>>().map(Json)
}
