//! Idle: the reader, writer and all idle clocks of one connection, with the semantics of Netty's IdleStateHandler.

mod clocks;
mod event;
mod output;
mod settings;

pub use event::{IdleEvent, IdleKind};
pub use output::OutputSnapshot;
pub use settings::IdleSettings;

use clocks::Clocks;

use crate::Instant;

/// Tells when nothing was read, nothing was written, or neither, for a set time.
///
/// ```text
///        start               stop
///  New --------> Running ------------> Stopped, for ever
///   '----------------- stop ---------------^
/// ```
///
/// Inputs are ignored while it is not clocks. An event comes when a period is over (inclusive: exactly one period of
/// quiet is idle), and again after every further period of quiet. The first event after activity is marked; activity is
/// a read that began or a write that ended. After a stall of the driver there is one event a kind, however many periods
/// were missed. The driver passes readings of one clock that never runs backwards.
///
/// # Against Netty
/// | here | Netty 4.2 |
/// |---|---|
/// | [`start`](Self::start) | handler added to an active channel, channel registered while active, channel active |
/// | [`stop`](Self::stop) | handler removed, channel inactive or no longer open |
/// | [`on_read_begin`](Self::on_read_begin), [`on_read_end`](Self::on_read_end) | `channelRead`, `channelReadComplete` |
/// | [`on_written`](Self::on_written) | the write's promise is complete |
/// | [`touch_read`](Self::touch_read), [`touch_write`](Self::touch_write) | `resetReadTimeout`, `resetWriteTimeout` |
/// | [`on_timeout`](Self::on_timeout) | the scheduled task, then `channelIdle` |
/// | [`pause`](Self::pause), [`resume`](Self::resume) | nothing: there, reads that we stopped ourselves look idle |
///
/// # Cost
/// An input stores a time and a flag; nothing is re-armed. A clock that comes due looks at the stored time and moves
/// itself there, so each is looked at no more than twice a period, whatever the traffic.
///
/// # Example
/// ```
/// use keepline_proto::liveness::{Idle, IdleSettings, OutputSnapshot};
/// use keepline_proto::{Duration, Instant};
///
/// let at = |secs| Instant::START + Duration::from_secs(secs);
/// let output = OutputSnapshot::default();
/// let mut idle = Idle::new(IdleSettings::new().reader(Duration::from_secs(10)));
/// idle.start(at(0), output);
/// idle.on_read(at(4));
///
/// assert_eq!(idle.deadline(), Some(at(10))); // not moved by the read
/// assert_eq!(idle.on_timeout(at(10), output), None);
/// assert_eq!(idle.deadline(), Some(at(14)));
/// let event = idle.on_timeout(at(14), output).unwrap();
/// assert_eq!(event.to_string(), "IdleStateEvent(READER_IDLE, first)");
/// ```
#[derive(Clone, Debug)]
pub struct Idle {
    life: Life,
}

#[derive(Clone, Debug)]
enum Life {
    New(IdleSettings),
    Running(Clocks),
    Stopped,
}

impl Idle {
    /// A detector that waits for [`start`](Self::start).
    #[must_use]
    pub const fn new(settings: IdleSettings) -> Self {
        Self { life: Life::New(settings) }
    }

    /// The connection is up: every clock runs from `now`. Counts once; later calls, and calls after a stop, do nothing.
    ///
    /// `output` is what waits to be sent at this moment, as for [`on_timeout`](Self::on_timeout).
    pub fn start(&mut self, now: Instant, output: OutputSnapshot) {
        if let Life::New(settings) = self.life {
            self.life = Life::Running(Clocks::new(settings, now, output));
        }
    }

    /// The connection is gone, or idleness is of no more interest: no event will ever come again.
    pub fn stop(&mut self) {
        self.life = Life::Stopped;
    }

    /// A message, or part of one, came in and the turn of reading goes on: the read side is not idle until its end.
    pub fn on_read_begin(&mut self) {
        self.with(|clocks| {
            clocks.reading = true;
            clocks.next_is_first(|kind| kind != IdleKind::Writer);
        });
    }

    /// The turn of reading is over. Without a begin before it (a wake-up that found no bytes) it is no sign of life.
    pub fn on_read_end(&mut self, now: Instant) {
        self.with(|clocks| {
            if clocks.reading {
                clocks.reading = false;
                clocks.last_read = now;
            }
        });
    }

    /// Begin and end of a read in one.
    pub fn on_read(&mut self, now: Instant) {
        self.on_read_begin();
        self.on_read_end(now);
    }

    /// A write ended, whether it succeeded, failed or was given up. One that is merely queued or begun is none.
    pub fn on_written(&mut self, now: Instant) {
        self.with(|clocks| {
            clocks.last_write = now;
            clocks.next_is_first(|kind| kind != IdleKind::Reader);
        });
    }

    /// Acts as if a turn of reading had just ended, for life seen by other means. The next event is no more a first one
    /// than it was.
    pub fn touch_read(&mut self, now: Instant) {
        self.with(|clocks| {
            clocks.reading = false;
            clocks.last_read = now;
        });
    }

    /// Acts as if a write had just ended. The next event is no more a first one than it was.
    ///
    /// As in Netty, an observer of output takes this for progress (see [`IdleSettings::observe_output`]).
    pub fn touch_write(&mut self, now: Instant) {
        self.with(|clocks| clocks.last_write = now);
    }

    /// We stop reading, as back-pressure does: the peer's silence says nothing now, so reader and all can't be idle.
    pub fn pause(&mut self) {
        self.with(|clocks| clocks.paused = true);
    }

    /// We read again: reader and all have a full period from `now`. Does nothing if not paused. The next event is no
    /// more a first one than it was: a pause is our own act.
    pub fn resume(&mut self, now: Instant) {
        self.with(|clocks| {
            if clocks.paused {
                clocks.paused = false;
                clocks.last_read = now;
            }
        });
    }

    /// When to call [`on_timeout`](Self::on_timeout); none if every kind is off or it does not run.
    ///
    /// Stays in the past while there is more to tell. It may be too early, and never is too late.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let Life::Running(clocks) = &self.life else {
            return None;
        };
        clocks.deadline()
    }

    /// Looks at the clocks that are due; at most one event a call, so call again while the deadline is not after `now`.
    ///
    /// Clocks go in the order of their deadlines, and equal ones in the order in which they were armed: reader, writer,
    /// all at first. A call before the deadline does nothing. The clock is armed again before the event is handed out,
    /// so whatever is made of the event, the next one comes.
    ///
    /// `output` is what waits to be sent at this moment; only [`IdleSettings::observe_output`] makes use of it.
    #[must_use]
    pub fn on_timeout(&mut self, now: Instant, output: OutputSnapshot) -> Option<IdleEvent> {
        let Life::Running(clocks) = &mut self.life else {
            return None;
        };
        // Ends: each look moves the clock to after `now`.
        while let Some(index) = clocks.due(now) {
            let event = clocks.look(index, now, output);
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn with(&mut self, input: impl FnOnce(&mut Clocks)) {
        if let Life::Running(clocks) = &mut self.life {
            input(clocks);
        }
    }
}
