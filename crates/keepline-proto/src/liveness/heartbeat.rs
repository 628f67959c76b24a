//! Heartbeat: the checked settings of a line's liveness, shared by any number of lines.

use core::fmt;

use super::idle::IdleKind;
use crate::Duration;

/// Who pings on which kind of silence and how long an answer may take; how long silence is allowed at all.
///
/// Built by [`Heartbeat::builder`] or one of the presets; a value that exists is free of contradictions. Put it into
/// an `Arc` and share it.
///
/// # Example
/// ```
/// use keepline_proto::{Duration, liveness::{Heartbeat, HeartbeatError, IdleKind}};
///
/// let secs = Duration::from_secs;
/// // The client of the echo pair: ping after 5 s without a read or a write, dead after 5 s more.
/// let client = Heartbeat::client(secs(5), secs(5))?;
/// // Its server never pings and closes after 10 s without a read.
/// let server = Heartbeat::watch(secs(10))?;
/// // A server that cuts clients before their second ping does not build, and says why.
/// let error = Heartbeat::builder().peer_pings_every(secs(5)).silence(secs(9)).build().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "silence limit 9s is below twice the ping interval 5s: allow at least 10s, or ping more often"
/// );
/// # Ok::<(), HeartbeatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub(super) ping: Option<PingTerms>,
    pub(super) silence: Option<Duration>,
    pub(super) flood: Option<FloodTerms>,
    pub(super) stall: Duration,
    pub(super) spread: bool,
}

/// The terms under which this end pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PingTerms {
    pub(super) on: IdleKind,
    pub(super) after: Duration,
    /// However much this end writes, a ping leaves once nothing was read for this long.
    pub(super) at_last: Duration,
    pub(super) pong_within: Option<Duration>,
    pub(super) max_missed: u8,
}

/// The terms under which the peer may ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FloodTerms {
    pub(super) min_gap: Duration,
    pub(super) strikes: u8,
}

impl Heartbeat {
    /// Starts with nothing watched; see [`HeartbeatBuilder`].
    #[must_use]
    pub fn builder() -> HeartbeatBuilder {
        HeartbeatBuilder::default()
    }

    /// No heartbeat: the line is never pinged and never judged. Frames once begun keep their clock.
    #[must_use]
    pub const fn off() -> Self {
        Self { ping: None, silence: None, flood: None, stall: DEFAULT_STALL, spread: false }
    }

    /// Client-driven, as in the echo pair: ping after `after` without a read or a write, dead when the pong takes
    /// longer than `pong_within`.
    ///
    /// # Errors
    /// See [`HeartbeatBuilder::build`].
    pub fn client(after: impl Into<Duration>, pong_within: impl Into<Duration>) -> Result<Self, HeartbeatError> {
        Self::builder().ping(IdleKind::All, after).pong_within(pong_within).build()
    }

    /// Server-driven, as in the enterprise IM: ping after `after` without a read or a write; dead after `silence`
    /// without a read, at least twice that long.
    ///
    /// # Errors
    /// See [`HeartbeatBuilder::build`].
    pub fn server(after: impl Into<Duration>, silence: impl Into<Duration>) -> Result<Self, HeartbeatError> {
        Self::builder().ping(IdleKind::All, after).silence(silence).build()
    }

    /// Watch only, as the echo pair's server: the peer pings; dead after `silence` without a read.
    ///
    /// # Errors
    /// See [`HeartbeatBuilder::build`].
    pub fn watch(silence: impl Into<Duration>) -> Result<Self, HeartbeatError> {
        Self::builder().silence(silence).build()
    }

    /// How long silence is allowed, if there is a limit.
    #[must_use]
    pub const fn silence(&self) -> Option<Duration> {
        self.silence
    }

    /// The kind of silence after which this end pings, and how long it must last.
    #[must_use]
    pub fn ping(&self) -> Option<(IdleKind, Duration)> {
        self.ping.map(|ping| (ping.on, ping.after))
    }

    /// How long a pong may take.
    #[must_use]
    pub fn pong_within(&self) -> Option<Duration> {
        self.ping.and_then(|ping| ping.pong_within)
    }
}

/// A timer later than this was not the peer's doing: this process was stopped, or starved.
const DEFAULT_STALL: Duration = Duration::from_secs(1);

/// The shortest time that makes sense for any setting; Netty's floor as well.
const SHORTEST: Duration = Duration::from_millis(1);

