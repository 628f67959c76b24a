//! Flags of the benchmarks in echo frames: which servers are measured.

use std::time::Duration;

use clap::Args;

use super::terms::TermArgs;
use crate::bench::{
    Error,
    contest::Contest,
    contestant::{Contestant, Origin},
    target::{self, Target},
};

/// Servers that speak the echo frame.
#[derive(Debug, Args)]
pub(super) struct OpponentArgs {
    /// Start the server to measure with this shell command instead of `keepline echo serve`. {reader_idle} and
    /// {reader_idle_ms} stand for the limit (10000ms, 10000); its first line must be `listening on ADDRESS:PORT`.
    #[arg(long, value_name = "COMMAND", conflicts_with = "target")]
    server: Option<String>,
    /// Measure a server that runs already and speaks the echo frame.
    #[arg(long, value_name = "HOST:PORT")]
    target: Option<String>,
    /// Process of the --target, to read its memory and CPU time.
    #[arg(long, requires = "target")]
    pid: Option<u32>,
    /// Allow a --target on another machine.
    #[arg(long, requires = "target")]
    allow_remote: bool,
    /// Measure this server too, in interleaved rounds; may be given several times. Ratios are to the label `floor`.
    #[arg(long, value_name = "LABEL=COMMAND")]
    compare: Vec<String>,
}

impl OpponentArgs {
    /// Whether any of these flags was given.
    pub(super) const fn is_given(&self) -> bool {
        self.server.is_some() || self.target.is_some() || !self.compare.is_empty()
    }

    /// Who is measured, how often and for how long at most.
    ///
    /// # Errors
    /// [`Error::Usage`] for flags that contradict each other, [`Error::Unreachable`] for a target without an address.
    pub(super) fn contest(&self, terms: &TermArgs, reader_idle: Duration) -> Result<Contest, Error> {
        if reader_idle.is_zero() {
            return Err(Error::Usage("--reader-idle 0s would close every line at once: give a time above zero".into()));
        }
        let mut contestants = vec![self.under_test()?];
        for text in &self.compare {
            let other = Contestant::labelled(text)?;
            if contestants.iter().any(|one| one.label == other.label) {
                return Err(Error::Usage(format!("two servers are labelled {}: name each differently", other.label)));
            }
            contestants.push(other);
        }
        let rounds = terms.rounds(if self.compare.is_empty() { 1 } else { 5 });
        Ok(Contest { contestants, rounds, deadline: terms.deadline(), pin: terms.pin()?, reader_idle })
    }

    fn under_test(&self) -> Result<Contestant, Error> {
        if let Some(name) = &self.target {
            let addr = target::resolve(name, self.allow_remote)?;
            let origin = Origin::Target(Target { addr, pid: self.pid });
            return Ok(Contestant { label: name.clone(), origin });
        }
        match &self.server {
            Some(command) => Ok(Contestant { label: "server".into(), origin: Origin::Command(command.clone()) }),
            None => Contestant::ours(),
        }
    }
}
