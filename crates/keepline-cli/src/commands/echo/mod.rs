//! `keepline echo`: the two ends of the heartbeat echo pair.
//!
//! ```text
//!  serve ──▶ Mirror, or Narrator ─┐
//!                                 ├─▶ Log ─▶ a style (friendly, article, json) ─▶ Console
//!  connect ──▶ Conversation ──────┘
//! ```

mod article;
mod connect;
mod console;
mod conversation;
mod counts;
mod dial;
mod entry;
mod friendly;
mod gap;
mod json;
mod line;
mod log;
mod mirror;
mod narrator;
mod queue;
mod serve;

use std::fmt;
use std::future::Future;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use keepline::wire::echo::Echo;

/// Flags of `keepline echo`.
#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    /// Which end.
    #[command(subcommand)]
    end: End,
}

/// The ends.
#[derive(Debug, Subcommand)]
enum End {
    /// Send every frame back, answer pings, and close lines that have been silent for too long.
    Serve(serve::ServeArgs),
    /// Send messages, ping when the line is quiet, and come back by itself when it is lost.
    Connect(connect::ConnectArgs),
}

/// Runs one end until it is done or told to stop. Exit code 2 for flags that contradict each other.
pub(crate) fn run(args: EchoArgs) -> ExitCode {
    let result = match args.end {
        End::Serve(args) => serve::run(&args),
        End::Connect(args) => connect::run(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("keepline echo: {error}");
        match error {
            Error::Usage(_) => ExitCode::from(2),
            Error::Failed(_) => ExitCode::FAILURE,
        }
    })
}

/// Why an end did not run; each is a sentence that says what to change.
#[derive(Debug)]
enum Error {
    /// Flags that can't be together.
    Usage(String),
    /// The system refused something.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
        }
    }
}

/// The decoder that a flag asks for.
const fn codec(netty_compatible: bool) -> Echo {
    if netty_compatible { Echo::netty_compatible() } else { Echo::strict() }
}

/// Runs a future on as many threads as asked for; with one, all is done by this one.
fn block_on<T>(workers: u16, future: impl Future<Output = T>) -> Result<T, Error> {
    let mut builder = match workers {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if workers > 1 {
        builder.worker_threads(workers.into());
    }
    let runtime =
        builder.enable_all().build().map_err(|error| Error::Failed(format!("cannot start the runtime: {error}")))?;
    Ok(runtime.block_on(future))
}
