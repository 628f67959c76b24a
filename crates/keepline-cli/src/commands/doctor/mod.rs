//! `keepline doctor`: what a server would find at its start on this machine, and what to do about it.

mod disk;
mod machine;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::errand;
use crate::config::{Settings, Sources};
use crate::descriptors::raise_descriptor_limit;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, Row};

/// Flags of `keepline doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with 1 if anything fails. It changes nothing, but for a file that it writes and removes.")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    sources: Sources,
    /// One object a line.
    #[arg(long)]
    json: bool,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// A server works so, and its operator should know.
    Warn,
    /// A server would not start, or would lose something.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    /// What it is, and what to do.
    what: String,
}

/// Looks, and tells.
pub(crate) fn run(args: &DoctorArgs) -> ExitCode {
    errand::run(async {
        let findings = match args.sources.load() {
            Ok(effective) => examine(&effective.settings),
            Err(problems) => problems.to_string().lines().map(|line| fail("settings", line)).collect(),
        };
        Output::new(args.json).list(&findings)?;
        let failed = findings.iter().filter(|finding| finding.state == State::Fail).count();
        if failed == 0 {
            return Ok(());
        }
        Err(Failure { exit: Exit::Failed, message: format!("{failed} of {} would hold a server back", findings.len()) })
    })
}

fn examine(settings: &Settings) -> Vec<Finding> {
    // As a server does, before it counts.
    raise_descriptor_limit();
    let config = settings.server();
    let mut findings: Vec<Finding> = config.faults().iter().map(|fault| fail("settings", fault.to_string())).collect();
    if findings.is_empty() {
        findings.push(ok("settings", "a server can work with them"));
    }
    findings.extend(config.warnings().iter().map(|warning| warn("settings", warning.to_string())));
    findings.push(machine::descriptors(&config));
    findings.extend(machine::ports(&config));
    findings.push(machine::clock(settings));
    findings.push(machine::certificate(&config));
    findings.extend(machine::keys(&config));
    if settings.store.memory {
        findings.push(warn("data", "kept in memory: it is gone with the process"));
    } else {
        findings.extend(disk::data(&settings.store.data));
    }
    findings.extend(disk::audit(settings));
    findings
}

fn ok(check: &'static str, what: impl Into<String>) -> Finding {
    Finding { check, state: State::Ok, what: what.into() }
}

fn warn(check: &'static str, what: impl Into<String>) -> Finding {
    Finding { check, state: State::Warn, what: what.into() }
}

fn fail(check: &'static str, what: impl Into<String>) -> Finding {
    Finding { check, state: State::Fail, what: what.into() }
}

impl Row for Finding {
    const HEADS: &'static [&'static str] = &["CHECK", "STATE", "WHAT"];

    fn cells(&self) -> Vec<String> {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        vec![self.check.to_owned(), state.to_owned(), self.what.clone()]
    }
}
