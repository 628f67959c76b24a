//! Monitor: the state machine of one line's liveness.

use std::boxed::Box;
use std::sync::Arc;

use super::frame_clock::FrameClock;
use super::heartbeat::{Heartbeat, PingTerms};
use super::idle::{IdleEvent, IdleKind};
use super::rtt::Rtt;
use crate::random::Random;
use crate::{Duration, Instant, Reason};

/// The failure detector of one line: tell it what happens, ask it when to wake up, do what it says.
///
/// ```text
///            ping due                half of the pong's time gone
///   Quiet ────────────▶ Probing ─────────────────────────────────▶ Suspect
///     ▲                    │                                          │ pong's time gone:
///     │     any byte       │                                          ├─ misses left: Ping, stay
///     ├────────────────────┴──────────────────────────────────────────┤
///     │                                                               └─ none left: Close(Silent) ─▶ Closed
///     │                                     any state but Paused: silence limit ─▶ Idle event (close by default)
///     │ resume (as Resumed until the next ping)            frame too slow ─▶ Close(FrameTimeout) ─▶ Closed
///   Paused ◀──── pause, from any state
///     └─ mute for one and a half intervals: Ping, stay
/// ```
///
/// One input gives at most one [`Action`], so there is nothing to drain: if two things are due, [`deadline`] stays in
/// the past and the driver comes round again. Time never runs backwards: pass the latest reading of one clock.
///
/// Any byte read is life, whatever it says; own writes are not. While reads are paused by ourselves nothing is idle.
///
/// The peer may have the same rules. So an end that pings at all is never mute for more than one and a half intervals: a
/// ping leaves then, even while the peer talks all the time, and even in a pause. A peer that only watches allows two
/// intervals at the least; the half between is for the way there and a late timer.
///
/// A timer that fires later than the stall tolerance of the settings means that this process was stopped: then a fresh
/// probe (or, where this end does not ping, a fresh silence limit) comes before any verdict. The limit of this rule: a
/// process whose every timer is that late gives no verdict at all, ever. There, raise
/// [`stall`](super::HeartbeatBuilder::stall) above the usual lateness.
///
/// [`deadline`]: Self::deadline
#[derive(Clone, Debug)]
pub struct Monitor {
    heartbeat: Arc<Heartbeat>,
    /// Where the silence began: the last byte read, or a later moment from which it counts anew.
    quiet_since: Instant,
    last_write: Instant,
    /// When the last ping left; START before the first.
    pinged_at: Instant,
    /// Before this moment the peer's next ping is a strike.
    ping_welcome: Instant,
    /// Boxed: a line has one only while a frame is partly there.
    frame: Option<Box<FrameClock>>,
    rtt: Rtt,
    /// The nonce of the last ping; before the first, what the seed made of it. 16 bits are enough to tell the pings in
    /// flight apart.
    nonce: u16,
    /// Pings that no pong has answered yet, life or not.
    unanswered: u8,
    /// The peer's pings that came too early; below zero, so many early ones are excused.
    strikes: i16,
    /// Whether the next idle event is the first of this silence.
    first: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Quiet,
    Probing,
    Suspect {
        missed: u8,
    },
    Paused,
    /// As quiet; but an answer to the last ping may have waited unread, and would tell no round trip.
    Resumed,
    Closed,
}

/// A part of the budget of an idle line, of which there are a million.
const _: () = assert!(size_of::<Monitor>() <= 64);

/// What the driver must do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an action not done is a heartbeat lost"]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle each case")]
pub enum Action {
    /// Nothing.
    None,
    /// The agreed silence is over: ask the handler, whose default is to close as [`Reason::Silent`]. If the line
    /// stays, the next event comes after another full period.
    Idle(IdleEvent),
    /// Send a ping with this nonce (formats without one ignore it), then report it with [`Monitor::on_write`].
    Ping(u32),
    /// Half of the time for the pong is gone: whoever can should prepare another line.
    Suspect,
    /// Close the line for this reason.
    Close(Reason),
}

