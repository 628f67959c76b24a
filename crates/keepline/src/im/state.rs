//! State: a look at a chat as it is now.

use std::sync::Arc;

use keepline_proto::wire::dialect::Dialect;
use keepline_proto::{Duration, Instant, Reason};

use super::event::Up;
use super::options::Terms;

/// A chat as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct State {
    /// Where the line is.
    pub line: LineState,
    /// The device, as it was given.
    pub device: Arc<str>,
    /// What carries the line, as the options have it.
    pub transport: Arc<str>,
    /// What is spoken.
    pub dialect: Dialect,
    /// The login of the line there is, or of the last; `None` before the first.
    pub login: Option<Up>,
    /// The terms of the heartbeat in force.
    pub terms: Option<Terms>,
    /// The last round trip of a ping on the line there is.
    pub rtt: Option<Duration>,
    /// Bytes read on all lines.
    pub bytes_in: u64,
    /// Bytes written on all lines.
    pub bytes_out: u64,
    /// Lines that were up behind the first.
    pub reconnects: u64,
    /// Messages without an answer.
    pub sends_waiting: usize,
    /// The bytes of their bodies.
    pub sends_bytes: usize,
}

/// Where a chat's line is.
///
/// ```text
///            attempt                let in
/// Waiting ──────────▶ Connecting ──────────▶ Up
///    ▲                    │                  │        from each: ──▶ Over
///    └────────────────────┴──────────────────┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each case")]
pub enum LineState {
    /// Down, until the next attempt.
    Waiting {
        /// How long that is still.
        retry_in: Duration,
    },
    /// An attempt is under way.
    Connecting {
        /// The endpoint, as it was given.
        endpoint: Arc<str>,
    },
    /// Logged in.
    Up {
        /// The endpoint, as it was given.
        endpoint: Arc<str>,
        /// For how long.
        since: Duration,
    },
    /// The chat has ended.
    Over {
        /// Why; [`Bye`](Reason::Bye) if it was closed here.
        reason: Reason,
    },
}

/// What is known of the line, with moments instead of spans.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: LinkPhase,
    pub(super) login: Option<Up>,
    pub(super) terms: Option<Terms>,
    pub(super) rtt: Option<Duration>,
    pub(super) ups: u64,
}

#[derive(Clone, Debug)]
pub(super) enum LinkPhase {
    Waiting { until: Instant },
    Connecting { endpoint: Arc<str> },
    Up { endpoint: Arc<str>, since: Instant },
    Over { reason: Reason },
}

impl Link {
    pub(super) const fn new() -> Self {
        let phase = LinkPhase::Waiting { until: Instant::START };
        Self { phase, login: None, terms: None, rtt: None, ups: 0 }
    }

    pub(super) const fn is_up(&self) -> bool {
        matches!(self.phase, LinkPhase::Up { .. })
    }

    /// The endpoint of the line, or of the attempt.
    pub(super) fn endpoint(&self) -> Arc<str> {
        match &self.phase {
            LinkPhase::Connecting { endpoint } | LinkPhase::Up { endpoint, .. } => Arc::clone(endpoint),
            LinkPhase::Waiting { .. } | LinkPhase::Over { .. } => "".into(),
        }
    }

    pub(super) fn line(&self, now: Instant) -> LineState {
        match &self.phase {
            LinkPhase::Waiting { until } => LineState::Waiting { retry_in: until.since(now) },
            LinkPhase::Connecting { endpoint } => LineState::Connecting { endpoint: Arc::clone(endpoint) },
            LinkPhase::Up { endpoint, since } => {
                LineState::Up { endpoint: Arc::clone(endpoint), since: now.since(*since) }
            }
            LinkPhase::Over { reason } => LineState::Over { reason: *reason },
        }
    }
}
