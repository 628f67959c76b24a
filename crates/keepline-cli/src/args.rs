//! The command line: one variant a command; each command's flags live in its own file.

use std::str::FromStr;

use clap::{Parser, Subcommand};
use keepline::Duration;

use crate::commands;

/// Long-lived connections, and heartbeats that say when one is dead.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// What to do; default: serve.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the instant messaging server; what happens without a command too.
    Serve(commands::serve::ServeArgs),
    /// Copy what a server keeps into a file, while it runs or not.
    Backup(commands::backup::BackupArgs),
    /// Put a backup in the place of what a server keeps.
    Restore(commands::restore::RestoreArgs),
    /// Run an end of the heartbeat echo pair: a server that returns what it gets, a client that stays connected.
    Echo(commands::echo::EchoArgs),
    /// Measure a server that speaks the echo frame: memory, evictions, latency, CPU.
    Bench(commands::bench::BenchArgs),
}

impl Command {
    /// What `keepline` alone does: `keepline serve` with its defaults.
    pub(crate) fn without_a_word() -> Self {
        match Cli::parse_from(["keepline", "serve"]).command {
            Some(command) => command,
            // Every flag of `serve` has a default, which a test holds.
            None => unreachable!("serve was named"),
        }
    }
}

/// Reads a time with its unit, as `500ms` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map(Duration::from)
        .map_err(|error| format!("{error}; write a number and its unit, as 500ms, 10s or 2m"))
}

/// Reads a whole number.
pub(crate) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "write a whole number from zero up, as 10".to_owned())
}
