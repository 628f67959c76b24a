//! `bench storm`: many lines connect at once, and each gets one PONG.

use serde_json::json;

use super::{
    Error, Report,
    contest::Contest,
    figure::{Figure, Fold, Round},
    frame::Exchange,
    load::Load,
    machine,
    open::open,
    proc::cpu,
    progress::Progress,
    server::Server,
    stats::{each, micros, millis},
};

static TOOK: Figure = Figure { key: "took_s", title: "all up s", digits: 3, fold: Fold::Median };
static P50: Figure = Figure { key: "p50_ms", title: "p50 ms", digits: 2, fold: Fold::Median };
static P99: Figure = Figure { key: "p99_ms", title: "p99 ms", digits: 2, fold: Fold::Median };
static MAX: Figure = Figure { key: "max_ms", title: "max ms", digits: 1, fold: Fold::Max };
static CPU: Figure = Figure { key: "cpu_us_per_line", title: "CPU us/line", digits: 2, fold: Fold::Median };

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
        let settings = json!({ "connections": self.connections, "at_once": self.at_once });
        let settings = settings.as_object().cloned().unwrap_or_default();
        contest.keep_running("storm", settings, |server| self.once(server, contest))
    }

    fn once(&self, server: &Server, contest: &Contest) -> Result<Round, Error> {
        let progress = Progress::new(&format!("{}: connecting", server.label), self.connections as u64);
        let exchange = Exchange::heartbeat();
        let mut load = Load::new(server.addr)?;
        let meter = cpu::Meter::start(server.pid);
        let opened = open(&mut load, &exchange, self.connections, self.at_once, &contest.deadline, &progress)?;
        let used = meter.stop();
        let latencies = &opened.latencies;
        let mut round = Round {
            measures: vec![
                TOOK.of(opened.took.as_secs_f64()),
                P50.of(millis(latencies.quantile(0.5))),
                P99.of(millis(latencies.quantile(0.99))),
                MAX.of(millis(latencies.max())),
            ],
            ..Round::default()
        };
        match used {
            Ok(used) => round.measures.push(CPU.of(each(micros(used.total), self.connections as u64))),
            Err(note) => round.notes.push(note),
        }
        Ok(round)
    }
}
