//! The command line: one variant a command; each command's flags live in its own file.

use clap::{Parser, Subcommand};

use crate::commands;

/// Long-lived connections, and heartbeats that say when one is dead.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure a server that speaks the echo frame: memory, evictions, latency, CPU.
    Bench(commands::bench::BenchArgs),
}