/// Collects the settings of a [`Heartbeat`]; [`build`](Self::build) checks them together.
#[derive(Clone, Debug, Default)]
pub struct HeartbeatBuilder {
    ping: Option<(IdleKind, Duration)>,
    pong_within: Option<Duration>,
    max_missed: Option<u8>,
    silence: Option<Duration>,
    peer_interval: Option<Duration>,
    flood: Option<(Duration, u8)>,
    stall: Option<Duration>,
    spread: bool,
}

impl HeartbeatBuilder {
    /// This end pings, once `after` has passed without a read, a write, or either (`on`). Default: never.
    ///
    /// Own writes are no life: whatever the kind, a ping also leaves once nothing was read for twice `after`, or sooner
    /// if the silence limit would not leave it the time for its answer and for every allowed miss.
    ///
    /// What the peer says is no sign of our life: whatever the kind, a ping also leaves once nothing was written for one
    /// and a half times `after`, while reads are paused as well. So a peer that only watches, with a limit of twice
    /// `after` or more, keeps an end that only listens; half of `after` must cover the way there and a late timer.
    #[must_use]
    pub fn ping(mut self, on: IdleKind, after: impl Into<Duration>) -> Self {
        self.ping = Some((on, after.into()));
        self
    }

    /// How long the answer to a ping may take before the ping counts as missed. Default: no deadline of its own;
    /// only the silence limit judges.
    #[must_use]
    pub fn pong_within(mut self, limit: impl Into<Duration>) -> Self {
        self.pong_within = Some(limit.into());
        self
    }

    /// How many pings in a row may be missed without a verdict. Default: 0, the first missed ping closes.
    #[must_use]
    pub fn max_missed(mut self, pings: u8) -> Self {
        self.max_missed = Some(pings);
        self
    }

    /// The longest silence: without a byte read for this long the line is idle, and by default closed as
    /// [`Silent`](crate::Reason::Silent). Default: no limit.
    #[must_use]
    pub fn silence(mut self, limit: impl Into<Duration>) -> Self {
        self.silence = Some(limit.into());
        self
    }

    /// How often the peer pings, if it was agreed; only checked against the silence limit. Default: unknown.
    #[must_use]
    pub fn peer_pings_every(mut self, interval: impl Into<Duration>) -> Self {
        self.peer_interval = Some(interval.into());
        self
    }

    /// Pings that come less than `min_gap` after the one before are strikes; one in good time takes a strike back;
    /// one strike more than `strikes` closes as [`TooManyPings`](crate::Reason::TooManyPings). Default: no limit.
    #[must_use]
    pub fn ping_limit(mut self, min_gap: impl Into<Duration>, strikes: u8) -> Self {
        self.flood = Some((min_gap.into(), strikes));
        self
    }

    /// How late a timer may be before its lateness counts as a stall of our own, which evicts nobody without a
    /// fresh probe. Default: 1 s. Must exceed what a busy driver is late by (a wheel's slot, 100 ms).
    #[must_use]
    pub fn stall(mut self, lateness: impl Into<Duration>) -> Self {
        self.stall = Some(lateness.into());
        self
    }

    /// The first ping of a line leaves early, by a part of up to half of the interval that the line's seed decides: so
    /// the pings of lines that open together do not stay together. Default: off, the first ping leaves as any other.
    #[must_use]
    pub fn spread_first_ping(mut self) -> Self {
        self.spread = true;
        self
    }

    /// Checks the settings against each other.
    ///
    /// # Errors
    /// A [`HeartbeatError`] that names the two settings which contradict each other and what to change.
    pub fn build(self) -> Result<Heartbeat, HeartbeatError> {
        self.check_lengths()?;
        let ping = self.check_ping()?;
        self.check_silence(ping)?;
        let flood = self.flood.map(|(min_gap, strikes)| FloodTerms { min_gap, strikes });
        let stall = self.stall.unwrap_or(DEFAULT_STALL);
        Ok(Heartbeat { ping, silence: self.silence, flood, stall, spread: self.spread })
    }

    fn check_lengths(&self) -> Result<(), HeartbeatError> {
        let settings = [
            ("ping interval", self.ping.map(|(_, after)| after)),
            ("pong timeout", self.pong_within),
            ("silence limit", self.silence),
            ("peer's ping interval", self.peer_interval),
            ("least gap between pings", self.flood.map(|(min_gap, _)| min_gap)),
            ("stall tolerance", self.stall),
        ];
        match settings.into_iter().find(|(_, length)| length.is_some_and(|length| length < SHORTEST)) {
            Some((setting, _)) => Err(HeartbeatError::TooShort { setting }),
            None => Ok(()),
        }
    }

