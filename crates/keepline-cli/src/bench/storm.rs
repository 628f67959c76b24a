//! `bench storm --on echo`: many lines connect at once, and each gets one PONG.

use serde_json::json;

use super::{
    Error, Report,
    arrivals::{CPU, OVERFLOWS},
    contest::Contest,
    figure::Round,
    frame::Exchange,
    load::Load,
    machine,
    open::open,
    proc::{cpu, overflows},
    progress::Progress,
    server::Server,
    stats::{each, float, micros},
};

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    /// How many lines connect.
    pub(crate) connections: usize,
    /// How many of them may be between their connect and their PONG.
    pub(crate) at_once: usize,
}

impl Storm {
    /// Runs the contest.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, contest: &Contest) -> Result<Report, Error> {
        machine::make_room(self.connections)?;
        let settings = json!({ "on": "echo", "connections": self.connections, "at_once": self.at_once });
        let settings = settings.as_object().cloned().unwrap_or_default();
        contest.keep_running("storm", settings, |server| self.once(server, contest))
    }

    fn once(&self, server: &Server, contest: &Contest) -> Result<Round, Error> {
        let progress = Progress::new(&format!("{}: connecting", server.label), self.connections as u64);
        let exchange = Exchange::heartbeat();
        let mut load = Load::new(server.addr)?;
        let overflowed = overflows::read();
        let meter = cpu::Meter::start(server.pid);
        let opened = open(&mut load, &exchange, self.connections, self.at_once, &contest.deadline, &progress)?;
        let used = meter.stop();
        let mut round = Round { measures: opened.arrivals.measures().to_vec(), ..Round::default() };
        match used {
            Ok(used) => round.measures.push(CPU.of(each(micros(used.total), self.connections as u64))),
            Err(note) => round.notes.push(note),
        }
        if let (Ok(before), Ok(after)) = (overflowed, overflows::read()) {
            round.measures.push(OVERFLOWS.of(float(after.saturating_sub(before))));
        }
        Ok(round)
    }
}
