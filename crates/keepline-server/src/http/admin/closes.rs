//! Closes: how sessions lately ended.

use axum::Json;
use axum::extract::State;
use keepline::Cause;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::listing::dialect;
use super::sessions::micros;
use crate::http::extract::UrlQuery;
use crate::session::End;

/// How a session ended.
#[derive(Debug, Serialize)]
struct Closed {
    at_ms: u64,
    session: String,
    user: String,
    device: String,
    dialect: &'static str,
    peer: Option<String>,
    since_ms: u64,
    reason: &'static str,
    code: u16,
    /// `client`, `network` or `server`: whose doing it was.
    side: &'static str,
    /// What lay behind the reason, where there was more to say.
    cause: Option<String>,
    /// How long before the end the last byte was read.
    last_in_ms: u64,
    last_out_ms: u64,
    pings_unanswered: u8,
    /// The round trip of our own pings, in microseconds.
    rtt_us: Option<u64>,
}

/// The ends that were asked for, the latest first.
#[derive(Debug, Serialize)]
pub(super) struct Closes {
    closes: Vec<Closed>,
}

/// Whose ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    user: Option<String>,
    device: Option<String>,
    limit: Option<usize>,
}

/// `GET /closes`: of the last 256 sessions that ended, those of a user or of a device.
pub(super) async fn list(State(admin): State<Admin>, UrlQuery(whose): UrlQuery<Whose>) -> Json<Closes> {
    let fits = |end: &End| {
        whose.user.as_ref().is_none_or(|user| end.user.as_str() == user)
            && whose.device.as_ref().is_none_or(|device| end.device.as_str() == device)
    };
    let ends = admin.services.hub.environment().past.ends(whose.limit.unwrap_or(usize::MAX), fits);
    Json(Closes { closes: ends.into_iter().map(closed).collect() })
}

fn closed(end: End) -> Closed {
    let report = end.report;
    Closed {
        at_ms: end.at_ms,
        session: end.session.to_string(),
        user: end.user.to_string(),
        device: end.device.to_string(),
        dialect: dialect(end.speaks),
        peer: end.peer.map(|peer| peer.to_string()),
        since_ms: end.since_ms,
        reason: report.reason.name(),
        code: report.reason.code(),
        side: report.reason.side().name(),
        cause: report.cause.as_ref().and_then(words),
        last_in_ms: report.last_in.as_millis(),
        last_out_ms: report.last_out.as_millis(),
        pings_unanswered: report.pings_unanswered,
        rtt_us: report.rtt.map(|rtt| micros(rtt.to_std())),
    }
}

/// The words of the system, or of the codec.
fn words(cause: &Cause) -> Option<String> {
    match cause {
        Cause::Io(kind) => Some(kind.to_string()),
        Cause::Wire(error) => Some(error.to_string()),
        _ => None,
    }
}
