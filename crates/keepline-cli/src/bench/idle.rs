//! `bench idle`: what a silent line costs in memory, and how exactly it is closed in the end.

use std::time::Duration;

use serde_json::json;

use super::{
    Error, Report,
    contest::Contest,
    contestant::{Contestant, Origin},
    evict::{Evictions, evict},
    figure::{Figure, Fold, Round},
    footprint::footprint,
    machine,
    stats::{float, millis},
};

static P50: Figure = Figure { key: "evict_p50_ms", title: "evict p50 ms", digits: 1, fold: Fold::Median };
static P99: Figure = Figure { key: "evict_p99_ms", title: "p99 ms", digits: 1, fold: Fold::Median };
static MAX: Figure = Figure { key: "evict_max_ms", title: "max ms", digits: 1, fold: Fold::Max };
static EARLY: Figure = Figure { key: "early", title: "early", digits: 0, fold: Fold::Sum };
static UNCLOSED: Figure = Figure { key: "unclosed", title: "unclosed", digits: 0, fold: Fold::Sum };

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle {
    /// Memory is read at the first and at the second number of lines; the second are evicted.
    pub(crate) connections: (usize, usize),
    /// The limit for evictions; zero for none. `None`: 3 s for a server that we start, none for one that runs.
    pub(crate) evict_limit: Option<Duration>,
}

impl Idle {
    /// Runs the contest; each run has a fresh server, so that no memory is left from the one before.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, contest: &Contest) -> Result<Report, Error> {
        machine::make_room(self.connections.1)?;
        for contestant in &contest.contestants {
            self.check(contestant)?;
        }
        let settings = json!({
            "connections": [self.connections.0, self.connections.1],
            "evict_limit_ms": self.evict_limit.map(|limit| limit.as_millis()),
        });
        let settings = settings.as_object().cloned().unwrap_or_default();
        contest.start_anew("idle", settings, |contestant| {
            let mut round = footprint(contest, contestant, self.connections)?;
            match self.limit(contestant) {
                Some(limit) => {
                    let server = contest.start(contestant, limit)?;
                    judge(&evict(&server, limit, self.connections.1, &contest.deadline)?, limit, &mut round);
                }
                None => round.notes.push("no eviction figures: state the server's limit with --evict-limit".into()),
            }
            Ok(round)
        })
    }

    /// The limit of the second phase, if there is one.
    fn limit(&self, contestant: &Contestant) -> Option<Duration> {
        const DEFAULT: Duration = Duration::from_secs(3);
        let limit = match contestant.origin {
            Origin::Command(_) => self.evict_limit.unwrap_or(DEFAULT),
            Origin::Target(_) => self.evict_limit?,
        };
        (!limit.is_zero()).then_some(limit)
    }

    fn check(&self, contestant: &Contestant) -> Result<(), Error> {
        let must_set = matches!(contestant.origin, Origin::Command(_)) && self.limit(contestant).is_some();
        if must_set && !contestant.takes_limit() {
            return Err(Error::Usage(format!(
                "the command of {} has no place for the limit: write {{reader_idle}} (as 3000ms) or {{reader_idle_ms}} \
                 (as 3000) where it takes one, or give --evict-limit 0s to leave evictions out",
                contestant.label
            )));
        }
        Ok(())
    }
}

fn judge(evictions: &Evictions, limit: Duration, round: &mut Round) {
    let delays = &evictions.delays;
    if delays.count() > 0 {
        round.measures.extend([
            P50.of(millis(delays.quantile(0.5))),
            P99.of(millis(delays.quantile(0.99))),
            MAX.of(millis(delays.max())),
        ]);
    }
    round.measures.extend([EARLY.of(float(evictions.early)), UNCLOSED.of(float(evictions.unclosed))]);
    let limit = humantime::format_duration(limit);
    if evictions.early > 0 {
        let by = millis(evictions.earliest);
        round.faults.push(format!("{} lines were closed early, by up to {by:.1} ms of {limit}", evictions.early));
    }
    if evictions.unclosed > 0 {
        round.faults.push(format!("{} lines were not closed 5 s after the limit of {limit}", evictions.unclosed));
    }
    if evictions.unanswered > 0 {
        round.faults.push(format!("{} lines were closed with a PING unanswered", evictions.unanswered));
    }
}
