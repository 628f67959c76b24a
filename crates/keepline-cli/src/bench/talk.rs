//! A talk in echo frames over all lines of a load: who is asked when, and how long the answers took.
//!
//! ```text
//! begin ── warm-up ──> window begins ── measured ──> window ends ── the last answers come in ──> over
//! ```
//! In a closed loop each line keeps `depth` messages under way, and a message counts from its write. In an open loop
//! messages are due by a [`Schedule`] and count from then; `depth` bounds what is under way on a line, and a message
//! that waits for room is waiting time like any other.

use std::time::{Duration, Instant};

use super::{
    Deadline, Error,
    frame::Exchange,
    ledger::Ledger,
    line::Line,
    load::{Happening, Load},
    proc::cpu::{Meter, Used},
    progress::Progress,
    schedule::Schedule,
    stats::Latencies,
};

/// How long the last answers may take before they are given up.
const DRAIN: Duration = Duration::from_secs(5);

/// How a talk goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Messages under way on each line, at most.
    pub(crate) depth: u64,
    /// Messages a second over all lines; `None` for a closed loop.
    pub(crate) rate: Option<f64>,
    /// Time before the window.
    pub(crate) warmup: Duration,
    /// Length of the window.
    pub(crate) duration: Duration,
    /// Whether to poll without sleeping.
    pub(crate) spin: bool,
}

/// What a talk brought.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Answers that came inside the window.
    pub(crate) answered: u64,
    /// The true length of the window.
    pub(crate) window: Duration,
    /// Of all messages that were sent, or due, in the window.
    pub(crate) latencies: Latencies,
    /// What the server used in the window, or why that is not known.
    pub(crate) used: Result<Used, String>,
    /// Messages that were sent or due and have no answer in the end.
    pub(crate) unanswered: u64,
    /// All answers, warm-up and drain included.
    pub(crate) answered_in_all: u64,
    /// The longest time in the window between two looks at the sockets: a latency may be longer by this for no fault
    /// of the server's.
    pub(crate) stall: Duration,
}

/// A talk that goes on.
struct Talk<'a> {
    load: &'a mut Load,
    exchange: &'a Exchange,
    spin: bool,
    window: (Instant, Instant),
    ledger: Ledger,
    looked: Instant,
    stall: Duration,
}

/// Talks over all lines of `load`, which must be up and quiet.
///
/// # Errors
/// [`Error::Failed`] for a wrong answer, a line that the server closes, or when the time is over.
pub(crate) fn talk(
    load: &mut Load,
    exchange: &Exchange,
    plan: &Plan,
    pid: Option<u32>,
    deadline: &Deadline,
    progress: &Progress,
) -> Result<Outcome, Error> {
    load.lines().for_each(Line::begin);
    let begin = Instant::now();
    let mut talk = Talk::new(load, exchange, plan, begin);
    talk.call(begin)?;
    let run = |talk: &mut Talk<'_>, until: Instant, doing: &str| -> Result<Instant, Error> {
        loop {
            let now = talk.turn()?;
            deadline.check(now, doing)?;
            progress.at(u64::try_from((now - begin).as_millis()).unwrap_or(u64::MAX));
            if now >= until || (now >= talk.window.1 && talk.ledger.is_settled()) {
                return Ok(now);
            }
        }
    };
    let (window_begin, window_end) = talk.window;
    let opened = run(&mut talk, window_begin, "warming up")?;
    let (meter, before) = (Meter::start(pid), talk.ledger.answered());
    let ended = run(&mut talk, window_end, "echoing")?;
    let used = meter.stop();
    let answered = talk.ledger.answered() - before;
    let over = run(&mut talk, ended + DRAIN, "waiting for the last echoes")?;
    let Talk { ledger, stall, .. } = talk;
    let answered_in_all = ledger.answered();
    let (latencies, unanswered) = ledger.close(over);
    let window = ended - opened;
    Ok(Outcome { answered, window, latencies, used, unanswered, answered_in_all, stall })
}

impl<'a> Talk<'a> {
    fn new(load: &'a mut Load, exchange: &'a Exchange, plan: &Plan, begin: Instant) -> Self {
        let lines = load.lines_ever();
        let window = (begin + plan.warmup, begin + plan.warmup + plan.duration);
        let schedule = plan.rate.map(|rate| Schedule::new(begin, rate, lines));
        let ledger = Ledger::new(lines, plan.depth, window, schedule);
        Self { load, exchange, spin: plan.spin, window, ledger, looked: begin, stall: Duration::ZERO }
    }

    /// One turn of the load: answers are entered and followed by the next messages; then what has become due is sent.
    fn turn(&mut self) -> Result<Instant, Error> {
        let wait = self.wait();
        let Self { load, exchange, ledger, .. } = self;
        let now = load.turn(exchange, wait, |line, happening, at| match happening {
            Happening::Answers(count) => {
                ledger.answer(line.id, count, at);
                let next = ledger.ask(line.id, at);
                if next > 0 { line.send(exchange, next) } else { Ok(()) }
            }
            Happening::Closed => Err(Error::Failed(format!(
                "the server closed line {} in the middle of the talk, after {} answers on all lines: a message may be \
                 over its limit on frames (--size), or a line silent for too long (--reader-idle)",
                line.id,
                ledger.answered()
            ))),
            Happening::Up => Ok(()),
        })?;
        if now >= self.window.0 && self.looked < self.window.1 {
            self.stall = self.stall.max(now - self.looked);
        }
        self.looked = now;
        if self.ledger.next_due().is_some() {
            self.call(now)?;
        }
        Ok(now)
    }

    /// How long the load may sleep: until the next message is due.
    fn wait(&self) -> Duration {
        const LONGEST: Duration = Duration::from_millis(10);
        if self.spin {
            return Duration::ZERO;
        }
        self.ledger.next_due().map_or(LONGEST, |due| due.saturating_duration_since(Instant::now()).min(LONGEST))
    }

    fn call(&mut self, now: Instant) -> Result<(), Error> {
        for id in self.ledger.call(now) {
            let count = self.ledger.ask(id, now);
            if count > 0 {
                self.load.send(self.exchange, id, count)?;
            }
        }
        Ok(())
    }
}