    fn check_silence(&self, ping: Option<PingTerms>) -> Result<(), HeartbeatError> {
        use HeartbeatError as E;
        let Some(silence) = self.silence else {
            return match ping {
                None => Err(E::NothingWatched),
                Some(PingTerms { pong_within: None, .. }) => Err(E::NoVerdict),
                Some(_) => Ok(()),
            };
        };
        for interval in ping.map(|ping| ping.after).into_iter().chain(self.peer_interval) {
            if silence < interval.times(2) {
                return Err(E::SilenceTooShort { silence, interval });
            }
        }
        if let Some(PingTerms { after, pong_within: Some(pong), max_missed, .. }) = ping {
            let needed = after + pong.times(u64::from(max_missed) + 1);
            if silence < needed {
                return Err(E::MissesNeverUsed { silence, needed, max_missed });
            }
        }
        Ok(())
    }

    fn check_ping(&self) -> Result<Option<PingTerms>, HeartbeatError> {
        use HeartbeatError as E;
        let Some((on, after)) = self.ping else {
            let pointless = self.pong_within.is_some() || self.max_missed.is_some();
            return if pointless { Err(E::PongWithoutPing) } else { Ok(None) };
        };
        match self.pong_within {
            Some(pong) if pong > after => return Err(E::PongOverInterval { pong, interval: after }),
            None if self.max_missed.is_some() => return Err(E::MissesWithoutDeadline),
            _ => {}
        }
        let max_missed = self.max_missed.unwrap_or(0);
        // What the peer needs once it is asked. It fits: `check_silence` refuses limits below `after` and this.
        let answer = self.pong_within.map_or(after, |pong| pong.times(u64::from(max_missed) + 1));
        let at_last = self.silence.map_or(Duration::MAX, |silence| silence.less(answer)).min(after.times(2));
        Ok(Some(PingTerms { on, after, at_last, pong_within: self.pong_within, max_missed }))
    }
}

/// Settings that contradict each other; the text says which, and what to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeartbeatError {
    /// A time below 1 ms, or none at all.
    TooShort {
        /// Which setting.
        setting: &'static str,
    },
    /// Neither a ping nor a silence limit.
    NothingWatched,
    /// Pings, but nothing that would ever judge their answer.
    NoVerdict,
    /// A pong timeout or a count of misses, but this end never pings.
    PongWithoutPing,
    /// A count of misses, but no deadline after which a ping is missed.
    MissesWithoutDeadline,
    /// A pong may take longer than the interval between pings.
    PongOverInterval {
        /// The pong timeout.
        pong: Duration,
        /// The ping interval.
        interval: Duration,
    },
    /// Healthy quiet peers would be cut: one lost or late ping is one too many.
    SilenceTooShort {
        /// The silence limit.
        silence: Duration,
        /// The ping interval, ours or the peer's.
        interval: Duration,
    },
    /// The silence limit strikes before the allowed misses are used up.
    MissesNeverUsed {
        /// The silence limit.
        silence: Duration,
        /// What interval and misses need.
        needed: Duration,
        /// The allowed misses.
        max_missed: u8,
    },
}

impl fmt::Display for HeartbeatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { setting } => {
                write!(f, "{setting} is below {SHORTEST}: give it at least that, or leave it out")
            }
            Self::NothingWatched => write!(
                f,
                "neither a ping nor a silence limit: a dead peer would never be noticed; set one, or ask for no \
                 heartbeat at all"
            ),
            Self::NoVerdict => write!(
                f,
                "pings without a pong timeout or a silence limit: a missing answer would have no consequence; set one"
            ),
            Self::PongWithoutPing => {
                write!(
                    f,
                    "a pong timeout or allowed misses without pings of our own: set a ping interval, or drop them"
                )
            }
            Self::MissesWithoutDeadline => {
                write!(f, "allowed misses without a pong timeout: say how long a pong may take before it is missed")
            }
            Self::PongOverInterval { pong, interval } => write!(
                f,
                "pong timeout {pong} is over the ping interval {interval}: lower the timeout or ping less often"
            ),
            Self::SilenceTooShort { silence, interval } => write!(
                f,
                "silence limit {silence} is below twice the ping interval {interval}: allow at least {}, or ping more \
                 often",
                interval.times(2)
            ),
            Self::MissesNeverUsed { silence, needed, max_missed } => write!(
                f,
                "silence limit {silence} strikes before {max_missed} missed pings can be: allow at least {needed}, or \
                 fewer misses"
            ),
        }
    }
}

impl core::error::Error for HeartbeatError {}
