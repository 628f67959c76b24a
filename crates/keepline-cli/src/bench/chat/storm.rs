//! `bench storm --on im`: sessions that all log in at once, as after an outage; how long until all are in, and what that
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
        arrivals::{Arrivals, CPU, OVERFLOWS},
        figure::{Figure, Fold, Round},
        machine,
        proc::{cpu::Meter, overflows},
        progress::Progress,
        stats::{each, float, micros},
    },
    host::Brand,
    speech::Heard,
    stage::Stage,
    swarm::{Happening, Swarm},
    v1::V1,
};

static TRIES: Figure = Figure { key: "tries_per_connection", title: "tries/connection", digits: 2, fold: Fold::Median };
static MOST: Figure = Figure { key: "most_tries", title: "most tries", digits: 0, fold: Fold::Max };
static LOST: Figure = Figure { key: "lost", title: "lost", digits: 0, fold: Fold::Sum };

/// Connects between two looks at who has answered.
const BATCH: usize = 256;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    /// How many sessions.
    pub(crate) connections: usize,
    /// How many of them may be between their connect and their login.
    pub(crate) at_once: usize,
}

/// Who is in, and when the others come again.
struct Crowd {
    clients: Vec<Client>,
    /// When which client comes again.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    arrivals: Arrivals,
    at_once: usize,
    /// Between their connect and their login, or its end.
    under_way: usize,
    /// Connections that ended after their login.
    lost: u64,
    tries: u64,
    /// What was said to those whose connection ended, and how often.
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
        machine::make_room(self.connections)?;
        let settings = json!({ "on": "im", "connections": self.connections, "at_once": self.at_once });
        let settings = settings.as_object().cloned().unwrap_or_default();
        stage.perform("storm", settings, |brand, folder| self.once(stage, brand, folder))
    }

    fn once(&self, stage: &Stage, brand: Brand, folder: &Path) -> Result<Round, Error> {
        let (town, ()) = stage.populate(self.connections, folder, |_, _| Ok(()))?;
        let host = stage.start_secure(brand, folder)?;
        let speech = V1 { tokens: &town.tokens, group: String::new() };
        let mut swarm = Swarm::over(host.addr, speech, stage.secure.clone())?;
        let progress = Progress::new(&format!("{}: logins", brand.label()), self.connections as u64);
        let overflowed = overflows::read();
        let meter = Meter::start(Some(host.pid()));
        let mut crowd = Crowd::new(self.connections, self.at_once);
        while crowd.count() < self.connections {
            let waits = crowd.dial(&mut swarm)?;
            let now = swarm.turn(waits, |id, happening, at, _| {
                crowd.hear(id, &happening, at);
                Ok(())
            })?;
            stage.deadline.check(now, "sessions log in")?;
            progress.at(crowd.count() as u64);
        }
        let used = meter.stop();
        let mut round = crowd.round();
        if let (Ok(before), Ok(after)) = (overflowed, overflows::read()) {
            round.measures.push(OVERFLOWS.of(float(after.saturating_sub(before))));
        }
        match used {
            Ok(used) => round.measures.push(CPU.of(each(micros(used.total), self.connections as u64))),
            Err(note) => round.notes.push(note),
        }
        Ok(round)
    }
}

impl Crowd {
    fn new(count: usize, at_once: usize) -> Self {
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
            arrivals: Arrivals::since(Instant::now()),
            at_once,
            under_way: 0,
            lost: 0,
            tries: 0,
            told: BTreeMap::new(),
        }
    }

    fn count(&self) -> usize {
        self.arrivals.count()
    }

    /// Connects some of those whose time it is; how long to wait for the next.
    fn dial(&mut self, swarm: &mut Swarm<V1<'_>>) -> Result<Duration, Error> {
        for _ in 0..BATCH {
            if self.under_way == self.at_once {
                return Ok(LONGEST);
            }
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
            self.under_way += 1;
        }
        Ok(Duration::ZERO)
    }

    fn hear(&mut self, id: usize, happening: &Happening<'_>, at: Instant) {
        let client = &mut self.clients[id];
        match happening {
            Happening::Heard(Heard::Ready(_)) => {
                client.is_in = true;
                self.under_way -= 1;
                self.arrivals.enter(at);
            }
            Happening::Heard(Heard::Farewell { reason, retry_after }) => {
                *self.told.entry(reason.clone()).or_default() += 1;
                let after = (*retry_after).into();
                client.hint = Some(RetryHint { after, ..RetryHint::default() });
            }
            Happening::Heard(_) => {}
            Happening::Gone => {
                if client.hint.is_none() {
                    *self.told.entry("nothing".into()).or_default() += 1;
                }
                if client.is_in {
                    // It counts once as up, so it stays away.
                    self.lost += 1;
                    return;
                }
                self.under_way -= 1;
                let now = keepline_proto::Instant::START + (at - self.arrivals.begun()).into();
                let wait = client.backoff.on_down(now, client.hint.take());
                self.due.push(Reverse((at + wait.to_std(), id)));
            }
        }
    }

    fn round(&self) -> Round {
        let most = self.clients.iter().map(|client| client.tries).max().unwrap_or_default();
        let mut round = Round { measures: self.arrivals.measures().to_vec(), ..Round::default() };
        round.measures.extend([
            LOST.of(float(self.lost)),
            TRIES.of(each(float(self.tries), self.clients.len() as u64)),
            MOST.of(float(most)),
        ]);
        if self.lost > 0 {
            round.faults.push(format!("{} sessions ended after they were in", self.lost));
        }
        let told = self.told.iter().map(|(what, count)| format!("{count} times {what}"));
        if !self.told.is_empty() {
            round.notes.push(format!("ended: {}", told.collect::<Vec<_>>().join(", ")));
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
        let mut crowd = Crowd::new(2, 2);
        crowd.under_way = 2;
        let at = crowd.arrivals.begun() + Duration::from_secs(1);
        let told = Heard::Farewell { reason: "server_full".into(), retry_after: Duration::from_secs(7) };
        crowd.hear(0, &Happening::Heard(told), at);
        crowd.hear(0, &Happening::Gone, at);
        crowd.hear(1, &Happening::Gone, at);
        assert_eq!(crowd.under_way, 0);
        let due: BTreeMap<usize, Instant> = crowd.due.iter().map(|Reverse((at, id))| (*id, *at)).collect();
        assert!(due[&0] >= at + Duration::from_secs(7), "as he was told");
        assert!(due[&1] <= at + Duration::from_secs(1), "by his own backoff");
        assert_eq!(crowd.round().notes, ["ended: 1 times nothing, 1 times server_full"]);
    }

    #[test]
    fn who_is_in_and_is_closed_again_is_lost() {
        let mut crowd = Crowd::new(2, 2);
        crowd.under_way = 2;
        let at = crowd.arrivals.begun();
        crowd.hear(1, &Happening::Heard(Heard::Ready(Ready::default())), at);
        assert_eq!((crowd.count(), crowd.under_way, crowd.round().faults.len()), (1, 1, 0));
        crowd.hear(1, &Happening::Gone, at);
        assert_eq!((crowd.round().value("lost"), crowd.due.len()), (Some(1.0), 0));
        assert_eq!(crowd.round().faults, ["1 sessions ended after they were in"]);
    }
}
