//! Flags that all benchmarks share: how often, how long, on which cores, and how the result is printed.

use std::time::Duration;

use clap::{Args, value_parser};

use crate::bench::{Deadline, Error, Pin};

/// The terms of a benchmark.
#[derive(Debug, Args)]
pub(super) struct TermArgs {
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

impl TermArgs {
    /// How many rounds, `unless` that was said.
    pub(super) fn rounds(&self, unless: u32) -> usize {
        self.rounds.unwrap_or(unless) as usize
    }

    /// Starts the clock.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.time_limit)
    }

    /// Where servers and load run.
    ///
    /// # Errors
    /// [`Error`] where there are no two cores.
    pub(super) fn pin(&self) -> Result<Pin, Error> {
        if self.pin { Pin::apart() } else { Ok(Pin::Free) }
    }
}

fn time_limit(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(3600);
    let limit = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if limit.is_zero() || limit > MOST {
        return Err("give a time above zero, and at most 1h".into());
    }
    Ok(limit)
}
