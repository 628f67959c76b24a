//! `bench login-storm`: sessions that all log in at once, as after an outage; how long until all are in, and what that
//! costs.
//!
//! A client that is turned away, or whose connection ends, comes again as ours does: with full jitter, and not before
//! the time that it was told.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    path::Path,
    time::{Duration, Instant},
};

use keepline_proto::{Backoff, BackoffSettings, RetryHint};
use serde_json::json;

use super::{
    super::{
        Error, Report,
        figure::{Figure, Fold, Round},
        machine,
        proc::{cpu::Meter, overflows},
        progress::Progress,
        stats::{Latencies, each, float, micros},
    },
    host::Brand,
    speech::Heard,
    stage::Stage,
    swarm::{Happening, Swarm},
    v1::V1,
};

static P50: Figure = Figure { key: "half_in_s", title: "50 % in s", digits: 2, fold: Fold::Median };
static P99: Figure = Figure { key: "p99_in_s", title: "99 % in s", digits: 2, fold: Fold::Median };
static ALL: Figure = Figure { key: "all_in_s", title: "all in s", digits: 2, fold: Fold::Median };
static CPU: Figure = Figure { key: "cpu_us_per_login", title: "CPU us/login", digits: 1, fold: Fold::Median };
static TRIES: Figure = Figure { key: "tries_per_client", title: "tries/client", digits: 2, fold: Fold::Median };
static MOST: Figure = Figure { key: "most_tries", title: "most tries", digits: 0, fold: Fold::Max };
static OVERFLOWS: Figure = Figure { key: "listen_overflows", title: "listen overflows", digits: 0, fold: Fold::Median };

/// Connects between two looks at who has answered.
const BATCH: usize = 256;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    /// How many sessions.
    pub(crate) sessions: usize,
}

/// Who is in, and when the others come again.
struct Crowd {
    clients: Vec<Client>,
    /// When which client comes again.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    begun: Instant,
    latencies: Latencies,
    tries: u64,
    /// What was said to those who were turned away, and how often.
    told: BTreeMap<String, u64>,
}

struct Client {
    backoff: Backoff,
    tries: u64,
    is_in: bool,
    /// What the server asked of it on this connection.
    hint: Option<RetryHint>,
}

impl Storm {
    /// Runs the contest.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, stage: &Stage) -> Result<Report, Error> {
        machine::make_room(self.sessions)?;
        let settings = json!({ "sessions": self.sessions });
        let settings = settings.as_object().cloned().unwrap_or_default();
        stage.perform("login-storm", settings, |brand, folder| self.once(stage, brand, folder))
    }

    fn once(&self, stage: &Stage, brand: Brand, folder: &Path) -> Result<Round, Error> {
        let (town, ()) = stage.populate(self.sessions, folder, |_, _| Ok(()))?;
        let host = stage.start_secure(brand, folder)?;
        let speech = V1 { tokens: &town.tokens, group: String::new() };
        let mut swarm = Swarm::over(host.addr, speech, stage.secure.clone())?;
        let progress = Progress::new(&format!("{}: logins", brand.label()), self.sessions as u64);
        let overflowed = overflows::read();
        let meter = Meter::start(Some(host.pid()));
        let mut crowd = Crowd::new(self.sessions);
        while crowd.count() < self.sessions {
            let waits = crowd.dial(&mut swarm)?;
            let now = swarm.turn(waits, |id, happening, at, _| crowd.hear(id, &happening, at))?;
            stage.deadline.check(now, "sessions log in")?;
            progress.at(crowd.count() as u64);
        }
        let used = meter.stop();
        let mut round = crowd.round();
        if let (Ok(before), Ok(after)) = (overflowed, overflows::read()) {
            round.measures.push(OVERFLOWS.of(float(after.saturating_sub(before))));
        }
        match used {
            Ok(used) => round.measures.push(CPU.of(each(micros(used.total), self.sessions as u64))),
            Err(note) => round.notes.push(note),
        }
        Ok(round)
    }
}

impl Crowd {
    fn new(count: usize) -> Self {
        // Numbers of one row, so that a run can be done again; the backoff mixes them.
        let client = |id: usize| Client {
            backoff: Backoff::new(BackoffSettings::default(), id as u64),
            tries: 0,
            is_in: false,
            hint: None,
        };
        Self {
            clients: (0..count).map(client).collect(),
            due: BinaryHeap::new(),
            begun: Instant::now(),
            latencies: Latencies::new(),
            tries: 0,
            told: BTreeMap::new(),
        }
    }

