//! Clocks: the three clocks of a running detector, and what they look at when they come due.

use core::mem::replace;

use super::output::OutputMemory;
use super::{IdleEvent, IdleKind, IdleSettings, OutputSnapshot};
use crate::{Duration, Instant};

/// Where a clock stands that is off, or whose period ends after the end of time. It never comes due.
const NEVER: Instant = Instant::from_nanos(u64::MAX);

/// What runs between start and stop. Every clock is armed at any time, if only for "never".
#[derive(Clone, Debug)]
pub(super) struct Clocks {
    /// In the order in which they were armed, which decides between equal deadlines.
    clocks: [Clock; 3],
    pub(super) last_read: Instant,
    pub(super) last_write: Instant,
    /// A turn of reading has begun and is not over.
    pub(super) reading: bool,
    /// We do not read, by our own will.
    pub(super) paused: bool,
    /// None if output is not observed.
    output: Option<OutputMemory>,
}

#[derive(Clone, Debug)]
struct Clock {
    kind: IdleKind,
    period: Duration,
    due: Instant,
    /// The next event is the first since the last activity.
    first: bool,
}

impl Clocks {
    pub(super) fn new(settings: IdleSettings, now: Instant, output: OutputSnapshot) -> Self {
        let clock = |kind| {
            let period = settings.period(kind).unwrap_or(Duration::MAX);
            let due = if period == Duration::MAX { NEVER } else { now + period };
            Clock { kind, period, due, first: true }
        };
        Self {
            clocks: IdleKind::ALL.map(clock),
            last_read: now,
            last_write: now,
            reading: false,
            paused: false,
            output: settings.observes_output().then(|| OutputMemory::new(now, output)),
        }
    }

    pub(super) fn next_is_first(&mut self, concerns: impl Fn(IdleKind) -> bool) {
        for clock in &mut self.clocks {
            clock.first |= concerns(clock.kind);
        }
    }

    /// The earliest time at which a clock comes due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.clocks.iter().map(|clock| clock.due).min().filter(|due| *due < NEVER)
    }

    /// The place of the clock that goes first, if one is due.
    pub(super) fn due(&self, now: Instant) -> Option<usize> {
        let deadline = self.deadline().filter(|due| *due <= now)?;
        self.clocks.iter().position(|clock| clock.due == deadline)
    }

    /// Looks at a clock that is due: arms it again, and tells if its kind was idle.
    pub(super) fn look(&mut self, index: usize, now: Instant, output: OutputSnapshot) -> Option<IdleEvent> {
        let Clock { kind, period, .. } = self.clocks[index];
        let left = period.less(self.quiet(kind, now));
        if !left.is_zero() {
            self.arm(index, now + left);
            return None;
        }
        let clock = self.arm(index, now + period);
        // Before the signs are looked at: they must know, as a first event takes them all in and is told anyway.
        let first = replace(&mut clock.first, false);
        let last_write = self.last_write;
        let moved = match &mut self.output {
            Some(memory) if kind != IdleKind::Reader => memory.moved(first, last_write, output),
            _ => false,
        };
        (!moved).then_some(IdleEvent { kind, first })
    }

    /// How long nothing happened that this kind counts.
    fn quiet(&self, kind: IdleKind, now: Instant) -> Duration {
        let reads_tell_nothing = self.reading || self.paused;
        match kind {
            IdleKind::Reader | IdleKind::All if reads_tell_nothing => Duration::ZERO,
            IdleKind::Reader => now.since(self.last_read),
            IdleKind::Writer => now.since(self.last_write),
            IdleKind::All => now.since(self.last_read.max(self.last_write)),
        }
    }

    /// Sets a clock, and so puts it last in the order.
    fn arm(&mut self, index: usize, due: Instant) -> &mut Clock {
        self.clocks[index].due = due;
        self.clocks[index..].rotate_left(1);
        let [.., last] = &mut self.clocks;
        last
    }
}
