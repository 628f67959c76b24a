//! `keepline ready`: whether a server takes work, as those ask who can't reach its admin listener: a container's check.

use std::process::ExitCode;

use clap::Args;
use keepline::Duration;

use super::errand;
use crate::api::{Admin, Http, Readiness, ServerUrl};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::quantity::duration;

/// Flags of `keepline ready`.
#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 1 while the server drains or its store takes no writes, with 3 if there is none. It needs no token."
)]
pub(crate) struct ReadyArgs {
    /// Its admin listener.
    #[arg(long, default_value = "http://127.0.0.1:8084", value_name = "URL")]
    admin: ServerUrl,
    /// What it has to answer.
    #[arg(long, default_value = "3s", value_parser = duration, value_name = "TIME")]
    timeout: Duration,
    /// One object a line.
    #[arg(long)]
    json: bool,
}

/// Asks.
pub(crate) fn run(args: ReadyArgs) -> ExitCode {
    errand::run(ask(args))
}

async fn ask(args: ReadyArgs) -> Result<(), Failure> {
    let readiness = Admin::new(Http::new(args.admin, args.timeout.to_std(), None), None).readiness().await?;
    let why = why_not(&readiness);
    let sentence = why.as_ref().map_or_else(|| format!("ready: {} sessions", readiness.sessions), String::clone);
    if why.is_none() || args.json {
        Output::new(args.json).done(&sentence, &readiness)?;
    }
    why.map_or(Ok(()), |message| Err(Failure { exit: Exit::Failed, message }))
}

fn why_not(readiness: &Readiness) -> Option<String> {
    if readiness.draining {
        return Some("not ready: it lets its clients go".to_owned());
    }
    let reason = readiness.store.reason.as_ref();
    (readiness.store.state != "ok")
        .then(|| format!("not ready: its store takes no writes: {}", reason.map_or("no word why", String::as_str)))
}
