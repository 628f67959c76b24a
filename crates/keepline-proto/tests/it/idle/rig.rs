//! Rig: an idle detector with a clock to turn and an outbound queue, driven by steps as the timelines write them.

use std::collections::VecDeque;

use keepline_proto::liveness::{Idle, IdleEvent, IdleKind, IdleSettings, OutputSnapshot};
use keepline_proto::{Duration, Instant};

/// One step of a timeline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The clock moves on by this much, and only then are the timers run.
    Adv(Duration),
    /// One whole turn of reading.
    Read,
    ReadBegin,
    ReadEnd,
    /// A write that ends at once.
    Write,
    TouchRead,
    TouchWrite,
    /// A message of this many bytes is flushed and stays in the queue.
    Hold(u64),
    /// The message at the front leaves, and its write ends.
    Take,
    /// So many bytes of the message at the front leave; its write ends with the last.
    Part(u64),
    Pause,
    Resume,
    Stop,
}

/// An event and when it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) at: Instant,
    pub(crate) event: IdleEvent,
}

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) idle: Idle,
    pub(crate) now: Instant,
    queue: VecDeque<Held>,
    taken: u64,
}

#[derive(Debug)]
struct Held {
    bytes: u64,
    sent: u64,
}

impl Rig {
    /// Started at time zero, with an empty queue.
    pub(crate) fn new(settings: IdleSettings) -> Self {
        let mut idle = Idle::new(settings);
        idle.start(Instant::START, OutputSnapshot::default());
        Self { idle, now: Instant::START, queue: VecDeque::new(), taken: 0 }
    }

    /// Makes one step, and gives what was told in it: `R1 W A`, where 1 stands for first.
    pub(crate) fn step(&mut self, step: Step) -> String {
        if let Step::Adv(span) = step {
            self.now = self.now + span;
            let told: Vec<_> = self.run_timers().iter().map(|told| short(told.event)).collect();
            return told.join(" ");
        }
        self.act(step);
        String::new()
    }

    /// Makes a step that takes no time.
    pub(crate) fn act(&mut self, step: Step) {
        match step {
            Step::Adv(_) => panic!("time is not an act"),
            Step::Read => self.idle.on_read(self.now),
            Step::ReadBegin => self.idle.on_read_begin(),
            Step::ReadEnd => self.idle.on_read_end(self.now),
            Step::Write => self.idle.on_written(self.now),
            Step::TouchRead => self.idle.touch_read(self.now),
            Step::TouchWrite => self.idle.touch_write(self.now),
            Step::Hold(bytes) => self.queue.push_back(Held { bytes, sent: 0 }),
            Step::Take => self.leave(u64::MAX),
            Step::Part(bytes) => self.leave(bytes),
            Step::Pause => self.idle.pause(),
            Step::Resume => self.idle.resume(self.now),
            Step::Stop => self.idle.stop(),
        }
    }

    /// Everything that is due by now. Fails if that has no end: three kinds tell three things.
    pub(crate) fn run_timers(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        let mut calls = 0..6;
        while self.idle.deadline().is_some_and(|due| due <= self.now) {
            assert!(calls.next().is_some(), "still due at {:?}: {:?}", self.now, self.idle);
            let event = self.idle.on_timeout(self.now, self.output());
            told.extend(event.map(|event| Told { at: self.now, event }));
        }
        told
    }

    /// What waits to be sent.
    pub(crate) fn output(&self) -> OutputSnapshot {
        OutputSnapshot {
            head: self.queue.front().map(|_| self.taken),
            pending: self.queue.iter().map(|held| held.bytes).sum(),
            progress: self.queue.front().map_or(0, |held| held.sent),
        }
    }

    fn leave(&mut self, bytes: u64) {
        let Some(head) = self.queue.front_mut() else {
            return;
        };
        head.sent = head.bytes.min(head.sent.saturating_add(bytes));
        if head.sent == head.bytes {
            self.queue.pop_front();
            self.taken += 1;
            self.idle.on_written(self.now);
        }
    }
}

/// `R`, `W` or `A`, and 1 if it is a first one.
fn short(event: IdleEvent) -> String {
    let letter = match event.kind {
        IdleKind::Reader => "R",
        IdleKind::Writer => "W",
        IdleKind::All => "A",
    };
    format!("{letter}{}", if event.first { "1" } else { "" })
}

/// Makes the steps one by one: each must tell these events, and leave the next deadline there.
pub(crate) fn play(name: &str, settings: IdleSettings, steps: &[(Step, &str, Option<Instant>)]) {
    let mut rig = Rig::new(settings);
    for (number, (step, events, due)) in (1..).zip(steps) {
        let told = rig.step(*step);
        let place = format!("{name}, step {number} ({step:?}) at {:?}", rig.now);
        assert_eq!(&told, events, "events of {place}");
        assert_eq!(rig.idle.deadline(), *due, "next due after {place}");
    }
}

/// The moment so many nanoseconds after so many milliseconds.
pub(crate) fn at(millis: u64, nanos: u64) -> Instant {
    Instant::START + Duration::from_millis(millis) + Duration::from_nanos(nanos)
}

/// A deadline at so many seconds.
#[expect(clippy::unnecessary_wraps, reason = "a column of the tables")]
pub(crate) fn due(secs: u64) -> Option<Instant> {
    Some(at(secs * 1000, 0))
}

/// A step of so many seconds.
pub(crate) const fn adv(secs: u64) -> Step {
    Step::Adv(Duration::from_secs(secs))
}

/// All three kinds after the same time.
pub(crate) fn every(period: Duration) -> IdleSettings {
    IdleSettings::new().reader(period).writer(period).all(period)
}
