//! Scene: plays a script of inputs to one Monitor in virtual time, and wakes it exactly when it asks to be woken.

use std::collections::BTreeMap;
use std::sync::Arc;

use keepline_proto::liveness::{Action, Heartbeat, IdleEvent, Monitor};
use keepline_proto::{Duration, Instant, Reason};

/// An input of the script.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Read,
    Write,
    /// Read, and it was a ping.
    PeerPing,
    /// Read, and it was a pong.
    Pong(Option<u32>),
    Pause,
    Resume,
    /// Bytes of a frame: read, and the frame's length is announced.
    FrameBegin(u64),
    FrameBytes(u64),
    FrameEnd,
    Terms(Heartbeat),
}

/// An action of the Monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Ping,
    Suspect,
    /// The first idle event of a silence.
    Idle,
    IdleAgain,
    Close(Reason),
}

/// What was seen, and when, in milliseconds since the start. A time that is not a whole millisecond fails the test.
pub(crate) type Log = Vec<(u64, Seen)>;

/// One line and the world around it.
pub(crate) struct Scene {
    monitor: Monitor,
    script: BTreeMap<(Instant, usize), Op>,
    answers: Option<(Duration, Instant)>,
    keeps_idle: bool,
    stall: Option<(Instant, Instant)>,
    /// Time does not run backwards: what was due before happens now.
    now: Instant,
    over: bool,
    log: Log,
}

pub(crate) fn at(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

impl Scene {
    /// A line that opens at the start. The peer is deaf; an idle event closes.
    pub(crate) fn new(heartbeat: Heartbeat) -> Self {
        let monitor = Monitor::new(Arc::new(heartbeat), Instant::START, 0);
        let (script, log) = (BTreeMap::new(), Log::new());
        let now = Instant::START;
        Self { monitor, script, answers: None, keeps_idle: false, stall: None, now, over: false, log }
    }

    /// Adds an input at each of these milliseconds.
    pub(crate) fn each(mut self, times: impl IntoIterator<Item = u64>, op: &Op) -> Self {
        for time in times {
            self.push(at(time), op.clone());
        }
        self
    }

    /// Adds an input at this millisecond.
    pub(crate) fn op(mut self, time: u64, op: Op) -> Self {
        self.push(at(time), op);
        self
    }

    /// The peer answers each ping after this many milliseconds, up to the moment `deaf`.
    pub(crate) fn answers(mut self, round_trip: u64, deaf: u64) -> Self {
        self.answers = Some((Duration::from_millis(round_trip), at(deaf)));
        self
    }

    /// The handler keeps the line on an idle event.
    pub(crate) fn keeps_idle(mut self) -> Self {
        self.keeps_idle = true;
        self
    }

    /// This process does not run between these two moments; then inputs come first, timers second.
    pub(crate) fn stall(mut self, from: u64, to: u64) -> Self {
        self.stall = Some((at(from), at(to)));
        self
    }

    /// Plays up to and including this millisecond.
    pub(crate) fn play(mut self, until: u64) -> Log {
        while !self.over {
            let op = self.script.first_key_value().map(|(key, _)| self.woken(key.0));
            let timer = self.monitor.deadline().map(|due| self.woken(due).max(self.now));
            let Some(now) = op.into_iter().chain(timer).min().filter(|now| *now <= at(until)) else {
                break;
            };
            self.now = now;
            if op == Some(now) {
                let (_, op) = self.script.pop_first().expect("looked at above");
                self.input(now, op);
            } else {
                let action = self.monitor.on_timeout(now);
                let later = self.monitor.deadline().is_none_or(|due| due > now);
                assert!(later || action != Action::None, "due at {now:?}, but nothing was done and nothing is");
                self.act(now, action);
            }
        }
        self.log
    }

    /// When something due at `time` happens, given that this process may be stalled then.
    fn woken(&self, time: Instant) -> Instant {
        match self.stall {
            Some((from, to)) if time > from && time < to => to,
            _ => time,
        }
    }

    fn push(&mut self, time: Instant, op: Op) {
        let next = self.script.len();
        let key = (next..).map(|n| (time, n)).find(|key| !self.script.contains_key(key));
        self.script.extend(key.map(|key| (key, op)));
    }

    fn input(&mut self, now: Instant, op: Op) {
        let line = &mut self.monitor;
        match op {
            Op::Read => line.on_read(now),
            Op::Write => line.on_write(now),
            Op::PeerPing => {
                line.on_read(now);
                let action = line.on_ping(now);
                self.act(now, action);
            }
            Op::Pong(nonce) => {
                line.on_read(now);
                line.on_pong(now, nonce);
            }
            Op::Pause => line.pause(now),
            Op::Resume => line.resume(now),
            Op::FrameBegin(announced) => {
                line.on_read(now);
                line.on_frame_begin(now, announced);
            }
            Op::FrameBytes(count) => {
                line.on_read(now);
                line.on_frame_bytes(now, count);
            }
            Op::FrameEnd => line.on_frame_end(now),
            Op::Terms(heartbeat) => line.set_terms(now, Arc::new(heartbeat)),
        }
    }

    fn act(&mut self, now: Instant, action: Action) {
        let seen = match action {
            Action::None => return,
            Action::Ping(_) => {
                self.monitor.on_write(now);
                if let Some((round_trip, _)) = self.answers.filter(|(_, deaf)| now < *deaf) {
                    self.push(now + round_trip, Op::Pong(None));
                }
                Seen::Ping
            }
            Action::Suspect => Seen::Suspect,
            Action::Idle(IdleEvent { first, .. }) => {
                self.over = !self.keeps_idle;
                if first { Seen::Idle } else { Seen::IdleAgain }
            }
            Action::Close(reason) => Seen::Close(reason),
        };
        let nanos = now.as_nanos();
        assert!(nanos.is_multiple_of(1_000_000), "{seen:?} at {now:?}: not a whole millisecond");
        self.log.push((nanos / 1_000_000, seen));
        assert!(self.log.len() < 10_000, "no end of it: {:?}", self.monitor);
    }
}
