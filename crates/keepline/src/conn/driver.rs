//! Driver: the drive loop, one future a line.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use keepline_proto::Instant;
use keepline_proto::liveness::Monitor;

use super::connection::Connection;
use super::environment::Environment;
use super::flow::Flow;
use super::handler::Handler;
use super::idle_watch::IdleWatch;
use super::line_id::LineId;
use super::rare::Rare;
use super::report::Report;
use super::scratch::{Output, Scratch};
use super::shared::{Flag, Flags, Shared};
use super::state::{Backlog, Paused, Phase};
use super::transport::Transport;
use super::turn::Turn;
use crate::clock;
use crate::settings::Settings;
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
/// wheel's entry if a deadline moved forward. An idle line holds this value, its shared half and its entry in the
/// wheel; anything rarer lives behind one optional box.
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
    pub(super) key: Key,
    pub(super) opened: Tick,
    pub(super) phase: Phase,
    pub(super) paused: Paused,
    /// What was not written when last looked at.
    pub(super) backlog: Backlog,
    /// Whether a deadline may have moved forward.
    pub(super) rearm: bool,
}

impl<Io: Transport, H: Handler> Driver<Io, H> {
    /// A line by itself, outside of any server or client: your own listener, or a stream that you have already.
    ///
    /// Poll it, best by `tokio::spawn`, and the line lives; its number is unique among the lines made here. It shares
    /// its settings with no other line, which makes it some 250 bytes heavier than a server's.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    ///
    /// # Example
    /// ```
    /// use keepline::{Driver, Duration, Flow, Handler, Reason, Settings, Turn};
    /// use keepline::{liveness::Heartbeat, wire::line::Line};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    ///
    /// struct Shout;
    ///
    /// impl Handler for Shout {
    ///     type Codec = Line;
    ///     fn on_frame(&mut self, text: &[u8], turn: &mut Turn<'_, Line>) -> Flow {
    ///         turn.reply(&text.to_ascii_uppercase())
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let (mut peer, ours) = duplex(1024);
    /// let settings = Settings::new(Heartbeat::watch(Duration::from_secs(10))?);
    /// let line = tokio::spawn(Driver::standalone(ours, Shout, Line, settings));
    /// peer.write_all(b"ping\nhello\n").await?;
    /// let mut answer = [0; 11];
    /// peer.read_exact(&mut answer).await?;
    /// assert_eq!(&answer, b"pong\nHELLO\n");
    /// drop(peer);
    /// assert_eq!(line.await?.reason, Reason::PeerClosed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn standalone(io: Io, handler: H, codec: H::Codec, settings: Settings) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let id = LineId(NUMBER.fetch_add(1, Ordering::Relaxed));
        Self::new(io, handler, codec, Environment::new(settings, None), id)
    }

    pub(crate) fn new(io: Io, handler: H, codec: H::Codec, environment: Arc<Environment>, id: LineId) -> Self {
        let now = clock::now();
        let shared = Shared::new(id.0, now);
        let key = environment.wheel.register(Arc::clone(&shared));
        let settings = &environment.settings;
        let rare = Rare {
            handshake_by: environment.deadlines().handshake.map(|within| now + within),
            first_frame_by: settings.first_frame_within.map(|within| now + within),
            idle: settings.idle_events.map(|events| Box::new(IdleWatch::new(events))),
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
            backlog: Backlog::None,
            rearm: true,
        }
    }

    /// The line's handle.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection::new(Arc::clone(&self.shared), Arc::clone(&self.environment))
    }

    /// Counts the handshake's time from accept: an upgrade before the line was a part of it.
    #[cfg(feature = "serve")]
    pub(crate) fn accepted_at(&mut self, at: Instant) {
        if let (Some(rare), Some(within)) = (&mut self.rare, self.environment.deadlines().handshake) {
            rare.handshake_by = Some(at + within);
        }
    }

    #[cfg(feature = "serve")]
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
            io: &mut self.io,
            backlog: self.backlog,
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
        if self.paused.is_empty()
            && let Some(longest) = self.environment.settings.longest_pause
        {
            self.rare().pause_by = Some(now + longest);
            self.rearm = true;
        }
        self.paused = self.paused.with(why);
        self.monitor.pause(now);
        if let Some(watch) = self.idle_watch() {
            watch.pause();
        }
    }

    /// Takes one reason to pause away; true if that was the last.
    pub(super) fn unpause(&mut self, why: Paused, now: Instant) -> bool {
        let was = self.paused;
        self.paused = self.paused.without(why);
        if was.is_empty() || !self.paused.is_empty() {
            return false;
        }
        self.monitor.resume(now);
        if let Some(rare) = &mut self.rare {
            rare.pause_by = None;
        }
        if let Some(watch) = self.idle_watch() {
            watch.resume(now);
        }
        self.rearm = true;
        true
    }

    #[inline]
    pub(super) fn idle_watch(&mut self) -> Option<&mut IdleWatch> {
        self.rare.as_mut()?.idle.as_deref_mut()
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::<Rare>::default)
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
            if self.is_open() && self.backlog == Backlog::Outbox {
                // Before the verdict: after a stall of our own the peer may long have made room.
                self.write(cx, clock::now(), &mut scratch.output);
            }
            self.look_at_clocks(&mut scratch.output);
        }
        if self.is_open() && (self.backlog != Backlog::None || !scratch.output.is_empty()) {
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
            let id = LineId(self.shared.id);
            observer.on_open(id, self.environment.books.as_ref().and_then(|books| books.peer(id)));
        }
        tracing::debug!(id = %LineId(self.shared.id), "line open");
        if let Some(watch) = self.idle_watch() {
            watch.start(now);
        }
        let flow = self.with_turn(now, output, |handler, turn| handler.on_open(turn));
        self.follow(flow, now, output);
    }

    /// Does what handles asked for.
    #[inline]
    fn obey(&mut self, flags: Flags, cx: &mut Context<'_>, scratch: &mut Scratch) {
        if flags.has(Flag::Mail) {
            self.backlog = Backlog::Outbox;
        }
        let may_read_on = flags.has(Flag::Resume) || flags.has(Flag::Answered) || flags.has(Flag::Reread);
        if may_read_on {
            let now = clock::now();
            if flags.has(Flag::Resume) {
                self.unpause(Paused::HANDLER, now);
            }
            if flags.has(Flag::Answered) && flags.in_flight() < self.environment.settings.answers_in_flight.max(1) {
                self.unpause(Paused::ANSWERS, now);
            }
        }
        if flags.has(Flag::Wake) && self.is_open() {
            let now = clock::now();
            let flow = self.with_turn(now, &mut scratch.output, |handler, turn| handler.on_wake(turn));
            self.follow(flow, now, &mut scratch.output);
        }
        // Behind the call: its news, as a larger frame limit, may be what a paused line waited for.
        if may_read_on && self.paused.is_empty() && self.is_open() {
            self.read_leftover(cx, clock::now(), scratch);
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
        let deadlines = match self.phase {
            // Whatever else was due, one thing is left to wait for.
            Phase::Closing => [rare, None, None],
            _ => [rare, self.monitor.deadline(), self.backlog_due()],
        };
        let Some(due) = deadlines.into_iter().flatten().min() else { return };
        self.environment.wheel.arm(self.key, Tick::at_or_after(due));
    }

    /// When the oldest waiting message becomes too old.
    pub(super) fn backlog_due(&self) -> Option<Instant> {
        if self.backlog != Backlog::Outbox {
            return None;
        }
        let oldest = self.shared.mail().outbox.as_ref()?.oldest()?;
        Some(oldest + self.environment.settings.outbox.age)
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

impl<Io: Transport, H: Handler> fmt::Debug for Driver<Io, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("shared", &self.shared).field("phase", &self.phase).finish_non_exhaustive()
    }
}
