//! Flags that all benchmarks share: which servers, how often, how long, where.

use std::time::Duration;

use clap::{Args, value_parser};

use crate::bench::{
    Deadline, Error, Pin,
    contest::Contest,
    contestant::{Contestant, Origin},
    target::{self, Target},
};

/// Flags that all benchmarks share.
#[derive(Debug, Args)]
pub(super) struct CommonArgs {
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
    /// Rounds [default: 5 with --compare, else 1].
    #[arg(long, value_parser = value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Longest time for everything, at most 1h.
    #[arg(long, default_value = "120s", value_parser = time_limit)]
    pub(super) time_limit: Duration,
    /// Run the servers on one core and the load on another.
    #[arg(long)]
    pin: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

impl CommonArgs {
    /// Who is measured, how often and for how long at most.
    ///
    /// # Errors
    /// [`Error::Usage`] for flags that contradict each other, [`Error::Unreachable`] for a target without an address.
    pub(super) fn contest(&self, reader_idle: Duration) -> Result<Contest, Error> {
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
        let default_rounds = if self.compare.is_empty() { 1 } else { 5 };
        Ok(Contest {
            contestants,
            rounds: self.rounds.unwrap_or(default_rounds) as usize,
            deadline: Deadline::after(self.time_limit),
            pin: if self.pin { Pin::apart()? } else { Pin::Free },
            reader_idle,
        })
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

pub(super) fn time_limit(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(3600);
    let limit = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if limit.is_zero() || limit > MOST {
        return Err("give a time above zero, and at most 1h".into());
    }
    Ok(limit)
}
