//! Log: the events of the libraries, on stderr, one line each: no more than so many of a kind, and no command in any.

mod cap;
mod clean;

use std::io;
use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::LogFormat;

pub(crate) use cap::Rate;

use cap::{Cap, Counts};
use clean::CleanStderr;

/// The log of a server.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    counts: Arc<Counts>,
}

/// For a command that a person runs: warnings, or what `RUST_LOG` asks for.
pub(crate) fn for_a_person() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

impl Log {
    /// Begins it, as the settings of a server ask for. Once a process.
    pub(crate) fn start(format: LogFormat, filter: &str, rate: Rate) -> Self {
        let (filter, handle) = reload::Layer::new(EnvFilter::new(filter));
        let counts = Arc::new(Counts::new(rate));
        let lines = tracing_subscriber::registry().with(filter).with(Cap::new(Arc::clone(&counts)));
        match format {
            LogFormat::Text => lines.with(fmt::layer().with_ansi(false).with_writer(|| CleanStderr)).init(),
            LogFormat::Json => {
                lines.with(fmt::layer().json().flatten_event(true).with_writer(|| CleanStderr)).init();
            }
        }
        Self { filter: handle, counts }
    }

    /// Logs these levels from now on.
    pub(crate) fn set_filter(&self, filter: &str) -> Result<(), reload::Error> {
        self.filter.reload(EnvFilter::new(filter))
    }

    /// So many lines of a kind a second from now on.
    pub(crate) fn set_rate(&self, rate: Rate) {
        self.counts.set_rate(rate);
    }

    /// Says what was held back since the last time; to be called each second.
    pub(crate) fn tell_suppressed(&self) {
        for (kind, lines) in self.counts.take() {
            tracing::warn!(target: cap::OWN, kind, lines, "lines suppressed");
        }
    }
}
