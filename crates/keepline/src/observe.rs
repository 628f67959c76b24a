//! Observer: hooks for metrics and logs.

use std::net::SocketAddr;

use keepline_proto::Reason;

use crate::conn::{Beat, LineId, Report};

/// Hears what happens to lines; every method does nothing by default.
///
/// Called from the lines' own tasks and from the accept loop: a method must be quick and must not block. `tracing`
/// events are emitted besides.
///
/// # Panics
/// A panic in `on_open` or `on_beat` ends the line that it was told of; one in any other method is caught.
pub trait Observer: Send + Sync + 'static {
    /// A line is open. A server's listener knows the peer's address, where there is one; `None` for a client's line and
    /// for one that stands by itself.
    fn on_open(&self, id: LineId, peer: Option<SocketAddr>) {
        let _ = (id, peer);
    }

    /// A line has ended.
    fn on_close(&self, report: &Report) {
        let _ = report;
    }

    /// A heartbeat came or went.
    fn on_beat(&self, id: LineId, beat: Beat) {
        let _ = (id, beat);
    }

    /// A connection was turned away before it became a line: [`ServerFull`](Reason::ServerFull),
    /// [`RateLimited`](Reason::RateLimited) (too many from one address), or why its upgrade failed:
    /// [`HandshakeTimeout`](Reason::HandshakeTimeout), [`TlsError`](Reason::TlsError), [`Draining`](Reason::Draining) and
    /// the like. [`ServerError`](Reason::ServerError) is a panic in `Service::open` or in the upgrade.
    fn on_refused(&self, peer: Option<SocketAddr>, reason: Reason) {
        let _ = (peer, reason);
    }

    /// Accepting failed; the listener backs off and goes on.
    fn on_accept_error(&self, error: &std::io::Error) {
        let _ = error;
    }
}
