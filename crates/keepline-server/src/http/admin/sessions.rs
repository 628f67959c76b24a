//! Sessions: every live one, and how one is ended.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keepline::Reason;
use serde::Serialize;

use super::Admin;
use crate::http::error::{ApiError, Code};
use crate::http::extract::{Path, UrlQuery};
use crate::session::{SessionInfo, Speaks};

/// The most sessions of one answer.
const MOST: usize = 10_000;

/// A live session.
#[derive(Debug, Serialize)]
struct Live {
    /// A string: it has more digits than a JSON number keeps.
    session: String,
    user: String,
    device: String,
    dialect: &'static str,
    peer: Option<String>,
    since_ms: u64,
    silent_ms: u64,
    queue: Queue,
    /// It has everything, and has acknowledged it.
    caught_up: bool,
}

/// What waits for a session.
#[derive(Debug, Serialize)]
struct Queue {
    messages: usize,
    bytes: usize,
    /// How long the oldest waits.
    oldest_ms: u64,
}

/// Every live session, those quiet for longest first.
#[derive(Debug, Serialize)]
pub(super) struct Sessions {
    sessions: Vec<Live>,
    /// How many there are; more than are listed if over 10,000.
    total: usize,
}

/// Which sessions.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    user: Option<String>,
}

/// `GET /sessions`, `GET /sessions?user=NAME`.
pub(super) async fn list(State(admin): State<Admin>, UrlQuery(filter): UrlQuery<Filter>) -> Json<Sessions> {
    let mut all = admin.services.hub.sessions();
    all.retain(|session| filter.user.as_ref().is_none_or(|user| session.user.as_str() == user));
    all.sort_by_key(|session| std::cmp::Reverse(session.silent_for));
    let total = all.len();
    Json(Sessions { sessions: all.iter().take(MOST).map(live).collect(), total })
}

/// `DELETE /sessions/{session}`: ends it as `kicked`; its device does not come back by itself.
pub(super) async fn kick(State(admin): State<Admin>, Path(number): Path<u64>) -> Result<StatusCode, ApiError> {
    let sessions = admin.services.hub.sessions();
    let session = sessions.iter().find(|session| session.id.get() == number);
    let session = session.ok_or_else(|| ApiError::new(Code::NotFound, "there is no session with this number"))?;
    tracing::info!(session = number, user = %session.user, "kicked by the admin listener");
    admin.services.hub.kick(session.id, Reason::Kicked);
    Ok(StatusCode::NO_CONTENT)
}

fn live(session: &SessionInfo) -> Live {
    Live {
        session: session.id.to_string(),
        user: session.user.to_string(),
        device: session.device.to_string(),
        dialect: match session.speaks {
            Speaks::V1 => "v1",
            Speaks::Cim(_) => "cim",
        },
        peer: session.peer.map(|peer| peer.to_string()),
        since_ms: session.since_ms,
        silent_ms: session.silent_for.as_millis(),
        queue: Queue {
            messages: session.queued.messages,
            bytes: session.queued.bytes,
            oldest_ms: session.queued.oldest.map_or(0, keepline::Duration::as_millis),
        },
        caught_up: session.caught_up,
    }
}