impl Monitor {
    /// A line that opened at `now`; `seed` (a hash of its id, say) begins its nonces, and spreads its first ping where
    /// the settings ask for it.
    #[must_use]
    pub const fn new(heartbeat: Arc<Heartbeat>, now: Instant, seed: u64) -> Self {
        Self {
            heartbeat,
            quiet_since: now,
            last_write: now,
            pinged_at: Instant::START,
            ping_welcome: Instant::START,
            frame: None,
            rtt: Rtt::NONE,
            nonce: (Random::new(seed).next() >> 48) as u16,
            unanswered: 0,
            strikes: 0,
            first: true,
            state: State::Quiet,
        }
    }

    /// Bytes were read, any bytes.
    #[inline]
    pub fn on_read(&mut self, now: Instant) {
        self.quiet_since = now;
        self.first = true;
        self.end_probe();
    }

    /// Bytes were written, pings and pongs included.
    #[inline]
    pub fn on_write(&mut self, now: Instant) {
        self.last_write = now;
    }

    /// The peer's ping was read (after [`on_read`](Self::on_read)). The driver answers it with a pong unless the
    /// answer is [`Action::Close`].
    pub fn on_ping(&mut self, now: Instant) -> Action {
        let Some(flood) = self.heartbeat.flood.filter(|_| self.state != State::Closed) else {
            return Action::None;
        };
        let early = now < self.ping_welcome;
        self.ping_welcome = now + flood.min_gap;
        if !early {
            self.strikes = self.strikes.saturating_sub(1).max(0);
            return Action::None;
        }
        if self.strikes >= i16::from(flood.strikes) {
            return self.close(Reason::TooManyPings);
        }
        self.strikes += 1;
        Action::None
    }

    /// A pong was read (after [`on_read`](Self::on_read)); returns the round trip where it is known.
    ///
    /// With a nonce, the pong that carries the last ping's gives a sample, and one that answers no ping of ours counts
    /// for nothing. Without one, a sample is taken only while a single ping is unanswered: else nobody can say which
    /// one this answers. A ping that a pause of our reads came after gives none: its answer may have waited for us.
    pub fn on_pong(&mut self, now: Instant, nonce: Option<u32>) -> Option<Duration> {
        // How many of our pings left after the one that this answers.
        let later = match nonce {
            Some(nonce) => u16::try_from(nonce).ok().map(|nonce| self.nonce.wrapping_sub(nonce)),
            None => u16::from(self.unanswered).checked_sub(1),
        };
        let later = later.and_then(|later| u8::try_from(later).ok()).filter(|later| *later < self.unanswered)?;
        self.unanswered = later;
        let timely = matches!(self.state, State::Quiet | State::Probing | State::Suspect { .. });
        (later == 0 && timely).then(|| {
            let round_trip = now.since(self.pinged_at);
            self.rtt.sample(round_trip);
            round_trip
        })
    }

    /// This end stops reading by itself (back-pressure): until [`resume`](Self::resume) nothing is idle and nobody is
    /// judged. Where this end pings, it goes on, whenever it has written nothing for one and a half intervals: the peer
    /// may judge us. The answers are read after the pause, and give no round trip.
    pub fn pause(&mut self, now: Instant) {
        if !matches!(self.state, State::Closed | State::Paused) {
            self.state = State::Paused;
            // From here on the peer's pings wait, and `resume` counts how many may.
            self.ping_welcome = self.ping_welcome.max(now);
        }
    }

    /// This end reads again: every clock of the reading side starts a full period at `now`. The pings that waited come
    /// all at once now, and are no strikes, as many as were welcome one by one.
    pub fn resume(&mut self, now: Instant) {
        if self.state == State::Paused {
            self.state = State::Resumed;
            self.quiet_since = now;
            self.excuse_waiting_pings(now);
            if let Some(frame) = &mut self.frame {
                frame.restart(now);
            }
        }
    }

