//! Log: the events of the libraries, on stderr, one line each.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// For a command that a person runs: warnings, or what `RUST_LOG` asks for.
pub(crate) fn for_a_person() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

/// For a server: what its settings ask for.
pub(crate) fn for_a_server(format: LogFormat, filter: &str) {
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
