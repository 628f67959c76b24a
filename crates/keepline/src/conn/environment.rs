//! Environment: what the lines of one server or one client reach by one pointer.

use std::sync::Arc;

use super::report::Report;
use super::shared::Shared;
use crate::settings::Settings;
use crate::wheel::{self, Wheel};

/// Shared by all lines of one server or client.
pub(crate) struct Environment {
    pub(crate) settings: Settings,
    pub(crate) wheel: Arc<Wheel<Shared>>,
    /// Hears of the end of each line, before its task ends.
    pub(crate) ended: Option<Arc<dyn Ended>>,
}

/// Who keeps count of a server's lines.
pub(crate) trait Ended: Send + Sync + 'static {
    fn on_ended(&self, report: &Report);
}

impl Environment {
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn new(settings: Settings, ended: Option<Arc<dyn Ended>>) -> Arc<Self> {
        Arc::new(Self { settings, wheel: wheel::current(), ended })
    }
}