    /// A frame is partly there for the first time; `announced` is its whole length in bytes, 0 if unknown.
    pub fn on_frame_begin(&mut self, now: Instant, announced: u64) {
        self.frame = Some(Box::new(FrameClock::new(now, announced)));
    }

    /// The whole length of the frame in progress has become known, in bytes.
    pub fn on_frame_length(&mut self, now: Instant, announced: u64) {
        if let Some(frame) = &mut self.frame {
            frame.on_length(now, announced);
        }
    }

    /// `count` more bytes of the frame in progress have arrived.
    pub fn on_frame_bytes(&mut self, now: Instant, count: u64) {
        if let Some(frame) = &mut self.frame {
            frame.on_bytes(now, count);
        }
    }

    /// The frame in progress is complete.
    #[inline]
    pub fn on_frame_end(&mut self, _now: Instant) {
        self.frame = None;
    }

    /// New terms from `now` on; every clock starts a full period, that of our own writes too, so that terms agreed late
    /// evict nobody early, and the peer's next ping is no strike: the least gap may be another.
    pub fn set_terms(&mut self, now: Instant, heartbeat: Arc<Heartbeat>) {
        self.heartbeat = heartbeat;
        self.quiet_since = now;
        self.last_write = now;
        self.ping_welcome = self.ping_welcome.min(now);
        self.end_probe();
    }

