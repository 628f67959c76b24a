//! Driver: the drive loop, one future a line.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use keepline_proto::liveness::Monitor;
use keepline_proto::wire::Codec;
use keepline_proto::{Instant, Reason};

use super::connection::{Connection, LineId};
use super::environment::Environment;
use super::handler::{Flow, Handler};
use super::outbox::Lane;
use super::rare::{Closing, Rare, Stage};
use super::report::{Cause, Report};
use super::scratch::{Output, Scratch};
use super::shared::{Flag, Flags, Shared};
use super::transport::Transport;
use super::turn::Turn;
use crate::clock;
use crate::wheel::{Key, Tick};

/// Drives one line from open to end; resolves to the [`Report`] of how it ended.
///
/// ```text
/// Opening ──▶ Open ──▶ Closing (flush, shutdown, linger) ──▶ Ended
///                └─────────── nothing more to say ─────────────▲
/// ```
///
/// A turn: take what others asked for, read until the socket has no more (each read is parsed in place in the thread's
/// buffer, and its replies leave in one write), look at the clocks if the wheel said so, write what waits, file the
/// wheel's entry if a deadline moved forward. An idle line holds this value, its [`Shared`] half and its entry in the
/// wheel; anything rarer lives behind [`Rare`].
///
/// Dropping it drops the socket at once: the peer sees the end of the process, not a farewell.
#[must_use = "a line lives only while its driver is polled"]
pub struct Driver<Io: Transport, H: Handler> {
    pub(super) io: Io,
    pub(super) shared: Arc<Shared>,
    pub(super) environment: Arc<Environment>,
    pub(super) monitor: Monitor,
    pub(super) handler: H,
    pub(super) codec: H::Codec,
    pub(super) rare: Option<Box<Rare>>,
    key: Key,
    opened: Tick,
    phase: Phase,
    pub(super) paused: Paused,
    /// Whether the outbox held something when last looked at.
    pub(super) backlog: bool,
    /// Whether a deadline may have moved forward.
    pub(super) rearm: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Opening,
    Open,
    Closing,
    Ended,
}

/// Why the line does not read; empty while it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paused(u8);

