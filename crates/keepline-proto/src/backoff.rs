//! Backoff: how long a client waits before it connects again.

use core::fmt;

use crate::random::Random;
use crate::{Duration, Instant};

/// Checked settings of a [`Backoff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffSettings {
    base: Duration,
    cap: Duration,
    stable: Duration,
}

/// Settings that contradict themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackoffError {
    /// Every wait would be zero.
    ZeroBase,
    /// The longest wait is shorter than the first.
    CapBelowBase {
        /// The first window.
        base: Duration,
        /// The longest window.
        cap: Duration,
    },
    /// A bare successful connect would count as stable.
    ZeroStable,
}

/// What a server asks of a client that should come back.
///
/// It makes a client come later, never sooner: with no spread, the client's own window is added, or all would come back
/// in the same instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "not before, and over how long: there is no third thing to ask")]
pub struct RetryHint {
    /// Do not come before this much time is over.
    pub after: Duration,
    /// Come at a random moment in a window of this length after it.
    pub spread: Duration,
}

/// Paces the attempts of one client, with full jitter from the very first.
///
/// After n failures in a row, the wait is random between zero and the smaller of the cap and base times 2 to the n. A
/// connection counts as success only after it was up for the stable period: a server that accepts and then closes does
/// not start a tight loop.
///
/// Full jitter is the variant that the AWS architecture blog's simulation ("Exponential Backoff And Jitter", 2015) finds
/// to need the fewest calls.
///
/// # Example
/// ```
/// use keepline_proto::{Backoff, BackoffSettings, Duration, Instant, RetryHint};
///
/// let seed = 7; // from the driver: different for each client
/// let mut backoff = Backoff::new(BackoffSettings::default(), seed);
/// let now = Instant::START;
/// backoff.on_up(now);
/// let wait = backoff.on_down(now, None);
/// assert!(wait <= Duration::from_millis(500));
///
/// let hint = RetryHint { after: Duration::from_secs(5), spread: Duration::from_secs(60) };
/// let wait = backoff.on_down(now + wait, Some(hint));
/// assert!(Duration::from_secs(5) <= wait && wait <= Duration::from_secs(65));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    settings: BackoffSettings,
    random: Random,
    failures: u32,
    /// Since when the connection is up, if it is.
    up: Option<Instant>,
}

impl BackoffSettings {
    /// Waits in a window that begins at `base` and doubles up to `cap`; begins again after a connection that was up for
    /// at least `stable`.
    ///
    /// # Errors
    /// `base` or `stable` is zero, or `cap` is below `base`.
    pub fn new(
        base: impl Into<Duration>,
        cap: impl Into<Duration>,
        stable: impl Into<Duration>,
    ) -> Result<Self, BackoffError> {
        let (base, cap, stable) = (base.into(), cap.into(), stable.into());
        if base.is_zero() {
            return Err(BackoffError::ZeroBase);
        }
        if cap < base {
            return Err(BackoffError::CapBelowBase { base, cap });
        }
        if stable.is_zero() {
            return Err(BackoffError::ZeroStable);
        }
        Ok(Self { base, cap, stable })
    }

    /// How long a connection must be up to count as success.
    #[must_use]
    pub const fn stable(&self) -> Duration {
        self.stable
    }

    /// The longest wait after this many failures in a row.
    #[must_use]
    pub fn window(&self, failures: u32) -> Duration {
        let factor = 1_u64.checked_shl(failures).unwrap_or(u64::MAX);
        self.base.times(factor).min(self.cap)
    }
}

/// Base 500 ms; cap 30 s; stable after 30 s, so that a link that lives no longer than the longest wait counts as failed.
impl Default for BackoffSettings {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(30), stable: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The longest that each part of a [`RetryHint`] is obeyed: one hour. More is cut to it, so that a server's mistake
    /// can't keep a client away for ever.
    pub const HINT_LIMIT: Duration = Duration::from_secs(3600);

    /// A client that has not failed yet. The seed must differ from client to client, or they come back together.
    #[must_use]
    pub const fn new(settings: BackoffSettings, seed: u64) -> Self {
        Self { settings, random: Random::new(seed), failures: 0, up: None }
    }

    /// The connection can be used. Has no effect on the next wait until the stable period is over.
    pub const fn on_up(&mut self, now: Instant) {
        if self.up.is_none() {
            self.up = Some(now);
        }
    }

    /// The connection ended, or an attempt to make one failed: how long to wait before the next attempt.
    #[must_use]
    pub fn on_down(&mut self, now: Instant, hint: Option<RetryHint>) -> Duration {
        if self.up.take().is_some_and(|since| now.since(since) >= self.settings.stable) {
            self.failures = 0;
        }
        let own = self.settings.window(self.failures);
        self.failures = self.failures.saturating_add(1);

        let RetryHint { after, spread } = hint.unwrap_or_default();
        let window = own.max(spread.min(Self::HINT_LIMIT));
        let jitter = Duration::from_nanos(self.random.up_to(window.as_nanos()));
        after.min(Self::HINT_LIMIT) + jitter
    }

    /// Failures in a row: attempts that failed, and connections that ended before they were stable. The end of a stable
    /// one is the first of a new row.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

impl fmt::Display for BackoffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroBase => f.write_str("the retry base is zero, so retries would never wait: make it 1ms or more"),
            Self::CapBelowBase { base, cap } => {
                write!(f, "the retry cap ({cap}) is below the retry base ({base}): raise the cap or lower the base")
            }
            Self::ZeroStable => f.write_str(
                "the stable period is zero, so a server that accepts and closes would be retried at full speed: \
                 make it at least as long as a handshake",
            ),
        }
    }
}

impl core::error::Error for BackoffError {}
