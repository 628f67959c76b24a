//! Environment: what the lines of one server or one client reach by one pointer.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use keepline_proto::Duration;

use super::line_id::LineId;
use super::report::Report;
use super::shared::Shared;
use crate::settings::Settings;
use crate::wheel::{self, Wheel};

/// Shared by all lines of one server or client.
pub(crate) struct Environment {
    pub(crate) settings: Settings,
    pub(crate) wheel: Arc<Wheel<Shared>>,
    /// The server's, for a line of one.
    pub(crate) books: Option<Arc<dyn Books>>,
    /// Of the settings, or what has come after them.
    deadlines: RwLock<Deadlines>,
}

/// How long a new line has, from accept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// For the step before it, as TLS.
    #[cfg_attr(not(feature = "serve"), expect(dead_code, reason = "servers only"))]
    pub(crate) upgrade: Duration,
    /// For all until it is established.
    pub(crate) handshake: Option<Duration>,
}

/// Who keeps count of a server's lines.
pub(crate) trait Books: Send + Sync + 'static {
    /// The address of a line's peer, until the line ends.
    fn peer(&self, id: LineId) -> Option<SocketAddr>;

    /// The line's handshake is done. Told once or more.
    fn on_established(&self, id: LineId);

    /// Told before the line's task ends.
    fn on_ended(&self, report: &Report);
}

impl Environment {
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn new(settings: Settings, books: Option<Arc<dyn Books>>) -> Arc<Self> {
        let deadlines = Deadlines { upgrade: settings.upgrade_within, handshake: settings.handshake_within };
        Arc::new(Self { settings, wheel: wheel::current(), books, deadlines: RwLock::new(deadlines) })
    }

    pub(crate) fn deadlines(&self) -> Deadlines {
        *self.deadlines.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "serve")]
    pub(crate) fn set_deadlines(&self, deadlines: Deadlines) {
        *self.deadlines.write().unwrap_or_else(PoisonError::into_inner) = deadlines;
    }
}
