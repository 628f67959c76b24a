//! Environment: what the lines of one server or one client reach by one pointer.

use std::net::SocketAddr;
use std::sync::Arc;

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
        Arc::new(Self { settings, wheel: wheel::current(), books })
    }
}
