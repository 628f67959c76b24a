//! Log: the events of the libraries, on stderr, one line each: no more than so many of a kind, and no command in any.

mod cap;
mod line;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::LogFormat;

pub(crate) use cap::Rate;

use cap::{Cap, Counts};
use writer::Writer;

/// What the last lines of a process may take to be written.
const AT_THE_END: Duration = Duration::from_secs(1);

/// The log of a server.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    counts: Arc<Counts>,
    writer: Writer,
    /// Of the lines that were lost, those that were told of.
    told_lost: Arc<AtomicU64>,
}

/// For a command that a person runs: warnings, or what `RUST_LOG` asks for.
pub(crate) fn for_a_person() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // A line that can't be written is no reason to end, as the word about that on the same stderr would be.
    fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false).init();
}

impl Log {
    /// Begins it, as the settings of a server ask for. Once a process.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn start(format: LogFormat, filter: &str, rate: Rate) -> io::Result<Self> {
        let writer = Writer::start(io::stderr())?;
        let (filter, handle) = reload::Layer::new(EnvFilter::new(filter));
        let counts = Arc::new(Counts::new(rate));
        let lines = tracing_subscriber::registry().with(filter).with(Cap::new(Arc::clone(&counts)));
        let to = writer.clone();
        match format {
            LogFormat::Text => lines.with(fmt::layer().with_ansi(false).with_writer(to)).init(),
            LogFormat::Json => lines.with(fmt::layer().json().flatten_event(true).with_writer(to)).init(),
        }
        Ok(Self { filter: handle, counts, writer, told_lost: Arc::default() })
    }

    /// Logs these levels from now on.
    pub(crate) fn set_filter(&self, filter: &str) -> Result<(), reload::Error> {
        self.filter.reload(EnvFilter::new(filter))
    }

    /// So many lines of a kind a second from now on.
    pub(crate) fn set_rate(&self, rate: Rate) {
        self.counts.set_rate(rate);
    }

    /// Says what was held back since the last time, and how much was lost; to be called each second.
    pub(crate) fn tell_suppressed(&self) {
        for (kind, lines) in self.counts.take() {
            tracing::warn!(target: cap::OWN, kind, lines, "lines suppressed");
        }
        let lost = self.writer.lost();
        // If this line is lost too, there is one more to tell of in a second: so it is told until it gets through.
        if self.told_lost.swap(lost, Ordering::Relaxed) != lost {
            tracing::warn!(target: cap::OWN, lines = lost, "lines lost since the start: they could not be written");
        }
    }

    /// Has the last lines written.
    pub(crate) fn end(&self) {
        self.tell_suppressed();
        self.writer.finish(AT_THE_END);
    }
}