    fn count(&self) -> usize {
        usize::try_from(self.latencies.count()).unwrap_or(usize::MAX)
    }

    /// Connects some of those whose time it is; how long to wait for the next.
    fn dial(&mut self, swarm: &mut Swarm<V1<'_>>) -> Result<Duration, Error> {
        for _ in 0..BATCH {
            let id = if swarm.ever() < self.clients.len() {
                let id = swarm.ever();
                swarm.dial()?;
                id
            } else {
                match self.due.peek() {
                    Some(Reverse((at, _))) if *at <= Instant::now() => {}
                    Some(Reverse((at, _))) => return Ok(at.saturating_duration_since(Instant::now()).min(LONGEST)),
                    None => return Ok(LONGEST),
                }
                let Some(Reverse((_, id))) = self.due.pop() else { return Ok(LONGEST) };
                swarm.dial_again(id)?;
                id
            };
            self.clients[id].tries += 1;
            self.tries += 1;
        }
        Ok(Duration::ZERO)
    }

    fn hear(&mut self, id: usize, happening: &Happening<'_>, at: Instant) -> Result<(), Error> {
        let client = &mut self.clients[id];
        match happening {
            Happening::Heard(Heard::Ready(_)) => {
                client.is_in = true;
                self.latencies.record(at - self.begun);
            }
            Happening::Heard(Heard::Farewell { reason, retry_after }) if !client.is_in => {
                *self.told.entry(reason.clone()).or_default() += 1;
                let after = (*retry_after).into();
                client.hint = Some(RetryHint { after, ..RetryHint::default() });
            }
            Happening::Heard(Heard::Farewell { reason, .. }) => {
                return Err(Error::Failed(format!("the server closed client {id}, which was in, as {reason}")));
            }
            Happening::Heard(_) => {}
            Happening::Gone if client.is_in => {
                return Err(Error::Failed(format!("the server closed client {id}, which was in")));
            }
            Happening::Gone => {
                if client.hint.is_none() {
                    *self.told.entry("nothing".into()).or_default() += 1;
                }
                let now = keepline_proto::Instant::START + (at - self.begun).into();
                let wait = client.backoff.on_down(now, client.hint.take());
                self.due.push(Reverse((at + wait.to_std(), id)));
            }
        }
        Ok(())
    }

    fn round(&self) -> Round {
        let seconds = |quantile: f64| self.latencies.quantile(quantile).as_secs_f64();
        let most = self.clients.iter().map(|client| client.tries).max().unwrap_or_default();
        let mut round = Round {
            measures: vec![
                P50.of(seconds(0.5)),
                P99.of(seconds(0.99)),
                ALL.of(self.latencies.max().as_secs_f64()),
                TRIES.of(each(float(self.tries), self.clients.len() as u64)),
                MOST.of(float(most)),
            ],
            ..Round::default()
        };
        let told = self.told.iter().map(|(what, count)| format!("{count} times {what}"));
        if !self.told.is_empty() {
            round.notes.push(format!("turned away: {}", told.collect::<Vec<_>>().join(", ")));
        }
        round
    }
}

/// Between two looks at the deadline.
const LONGEST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::chat::speech::Ready;

    #[test]
    fn who_is_turned_away_comes_again_and_not_before_his_time() {
        let mut crowd = Crowd::new(2);
        let at = crowd.begun + Duration::from_secs(1);
        let told = Heard::Farewell { reason: "server_full".into(), retry_after: Duration::from_secs(7) };
        crowd.hear(0, &Happening::Heard(told), at).unwrap();
        crowd.hear(0, &Happening::Gone, at).unwrap();
        crowd.hear(1, &Happening::Gone, at).unwrap();
        let due: BTreeMap<usize, Instant> = crowd.due.iter().map(|Reverse((at, id))| (*id, *at)).collect();
        assert!(due[&0] >= at + Duration::from_secs(7), "as he was told");
        assert!(due[&1] <= at + Duration::from_secs(1), "by his own backoff");
        crowd.hear(1, &Happening::Heard(Heard::Ready(Ready::default())), at).unwrap();
        assert_eq!(crowd.count(), 1);
        let notes = crowd.round().notes;
        assert_eq!(notes, ["turned away: 1 times nothing, 1 times server_full"]);
        assert!(crowd.hear(1, &Happening::Gone, at).is_err(), "who is in stays in");
    }
}
