//! Admin: health, metrics, sessions, accounts, backup and drain, on a listener of their own that is not for strangers.
//!
//! It binds to loopback ([`may_bind`]), and where others work on the same machine it asks for a token ([`AdminToken`])
//! but for `/health`, `/ready` and `/ready/lines`, which tell nothing of anybody. It takes only requests whose `Host` is an address or
//! `localhost`, so that a page in a browser that has a name of its own point here (DNS rebinding) reads nothing.

mod accounts;
mod backup;
mod closes;
mod health;
mod host;
mod listing;
mod noted;
mod sessions;
mod sockets;
mod token;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::Services;
use super::error::{ApiError, Code};
use super::guard::{Face, REQUEST_WITHIN, guard};
use crate::line::Terms;
use crate::metrics;

pub use token::AdminToken;

/// What the admin listener reaches.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "whoever wires the parts names each")]
pub struct Admin {
    /// What the other endpoints reach.
    pub services: Arc<Services>,
    /// Whether the server has been told to go, and how it is told.
    pub drain: Arc<dyn Drain>,
    /// What it asks for; `None` for nothing: whoever reaches the listener may then.
    pub token: Option<AdminToken>,
    /// What its lines have in common.
    pub lines: LineProfile,
}

/// What all long connections of a server have in common, unless a client wishes otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever wires the parts names each")]
pub struct LineProfile {
    /// Whether they are over TLS.
    pub tls: bool,
    /// How often each side must be heard of.
    pub terms: Terms,
}

/// How a server is told to go.
pub trait Drain: Send + Sync + 'static {
    /// Lets its lines go, at its own pace, and ends. Again is no more than once.
    fn drain(&self);

    /// Whether it was told to.
    fn is_draining(&self) -> bool;
}

/// How long a backup may take, which is as long as the disk needs. After that its request is answered 408, and the copy
/// is finished all the same.
pub const BACKUP_WITHIN: Duration = Duration::from_secs(3600);

/// The endpoints of the admin listener.
pub fn router(admin: Admin) -> Router {
    let metrics = Arc::clone(&admin.services.metrics);
    let reached = admin.clone();
    let asked = from_fn_with_state(admin.clone(), token::check);
    let open = Router::new().route("/health", get(health::health)).route("/ready", get(health::ready));
    let open = open.route("/ready/lines", get(health::ready_for_lines));
    let closed = Router::new()
        .route("/metrics", get(health::metrics))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{session}", get(sessions::show).delete(sessions::kick))
        .route("/closes", get(closes::list))
        .route("/accounts", post(accounts::create))
        .route("/drain", post(health::drain))
        .route_layer(asked.clone());
    let router = open.merge(closed).with_state(admin).layer(from_fn(host::check));
    let face = Face { listener: "admin", within: REQUEST_WITHIN, refuse };
    // With a time of its own: no other request may take so long.
    let backup = Router::new().route("/backup", post(backup::backup)).route_layer(asked);
    let backup = backup.with_state(reached).layer(from_fn(host::check));
    let patient = Face { within: BACKUP_WITHIN, refuse: refuse_backup, ..face };
    // Of its own pool nothing is asked here: who looks on when memory is short is not to be refused for it.
    guard(router, face, &metrics, None).merge(guard(backup, patient, &metrics, None))
}

/// Whether the admin listener may stand at this address.
///
/// # Errors
/// It is not loopback, and `anywhere` does not allow others.
pub fn may_bind(address: SocketAddr, anywhere: bool) -> Result<(), NotLoopback> {
    if anywhere || address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(NotLoopback { address }) }
}

/// An address at which strangers could reach the admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the admin listener is plaintext and {address} is not loopback: use 127.0.0.1, or allow it explicitly")]
pub struct NotLoopback {
    address: SocketAddr,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("services", &self.services).finish_non_exhaustive()
    }
}

fn refuse(status: StatusCode, _: &str) -> Response {
    ApiError::of_status(status).into_response()
}

fn refuse_backup(status: StatusCode, path: &str) -> Response {
    if status != StatusCode::REQUEST_TIMEOUT {
        return refuse(status, path);
    }
    let minutes = BACKUP_WITHIN.as_secs() / 60;
    let message = format!("the backup takes longer than {minutes} minutes: its file is there once it is whole");
    ApiError::new(Code::Timeout, message).into_response()
}

/// The metrics, as Prometheus reads them.
fn rendered(text: String) -> Response {
    ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_do_not_reach_it_by_accident() {
        for (address, loopback) in [
            ("127.0.0.1:8084", true),
            ("127.9.9.9:1", true),
            ("[::1]:8084", true),
            ("[::ffff:127.0.0.1]:8084", true),
            ("0.0.0.0:8084", false),
            ("[::]:8084", false),
            ("192.168.1.1:8084", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(may_bind(address, false).is_ok(), loopback, "{address}");
            assert!(may_bind(address, true).is_ok());
        }
    }
}
