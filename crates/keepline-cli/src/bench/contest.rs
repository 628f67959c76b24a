//! Several servers under the same load, in interleaved rounds, so that a noisy moment hits all of them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Deadline, Error, Pin, Report,
    contestant::{BASELINE, Contestant},
    figure::{Round, Row},
    server::Server,
};

/// Who is measured, how often, and under which terms.
#[derive(Debug)]
pub(crate) struct Contest {
    /// The servers; the first is the one under test.
    pub(crate) contestants: Vec<Contestant>,
    /// How many rounds.
    pub(crate) rounds: usize,
    /// When all must be over.
    pub(crate) deadline: Deadline,
    /// Where server and load run.
    pub(crate) pin: Pin,
    /// The silence after which the servers close a line.
    pub(crate) reader_idle: Duration,
}

impl Contest {
    /// Starts each server once, and measures them round by round while they keep running.
    ///
    /// # Errors
    /// The first error of a start or a run.
    pub(crate) fn keep_running(
        &self,
        bench: &'static str,
        settings: Map<String, Value>,
        mut run: impl FnMut(&Server) -> Result<Round, Error>,
    ) -> Result<Report, Error> {
        let start = |contestant: &Contestant| self.start(contestant, self.reader_idle);
        let servers: Vec<Server> = self.contestants.iter().map(start).collect::<Result<_, _>>()?;
        self.interleave(bench, settings, |index| {
            let before = servers[index].descriptors();
            let round = run(&servers[index])?;
            servers[index].settle(before, &self.deadline);
            Ok(round)
        })
    }

    /// Measures round by round; each run starts its server itself.
    ///
    /// # Errors
    /// The first error of a run.
    pub(crate) fn start_anew(
        &self,
        bench: &'static str,
        settings: Map<String, Value>,
        mut run: impl FnMut(&Contestant) -> Result<Round, Error>,
    ) -> Result<Report, Error> {
        self.interleave(bench, settings, |index| run(&self.contestants[index]))
    }

    /// Starts one server with its own limit.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(crate) fn start(&self, contestant: &Contestant, reader_idle: Duration) -> Result<Server, Error> {
        Server::start(contestant, reader_idle, self.pin, &self.deadline)
    }

    fn interleave(
        &self,
        bench: &'static str,
        mut settings: Map<String, Value>,
        mut run: impl FnMut(usize) -> Result<Round, Error>,
    ) -> Result<Report, Error> {
        let labels: Vec<String> = self.contestants.iter().map(|contestant| contestant.label.clone()).collect();
        let rows = take_turns(&labels, self.rounds, |index, _| run(index))?;
        settings.insert("rounds".into(), json!(self.rounds));
        settings.insert("pinned".into(), json!(self.pin != Pin::Free));
        settings.insert("reader_idle_ms".into(), json!(self.reader_idle.as_millis()));
        Ok(Report { bench, settings, rows, baseline: BASELINE, footnote: None })
    }
}

/// Runs all of them round by round; `run` gets the index of the label and the number of the round.
///
/// # Errors
/// The first error of a run.
pub(crate) fn take_turns(
    labels: &[String],
    rounds: usize,
    mut run: impl FnMut(usize, usize) -> Result<Round, Error>,
) -> Result<Vec<Row>, Error> {
    let count = labels.len();
    let mut rows: Vec<Row> = labels.iter().map(|label| Row { label: label.clone(), rounds: Vec::new() }).collect();
    for round in 0..rounds {
        // Another one begins each round: none always runs behind the same other.
        for index in (0..count).map(|index| (index + round) % count) {
            rows[index].rounds.push(run(index, round)?);
        }
    }
    Ok(rows)
}