    /// When to call [`on_timeout`](Self::on_timeout) at the latest; `None`: not before another input.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Closed => None,
            State::Paused => self.heartbeat.ping.as_ref().map(|ping| self.mute_due(ping)),
            State::Quiet | State::Probing | State::Suspect { .. } | State::Resumed => {
                let frame = self.frame.as_ref().map(|frame| frame.deadline());
                [frame, self.silence_due(), self.probe_due()].into_iter().flatten().min()
            }
        }
    }

    /// The clock has reached `now`: what is due? Harmless when nothing is.
    pub fn on_timeout(&mut self, now: Instant) -> Action {
        let Some(due) = self.deadline().filter(|due| *due <= now) else {
            return Action::None;
        };
        if self.state == State::Paused {
            return self.ping(now);
        }
        if now.since(due) > self.heartbeat.stall {
            return self.on_stall(now);
        }
        if self.frame.as_mut().is_some_and(|frame| frame.is_overdue(now)) {
            return self.close(Reason::FrameTimeout);
        }
        if self.silence_due().is_some_and(|due| due <= now) {
            self.quiet_since = now;
            let first = core::mem::take(&mut self.first);
            return Action::Idle(IdleEvent { kind: IdleKind::Reader, first });
        }
        if self.probe_due().is_some_and(|due| due <= now) {
            return self.on_probe_due(now);
        }
        Action::None
    }

    /// The settings in force.
    #[must_use]
    pub fn heartbeat(&self) -> &Arc<Heartbeat> {
        &self.heartbeat
    }

    /// The smoothed round trip of the pings.
    #[must_use]
    pub const fn rtt(&self) -> Rtt {
        self.rtt
    }

    /// When bytes were last written; the opening, before the first.
    #[must_use]
    pub const fn last_write(&self) -> Instant {
        self.last_write
    }

    /// Pings sent that no pong has answered yet.
    #[must_use]
    pub const fn unanswered(&self) -> u8 {
        self.unanswered
    }

    fn excuse_waiting_pings(&mut self, now: Instant) {
        let Some(flood) = self.heartbeat.flood.filter(|_| now >= self.ping_welcome) else {
            return;
        };
        // Beside one for each gap: the first, and the next after the pause, which these were too late for.
        let waiting = now.since(self.ping_welcome).as_nanos() / flood.min_gap.as_nanos() + 2;
        self.strikes = self.strikes.saturating_sub(i16::try_from(waiting).unwrap_or(i16::MAX));
        self.ping_welcome = now + flood.min_gap;
    }

    fn silence_due(&self) -> Option<Instant> {
        self.heartbeat.silence.map(|silence| self.quiet_since + silence)
    }

    fn probe_due(&self) -> Option<Instant> {
        let ping = self.heartbeat.ping.as_ref()?;
        let pong = ping.pong_within;
        match (self.state, pong) {
            (State::Probing, Some(pong)) => Some(self.pinged_at + half(pong)),
            (State::Suspect { .. }, Some(pong)) => Some(self.pinged_at + pong),
            _ => Some(self.ping_due(ping)),
        }
    }

    /// Own writes put the ping off, but only for so long: they are no life. Nor do the peer's put it off for ever.
    fn ping_due(&self, ping: &PingTerms) -> Instant {
        let from = match ping.on {
            IdleKind::Reader => self.quiet_since,
            IdleKind::Writer => self.last_write,
            IdleKind::All => self.quiet_since.max(self.last_write),
        };
        let due = (from + ping.after).min(self.quiet_since + ping.at_last) - self.first_ping_early(ping);
        let due = due.min(self.mute_due(ping));
        // Without a deadline for the pong the line stays Quiet after a ping: an interval lies between two in any case.
        if self.has_pinged() { due.max(self.pinged_at + ping.after) } else { due }
    }

    /// When this end has been mute for long enough, whatever the peer says.
    fn mute_due(&self, ping: &PingTerms) -> Instant {
        // A ping counts from the moment it was asked for: reported as written or not, the next is an interval away.
        let mute_since = self.last_write.max(self.pinged_at);
        mute_since + ping.after + half(ping.after) - self.first_ping_early(ping)
    }

    /// Less than half of the interval. Taken off the interval, not off the moment the line opened: lines that log in
    /// together go quiet together too.
    fn first_ping_early(&self, ping: &PingTerms) -> Duration {
        let spread = self.heartbeat.spread && !self.has_pinged();
        let part = if spread { u64::from(self.nonce) } else { 0 };
        Duration::from_nanos(ping.after.as_nanos() / 2 / (1 << u16::BITS) * part)
    }

    fn has_pinged(&self) -> bool {
        self.pinged_at != Instant::START
    }

    fn on_probe_due(&mut self, now: Instant) -> Action {
        let max_missed = self.heartbeat.ping.map_or(0, |ping| ping.max_missed);
        match self.state {
            State::Probing => {
                self.state = State::Suspect { missed: 0 };
                Action::Suspect
            }
            State::Suspect { missed } if missed >= max_missed => self.close(Reason::Silent),
            State::Suspect { missed } => {
                let action = self.ping(now);
                self.state = State::Suspect { missed: missed + 1 };
                action
            }
            State::Quiet | State::Paused | State::Resumed | State::Closed => self.ping(now),
        }
    }

    /// A stall of our own is nobody's death: give every clock a full period, and ask the peer at once if we may.
    fn on_stall(&mut self, now: Instant) -> Action {
        self.quiet_since = now;
        self.end_probe();
        if let Some(frame) = &mut self.frame {
            frame.restart(now);
        }
        if self.heartbeat.ping.is_some() { self.ping(now) } else { Action::None }
    }

    #[inline]
    fn end_probe(&mut self) {
        if let State::Probing | State::Suspect { .. } = self.state {
            self.state = State::Quiet;
        }
    }

    fn ping(&mut self, now: Instant) -> Action {
        self.pinged_at = now;
        self.nonce = self.nonce.wrapping_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
        self.state = match (self.state, self.heartbeat.pong_within()) {
            (State::Paused, _) => State::Paused,
            (_, Some(_)) => State::Probing,
            (_, None) => State::Quiet,
        };
        Action::Ping(u32::from(self.nonce))
    }

    fn close(&mut self, reason: Reason) -> Action {
        self.state = State::Closed;
        Action::Close(reason)
    }
}

fn half(span: Duration) -> Duration {
    Duration::from_nanos(span.as_nanos() / 2)
}
