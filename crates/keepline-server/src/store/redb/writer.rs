//! Writer: the one thread that writes the file. What has queued up while the disk was busy is one transaction.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::Durability;
use tokio::sync::oneshot;

use super::batch::{Answer, Batch, Effect, States};
use super::marks::Mark;
use super::recovery::{Phase, Trouble, refuse};
use super::shared::{Condition, Shared};
use super::{fault, seconds};
use crate::store::{Append, Committed, LogName, Outcome, StoreError};

/// Requests in one transaction, and bytes of their bodies.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 4 << 20;
/// Marks in one transaction, about.
const MARKS: usize = 1024;
/// How often marks are written. A burst to a large group moves one for each member: with each batch of appends they
/// would cost more than the appends, and the mark that counts is the last.
const NOTE_EVERY: Duration = Duration::from_millis(500);
/// How long to wait at least between two transactions that nobody asked for: one may fail each time.
const BREATH: Duration = Duration::from_millis(10);
/// Records, or rows of a log to be forgotten, that one transaction drops for one request.
const TRIM: u64 = 2000;
/// The pace at which a disk that is full or broken is looked at.
const SOON: Duration = Duration::from_millis(200);
/// How long the first request at a disk that rests waits for others; a sync takes ten times as long.
const COMPANY: Duration = Duration::from_micros(200);
/// With nothing to do, it is looked so often whether a reader met an error.
const IDLE: Duration = Duration::from_secs(1);
/// How often ids are looked for whose day is over, and how many are forgotten at a time.
const PURGE_EVERY: Duration = Duration::from_secs(60);
const PURGE: usize = 1000;
/// States of logs that are kept; more, and all are looked up anew.
const STATES: usize = 65_536;

/// What is asked of the writer.
#[derive(Debug)]
pub(super) enum Request {
    Append(Append, oneshot::Sender<Answer<Outcome>>),
    Trim(LogName, Cut, oneshot::Sender<Answer<()>>),
    /// Look up: something outside of the queue has changed.
    Wake,
}

/// How much of a log is dropped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// The records up to this number.
    Through(u64),
    /// All of it, with its head.
    Whole,
}

/// The answer to one request, given once it is true.
#[derive(Debug)]
pub(super) enum Reply {
    Append(Answer<Outcome>),
    Trim(Answer<bool>),
    None,
}

/// A transaction that was written, as far as it got.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) replies: Vec<Reply>,
    pub(super) effect: Option<Effect>,
}

#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: StoreError,
    pub(super) stage: Stage,
}

/// How far a transaction that failed had got.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing refers to what it wrote: for certain it is not stored.
    Before,
    /// It may be stored or not, as a whole.
    Commit(Attempt),
    /// Nobody knows.
    Panic,
}