impl Paused {
    /// The handler said [`Flow::Pause`].
    pub(super) const HANDLER: Self = Self(1);
    /// As many answers are owed as the settings allow.
    pub(super) const ANSWERS: Self = Self(2);
    /// The peer takes less than it asks for.
    pub(super) const BACKLOG: Self = Self(4);

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl<Io: Transport, H: Handler> Driver<Io, H> {
    pub(crate) fn new(io: Io, handler: H, codec: H::Codec, environment: Arc<Environment>, id: LineId) -> Self {
        let now = clock::now();
        let shared = Shared::new(id.0, now);
        let key = environment.wheel.register(Arc::clone(&shared));
        let settings = &environment.settings;
        let rare = Rare {
            handshake_by: settings.handshake_within.map(|within| now + within),
            first_frame_by: settings.first_frame_within.map(|within| now + within),
            ..Rare::default()
        };
        Self {
            monitor: Monitor::new(Arc::clone(&settings.heartbeat), now, id.0),
            io,
            shared,
            environment,
            handler,
            codec,
            rare: (!rare.is_vacant()).then(|| Box::new(rare)),
            key,
            opened: Tick::at_or_before(now),
            phase: Phase::Opening,
            paused: Paused::default(),
            backlog: false,
            rearm: true,
        }
    }

    /// The line's handle.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection::new(Arc::clone(&self.shared), Arc::clone(&self.environment))
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Runs one of the handler's methods with this turn's output.
    #[inline]
    pub(super) fn with_turn<R>(
        &mut self,
        now: Instant,
        output: &mut Output,
        call: impl FnOnce(&mut H, &mut Turn<'_, H::Codec>) -> R,
    ) -> R {
        let mut turn = Turn {
            codec: &mut self.codec,
            output,
            monitor: &mut self.monitor,
            rare: &mut self.rare,
            shared: &self.shared,
            environment: &self.environment,
            now,
            rearm: &mut self.rearm,
        };
        call(&mut self.handler, &mut turn)
    }

    #[inline]
    pub(super) fn follow(&mut self, flow: Flow, now: Instant, output: &mut Output) {
        match flow {
            Flow::Continue => {}
            Flow::Pause => self.pause(Paused::HANDLER, now),
            Flow::Close(reason) => self.close(reason, None, now, output),
        }
    }

    pub(super) fn pause(&mut self, why: Paused, now: Instant) {
        self.paused.0 |= why.0;
        self.monitor.pause(now);
    }

    /// Takes one reason to pause away; true if that was the last.
    pub(super) fn unpause(&mut self, why: Paused, now: Instant) -> bool {
        let was = self.paused;
        self.paused.0 &= !why.0;
        if was.is_empty() || !self.paused.is_empty() {
            return false;
        }
        self.monitor.resume(now);
        self.rearm = true;
        true
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::<Rare>::default)
    }

    /// Begins the end: a farewell where the format has one, then what is waiting, then our end. Where the peer is gone
    /// or does not read, there is nothing more to say.
    pub(super) fn close(&mut self, reason: Reason, cause: Option<Cause>, now: Instant, output: &mut Output) {
        if !matches!(self.phase, Phase::Opening | Phase::Open) {
            return;
        }
        self.phase = Phase::Closing;
        let start = output.bytes.len();
        self.codec.farewell(reason, &mut output.bytes);
        if output.bytes.len() > start {
            output.end_frame(Lane::Control);
        }
        let stage = match reason {
            Reason::Silent | Reason::Reset | Reason::IoError | Reason::TlsError => Stage::Drop,
            Reason::SlowConsumer => {
                self.io.abandon();
                Stage::Drop
            }
            _ => Stage::Flush,
        };
        let by = now + self.environment.settings.linger;
        self.rare().closing = Some(Closing { reason, cause, by, stage });
        self.rearm = true;
    }

    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<Report> {
        let flags = self.shared.take();
        if self.phase == Phase::Opening {
            self.open(&mut scratch.output);
        }
        self.obey(flags, cx, scratch);
        if self.is_open() {
            self.read(cx, scratch);
        }
        if flags.has(Flag::Timer) {
            self.rearm = true;
            self.look_at_clocks(&mut scratch.output);
        }
        if self.is_open() && (self.backlog || !scratch.output.is_empty()) {
            self.write(cx, clock::now(), &mut scratch.output);
        }
        if self.phase == Phase::Closing
            && let Some(report) = self.wind_down(cx, scratch)
        {
            return Poll::Ready(report);
        }
        if self.rearm {
            self.arm();
        }
        Poll::Pending
    }

    fn open(&mut self, output: &mut Output) {
        self.phase = Phase::Open;
        let now = clock::now();
        if let Some(observer) = &self.environment.settings.observer {
            observer.on_open(LineId(self.shared.id));
        }
        tracing::debug!(id = %LineId(self.shared.id), "line open");
        let flow = self.with_turn(now, output, |handler, turn| handler.on_open(turn));
        self.follow(flow, now, output);
    }

    /// Does what handles asked for.
    #[inline]
    fn obey(&mut self, flags: Flags, cx: &mut Context<'_>, scratch: &mut Scratch) {
        if flags.has(Flag::Mail) {
            self.backlog = true;
        }
        if flags.has(Flag::Resume) || flags.has(Flag::Answered) || flags.has(Flag::Reread) {
            let now = clock::now();
            if flags.has(Flag::Resume) {
                self.unpause(Paused::HANDLER, now);
            }
            if flags.has(Flag::Answered) && flags.in_flight() < self.environment.settings.answers_in_flight {
                self.unpause(Paused::ANSWERS, now);
            }
            if self.paused.is_empty() && self.is_open() {
                self.read_leftover(cx, now, scratch);
            }
        }
        if let Some(reason) = flags.close_reason() {
            self.close(reason, None, clock::now(), &mut scratch.output);
        }
    }

    /// Files the wheel's entry again if a deadline lies before it.
    fn arm(&mut self) {
        self.rearm = false;
        if self.rare.as_ref().is_some_and(|rare| rare.is_vacant()) {
            self.rare = None;
        }
        let rare = self.rare.as_ref().and_then(|rare| rare.deadline());
        let deadlines = [self.monitor.deadline(), rare, self.backlog_due()];
        let Some(due) = deadlines.into_iter().flatten().min() else { return };
        self.environment.wheel.arm(self.key, Tick::at_or_after(due));
    }

    /// When the oldest waiting message becomes too old.
    pub(super) fn backlog_due(&self) -> Option<Instant> {
        if !self.backlog {
            return None;
        }
        let oldest = self.shared.mail().outbox.as_ref()?.oldest()?;
        Some(oldest + self.environment.settings.outbox.age)
    }

    pub(super) fn end(&mut self, reason: Reason, cause: Option<Cause>) -> Report {
        let now = clock::now();
        self.phase = Phase::Ended;
        self.shared.end();
        self.environment.wheel.release(self.key);
        let mut report = Report::new(LineId(self.shared.id), reason, self.opened.instant(), now);
        report.cause = cause;
        report.last_in = now.since(self.shared.last_in());
        report.pings_unanswered = self.monitor.unanswered();
        report.rtt = self.monitor.rtt().smoothed();
        tracing::debug!(id = %report.id, %report, "line ended");
        self.handler.on_close(&report);
        if let Some(observer) = &self.environment.settings.observer {
            observer.on_close(&report);
        }
        if let Some(ended) = &self.environment.ended {
            ended.on_ended(&report);
        }
        report
    }
}

impl<Io: Transport, H: Handler> Future for Driver<Io, H> {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        let this = self.get_mut();
        this.shared.register(cx.waker());
        let mut scratch = Scratch::take();
        let polled = this.turn(cx, &mut scratch);
        scratch.put_back();
        polled
    }
}

impl<Io: Transport, H: Handler> Drop for Driver<Io, H> {
    fn drop(&mut self) {
        if self.phase != Phase::Ended {
            // A panic in the handler, an aborted task or a runtime that stops.
            let _ = self.end(Reason::ServerError, None);
        }
    }
}

impl<Io: Transport, H: Handler> fmt::Debug for Driver<Io, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("shared", &self.shared).field("phase", &self.phase).finish_non_exhaustive()
    }
}
