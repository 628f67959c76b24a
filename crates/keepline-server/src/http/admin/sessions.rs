//! Sessions: the live ones, what is known of one, and how one is ended.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keepline::Reason;
use keepline_proto::wire::im::v1;
use serde::Serialize;

use super::listing::{Seen, Wanted, dialect};
use super::{Admin, LineProfile, sockets};
use crate::http::error::{ApiError, Code};
use crate::http::extract::{Path, UrlQuery};
use crate::id::SessionId;
use crate::session::{Hub, Session, Speaks};

/// A live session.
#[derive(Debug, Serialize)]
struct Live {
    /// A string: it has more digits than a JSON number keeps.
    session: String,
    user: String,
    device: String,
    dialect: &'static str,
    /// `tcp` or `tls`.
    transport: &'static str,
    peer: Option<String>,
    since_ms: u64,
    silent_ms: u64,
    queue: Queue,
    /// It has everything, and has acknowledged it.
    caught_up: bool,
    /// The round trip, in microseconds, as the kernel smooths it; this and the next two `null` where it does not tell.
    rtt_us: Option<u64>,
    /// Of the connection, TLS included.
    bytes_in: Option<u64>,
    /// Those that the peer's kernel has.
    bytes_out: Option<u64>,
}

/// What waits for a session.
#[derive(Debug, Serialize)]
struct Queue {
    messages: usize,
    bytes: usize,
    /// How long the oldest waits.
    oldest_ms: u64,
}

/// The sessions that were asked for.
#[derive(Debug, Serialize)]
pub(super) struct Sessions {
    sessions: Vec<Live>,
    /// How many fit; more than are listed if over 10,000, or over `limit`.
    total: usize,
}

/// All that is known of one session.
#[derive(Debug, Serialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    live: Live,
    terms: Terms,
    /// When it was asked for a sign of life, as nothing had come of it for half of the agreed silence; the latest
    /// first, as far as the server keeps it.
    asked_ms: Vec<u64>,
}

/// How often each side must be heard of.
#[derive(Debug, Serialize)]
struct Terms {
    ping_after_ms: u32,
    silence_ms: u32,
}

/// `GET /sessions`: those that [`Wanted`] says; quiet for longest first unless it says otherwise.
pub(super) async fn list(
    State(admin): State<Admin>,
    UrlQuery(wanted): UrlQuery<Wanted>,
) -> Result<Json<Sessions>, ApiError> {
    let lines = admin.lines;
    let (seen, total) = look(admin, move |admin| wanted.of(admin.services.hub.sessions(), &traffic(admin))).await?;
    Ok(Json(Sessions { sessions: seen.iter().map(|seen| live(seen, lines)).collect(), total }))
}

/// `GET /sessions/{session}`.
pub(super) async fn show(State(admin): State<Admin>, Path(number): Path<u64>) -> Result<Json<Detail>, ApiError> {
    let session = find(&admin.services.hub, number)?;
    let lines = admin.lines;
    let past = &admin.services.hub.environment().past;
    let terms = match session.speaks() {
        Speaks::V1 => past.terms(session.connection().id()).unwrap_or_else(|| lines.terms.to_wire()),
        Speaks::Cim(_) => crate::line::cim_terms().to_wire(),
    };
    let asked_ms = past.asked(session.id());
    let v1::Terms { ping_after_ms, silence_ms } = terms;
    let terms = Terms { ping_after_ms, silence_ms };
    let wanted = Wanted::default();
    let (seen, _) = look(admin, move |admin| wanted.of(vec![session.info()], &traffic(admin))).await?;
    let seen = seen.first().ok_or_else(not_found)?;
    Ok(Json(Detail { live: live(seen, lines), terms, asked_ms }))
}

/// `DELETE /sessions/{session}`: ends it as `kicked`; its device does not come back by itself.
pub(super) async fn kick(State(admin): State<Admin>, Path(number): Path<u64>) -> Result<StatusCode, ApiError> {
    let session = find(&admin.services.hub, number)?;
    tracing::info!(session = number, user = %session.user(), "kicked by the admin listener");
    admin.services.hub.end(&session, Reason::Kicked);
    Ok(StatusCode::NO_CONTENT)
}

/// Looks at many sessions, or asks the kernel: on a thread where nobody waits for it.
async fn look<T: Send + 'static>(admin: Admin, look: impl FnOnce(&Admin) -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(move || look(&admin)).await.map_err(|error| {
        tracing::error!(%error, "a look at the sessions");
        ApiError::new(Code::ServerError, "the sessions can't be listed")
    })
}

fn traffic(admin: &Admin) -> sockets::ByPeer {
    sockets::of_port(admin.services.cim.tcp_port).unwrap_or_else(|error| {
        tracing::debug!(%error, "the kernel does not tell of its connections");
        sockets::ByPeer::new()
    })
}

fn find(hub: &Hub, number: u64) -> Result<Arc<Session>, ApiError> {
    hub.session(SessionId(number)).ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::new(Code::NotFound, "there is no session with this number")
}

fn live(Seen { info, traffic }: &Seen, lines: LineProfile) -> Live {
    Live {
        session: info.id.to_string(),
        user: info.user.to_string(),
        device: info.device.to_string(),
        dialect: dialect(info.speaks),
        transport: if lines.tls { "tls" } else { "tcp" },
        peer: info.peer.map(|peer| peer.to_string()),
        since_ms: info.since_ms,
        silent_ms: info.silent_for.as_millis(),
        queue: Queue {
            messages: info.queued.messages,
            bytes: info.queued.bytes,
            oldest_ms: info.queued.oldest.map_or(0, keepline::Duration::as_millis),
        },
        caught_up: info.caught_up,
        rtt_us: traffic.map(|traffic| micros(traffic.rtt)),
        bytes_in: traffic.map(|traffic| traffic.bytes_in),
        bytes_out: traffic.map(|traffic| traffic.bytes_out),
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
