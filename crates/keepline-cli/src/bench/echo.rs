//! `bench echo`: data frames that come back, in a closed loop or at a fixed rate.

use std::time::Duration;

use serde_json::json;

use super::{
    Error, Report,
    contest::Contest,
    figure::{Figure, Fold, Round},
    frame::Exchange,
    load::Load,
    machine,
    open::{GENTLY, open},
    progress::Progress,
    server::Server,
    stats::{each, float, micros},
    strace::Trace,
    talk::{Outcome, Plan, talk},
};

static RATE: Figure = Figure { key: "rate_per_s", title: "msg/s", digits: 0, fold: Fold::Median };
static P50: Figure = Figure { key: "p50_us", title: "p50 us", digits: 0, fold: Fold::Median };
static P99: Figure = Figure { key: "p99_us", title: "p99 us", digits: 0, fold: Fold::Median };
static P999: Figure = Figure { key: "p999_us", title: "p99.9 us", digits: 0, fold: Fold::Median };
static MAX: Figure = Figure { key: "max_us", title: "max us", digits: 0, fold: Fold::Max };
static CPU: Figure = Figure { key: "cpu_us_per_message", title: "CPU us/msg", digits: 3, fold: Fold::Median };
static USER: Figure = Figure { key: "user_us_per_message", title: "user", digits: 3, fold: Fold::Median };
static SYSTEM: Figure = Figure { key: "system_us_per_message", title: "system", digits: 3, fold: Fold::Median };
static SYSCALLS: Figure = Figure { key: "syscalls_per_message", title: "syscalls/msg", digits: 3, fold: Fold::Median };
static STALL: Figure = Figure { key: "load_stall_max_us", title: "load stall us", digits: 0, fold: Fold::Max };
static MESSAGES: Figure = Figure { key: "messages", title: "messages", digits: 0, fold: Fold::Sum };

/// What the latencies are, for programs and for people.
const FROM_SENT: &str = "closed loop, uncorrected";
const FROM_DUE: &str = "open loop, corrected for coordinated omission";
const CLOSED_LOOP: &str = "Latencies: closed loop, from each message's sending; not corrected for coordinated \
                           omission (a stall holds back the messages that would have shown it): use --rate for that.";
const OPEN_LOOP: &str = "Latencies: open loop, from the time each message was due, so corrected for coordinated \
                         omission.";

/// How long the server is watched by strace.
const TRACED: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo {
    /// How many lines.
    pub(crate) connections: usize,
    /// Messages under way on each line, at most.
    pub(crate) depth: u64,
    /// Bytes of a message on the wire, header included.
    pub(crate) size: usize,
    /// How long is measured in each round.
    pub(crate) duration: Duration,
    /// How long the same load runs before that.
    pub(crate) warmup: Duration,
    /// Messages a second over all lines; `None` for a closed loop.
    pub(crate) rate: Option<f64>,
    /// Whether to count system calls afterwards.
    pub(crate) syscalls: bool,
}

impl Echo {
    /// The least time that `runs` runs take.
    pub(crate) fn least_time(&self, runs: usize) -> Duration {
        let traced = if self.syscalls { TRACED } else { Duration::ZERO };
        (self.warmup + self.duration + traced).saturating_mul(u32::try_from(runs).unwrap_or(u32::MAX))
    }

    /// Runs the contest.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, contest: &Contest) -> Result<Report, Error> {
        machine::make_room(self.connections)?;
        let settings = json!({
            "connections": self.connections,
            "depth": self.depth,
            "size": self.size,
            "duration_ms": self.duration.as_millis(),
            "warmup_ms": self.warmup.as_millis(),
            "loop": if self.rate.is_some() { "open" } else { "closed" },
            "rate_per_s": self.rate,
            "latency": if self.rate.is_some() { FROM_DUE } else { FROM_SENT },
        });
        let settings = settings.as_object().cloned().unwrap_or_default();
        let mut report = contest.keep_running("echo", settings, |server| self.once(server, contest))?;
        report.footnote = Some(if self.rate.is_some() { OPEN_LOOP } else { CLOSED_LOOP }.to_owned());
        Ok(report)
    }

    fn once(&self, server: &Server, contest: &Contest) -> Result<Round, Error> {
        let mut load = Load::new(server.addr)?;
        let progress = Progress::new(&format!("{}: connecting", server.label), self.connections as u64);
        open(&mut load, &Exchange::heartbeat(), self.connections, GENTLY, &contest.deadline, &progress)?;
        let exchange = Exchange::echo(self.size, usize::try_from(self.depth).unwrap_or(usize::MAX));
        let plan = Plan {
            depth: self.depth,
            rate: self.rate,
            warmup: self.warmup,
            duration: self.duration,
            spin: contest.pin.may_spin(),
        };
        let length = u64::try_from((plan.warmup + plan.duration).as_millis()).unwrap_or(u64::MAX);
        let progress = Progress::new(&format!("{}: echo, ms", server.label), length);
        let outcome = talk(&mut load, &exchange, &plan, server.pid, &contest.deadline, &progress)?;
        let mut round = round(&outcome);
        if self.syscalls && outcome.unanswered == 0 {
            let pid = server.pid.ok_or_else(|| Error::Usage("--syscalls needs the server's --pid".into()))?;
            let trace = Trace::attach(pid)?;
            let plan = Plan { warmup: Duration::ZERO, duration: TRACED, ..plan };
            let outcome = talk(&mut load, &exchange, &plan, None, &contest.deadline, &progress)?;
            // Nothing is under way at either end of the trace: calls and messages belong together.
            round.measures.push(SYSCALLS.of(each(float(trace.detach()?), outcome.answered_in_all)));
        }
        Ok(round)
    }
}

fn round(outcome: &Outcome) -> Round {
    let quantile = |quantile| micros(outcome.latencies.quantile(quantile));
    let mut round = Round {
        measures: vec![
            RATE.of(float(outcome.answered) / outcome.window.as_secs_f64()),
            P50.of(quantile(0.5)),
            P99.of(quantile(0.99)),
            P999.of(quantile(0.999)),
            MAX.of(micros(outcome.latencies.max())),
        ],
        ..Round::default()
    };
    match &outcome.used {
        Ok(used) => round.measures.extend([
            CPU.of(each(micros(used.total), outcome.answered)),
            USER.of(each(micros(used.user), outcome.answered)),
            SYSTEM.of(each(micros(used.system), outcome.answered)),
        ]),
        Err(note) => round.notes.push(note.clone()),
    }
    round.measures.extend([STALL.of(micros(outcome.stall)), MESSAGES.of(float(outcome.answered_in_all))]);
    if outcome.unanswered > 0 {
        round.faults.push(format!(
            "{} messages had no echo 5 s after the last was due; they count with that waiting as their latency",
            outcome.unanswered
        ));
    }
    round
}