/// The thread's own.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) phase: Phase,
    pub(super) states: States,
    requests: Receiver<Request>,
    /// Requests that go on in the next transaction.
    carried: VecDeque<Request>,
    /// Records of which nobody knows yet whether they are stored. The feed is told once they are found.
    pub(super) uncertain: Vec<Committed>,
    /// When the marks that wait are written.
    marks_at: Option<Instant>,
    /// Whose marks were written last, while not all that waited then are.
    marks_after: Option<String>,
    purge_at: Instant,
    hung_up: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, requests: Receiver<Request>) -> Self {
        Self {
            shared,
            requests,
            phase: Phase::Unproven(Trouble::none()),
            states: States::new(),
            carried: VecDeque::new(),
            uncertain: Vec::new(),
            marks_at: None,
            marks_after: None,
            purge_at: Instant::now(),
            hung_up: false,
        }
    }

    /// Writes until the queue is closed, or somebody wants the file closed.
    pub(super) fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            self.turn(mem::take(&mut batch));
            let closing = self.hung_up || self.shared.closing.load(Ordering::Acquire);
            batch = self.gather(closing);
            if closing && batch.is_empty() && (self.shared.marks.is_empty() || !matches!(self.phase, Phase::Open)) {
                break;
            }
        }
        self.shared.set_condition(Condition::Bad(StoreError::Unavailable("closed".into())));
        drop(self.shared.swap(None));
        self.shared.closed.send_replace(true);
    }

    /// What has queued up; waits a little for the first, unless `hurry`.
    fn gather(&mut self, hurry: bool) -> Vec<Request> {
        let mut batch: Vec<Request> = self.carried.drain(..).collect();
        if batch.is_empty() && !hurry {
            let calm = matches!(self.phase, Phase::Open) && self.shared.condition() == Condition::Good;
            let wait = match self.marks_at {
                _ if !calm => SOON,
                Some(due) => due.saturating_duration_since(Instant::now()).max(BREATH),
                None if self.shared.marks.is_empty() => IDLE,
                None => NOTE_EVERY,
            };
            match self.requests.recv_timeout(wait) {
                Ok(request) => {
                    batch.push(request);
                    // The disk was at rest: the first of many would pay for a sync of its own, and the others for
                    // another one behind it.
                    std::thread::sleep(COMPANY);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.hung_up = true,
            }
        }
        let mut bytes = batch.iter().map(length).sum::<usize>();
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Ok(request) = self.requests.try_recv() else { break };
            bytes += length(&request);
            batch.push(request);
        }
        self.shared.queued.fetch_sub(bytes, Ordering::Relaxed);
        batch
    }

    /// One step: looks after the file, then does what the requests ask.
    fn turn(&mut self, batch: Vec<Request>) {
        self.look_after();
        let room = self.has_room();
        let refusal = match &self.phase {
            Phase::Broken(trouble) | Phase::Unproven(trouble) => Some(trouble.cause.clone()),
            Phase::Open => (!room).then_some(StoreError::Full),
        };
        self.shared.set_condition(refusal.clone().map_or(Condition::Good, Condition::Bad));
        match (&self.phase, refusal) {
            (Phase::Broken(_), Some(cause)) => refuse(batch, &cause),
            (Phase::Unproven(_), Some(cause)) => {
                // A repetition can't be told from what is new while what is read may not be on the disk.
                let appends = |request: &Request| matches!(request, Request::Append(..));
                let (appends, others) = batch.into_iter().partition(appends);
                refuse(appends, &cause);
                self.write(others, room);
            }
            _ => self.write(batch, room),
        }
    }

    fn write(&mut self, batch: Vec<Request>, room: bool) {
        let now = Instant::now();
        let due =
            if self.shared.marks.is_empty() { None } else { Some(*self.marks_at.get_or_insert(now + NOTE_EVERY)) };
        let hurry = self.hung_up || self.shared.closing.load(Ordering::Acquire);
        let asked = batch.iter().any(|request| !matches!(request, Request::Wake));
        // Neither is worth another failure of a file that is not proven.
        let open = matches!(self.phase, Phase::Open);
        let with_marks = open && due.is_some_and(|due| hurry || now >= due);
        let purge = open && now >= self.purge_at;
        if !asked && !with_marks && !purge {
            return;
        }
        let marks = if with_marks { self.shared.marks.some(self.marks_after.as_deref(), MARKS) } else { Vec::new() };
        let attempt = catch_unwind(AssertUnwindSafe(|| self.attempt(&batch, &marks, room, purge)));
        match attempt {
            Ok(Ok(attempt)) => {
                if with_marks {
                    self.noted(&marks);
                }
                self.done(batch, attempt);
            }
            Ok(Err(failure)) => self.failed(batch, failure),
            Err(_) => {
                let cause = StoreError::Damaged("writing it made the engine panic".into());
                self.failed(batch, Failure { cause, stage: Stage::Panic });
            }
        }
    }

    /// Does all of it in one transaction, committed and synced.
    fn attempt(&mut self, batch: &[Request], marks: &[Mark], room: bool, purge: bool) -> Result<Attempt, Failure> {
        let before = |error: redb::Error| Failure { cause: fault(&error), stage: Stage::Before };
        let shared = Arc::clone(&self.shared);
        let tx = shared
            .with(redb::Database::begin_write)
            .ok_or_else(|| Failure { cause: StoreError::Unavailable("it is not open".into()), stage: Stage::Before })?;
        let mut tx = tx.map_err(|error| before(error.into()))?;
        tx.set_durability(Durability::Immediate).map_err(|error| before(error.into()))?;
        let attempt = (|| -> Result<(Attempt, bool), redb::Error> {
            let mut tables = Batch::open(&tx, &self.states, shared.epoch, seconds())?;
            let mut replies = Vec::with_capacity(batch.len());
            for request in batch {
                replies.push(match request {
                    Request::Append(append, _) => Reply::Append(tables.append(append, room)?),
                    Request::Trim(log, Cut::Through(seq), _) => Reply::Trim(tables.trim(log, *seq, TRIM)?),
                    Request::Trim(log, Cut::Whole, _) => Reply::Trim(tables.forget(log, TRIM)?),
                    Request::Wake => Reply::None,
                });
            }
            for (owner, log, seq) in marks {
                tables.mark(owner, log, *seq)?;
            }
            let more = purge && tables.purge(PURGE)?;
            Ok((Attempt { replies, effect: tables.finish()? }, more))
        })();
        let (attempt, more) = attempt.map_err(before)?;
        if purge && !more {
            self.purge_at = Instant::now() + PURGE_EVERY;
        }
        // Without an effect there is nothing to sync, and what was answered was true before.
        if attempt.effect.is_none() {
            tx.abort().map_err(|error| before(error.into()))?;
            return Ok(attempt);
        }
        let begun = Instant::now();
        let committed = tx.commit();
        if let Some(watch) = shared.commits.get() {
            watch.on_commit(begun.elapsed());
        }
        match committed {
            Ok(()) => Ok(attempt),
            Err(error) => Err(Failure { cause: fault(&error.into()), stage: Stage::Commit(attempt) }),
        }
    }

    /// These marks are on the disk. Where there may be more, the next transaction goes on behind them; what is raised
    /// meanwhile waits for the next round.
    fn noted(&mut self, marks: &[Mark]) {
        self.shared.marks.settle(marks);
        let more = marks.len() >= MARKS;
        self.marks_after = marks.last().filter(|_| more).map(|(owner, ..)| owner.clone());
        if !more {
            self.marks_at = None;
        }
    }

    /// It is on the disk: the feed is told, then those who asked.
    fn done(&mut self, batch: Vec<Request>, attempt: Attempt) {
        if let Some(effect) = attempt.effect {
            self.proven();
            if self.states.len() > STATES {
                self.states.clear();
            }
            for (log, state) in effect.states {
                match state {
                    Some(state) => self.states.insert(log, state),
                    None => self.states.remove(&log),
                };
            }
            self.tell(effect.stored);
        }
        for (request, reply) in batch.into_iter().zip(attempt.replies) {
            match (request, reply) {
                (Request::Append(_, answer), Reply::Append(reply)) => drop(answer.send(reply)),
                (Request::Trim(_, _, answer), Reply::Trim(Ok(true))) => drop(answer.send(Ok(()))),
                (Request::Trim(_, _, answer), Reply::Trim(Err(error))) => drop(answer.send(Err(error))),
                (trim @ Request::Trim(..), _) => self.carried.push_back(trim),
                _ => {}
            }
        }
    }
}

/// The length of a request's body.
fn length(request: &Request) -> usize {
    if let Request::Append(append, _) = request { append.body.len() } else { 0 }
}
