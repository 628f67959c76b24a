//! Sessions: the caller's own live ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keepline::Reason;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::names::Number;
use super::seq::Seq;
use crate::audit::Action;
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::Path;

/// A live session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Live {
    session: Seq,
    device: String,
    /// Since when: milliseconds since 1970.
    since_ms: u64,
    /// How long ago the last byte was read.
    silent_ms: u64,
}

/// The caller's live sessions
#[utoipa::path(get, path = "/v1/sessions", operation_id = "list_sessions", tag = "sessions", security(("token" = [])),
    responses((status = 200, body = Vec<Live>), (status = "default", body = ErrorBody)))]
pub(super) async fn list(State(services): State<Arc<Services>>, caller: Caller) -> Json<Vec<Live>> {
    let sessions = services.hub.sessions_of(caller.user());
    let live = sessions.into_iter().filter(|session| !session.is_ended()).map(|session| {
        let info = session.info();
        Live {
            session: Seq(info.id.get()),
            device: info.device.to_string(),
            since_ms: info.since_ms,
            silent_ms: info.silent_for.as_millis(),
        }
    });
    let mut live: Vec<Live> = live.collect();
    live.sort_by_key(|live| live.session.0);
    Json(live)
}

/// Ends one of the caller's sessions
#[utoipa::path(delete, path = "/v1/sessions/{session}", operation_id = "end_session", tag = "sessions",
    params(("session" = inline(Number), Path)),
    security(("token" = [])), responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn kick(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(number): Path<u64>,
) -> Result<StatusCode, ApiError> {
    let sessions = services.hub.sessions_of(caller.user());
    let session = sessions.iter().find(|session| session.id().get() == number && !session.is_ended());
    // Of somebody else's session he learns nothing, not even that it is there.
    let session = session.ok_or_else(|| ApiError::new(Code::NotFound, "you have no session with this number"))?;
    services.hub.end(session, Reason::Kicked);
    let whose = format!("session {number} of {}, {}", session.user(), session.device());
    caller.note(Action::Kick, &whose, &Ok(()));
    Ok(StatusCode::NO_CONTENT)
}
