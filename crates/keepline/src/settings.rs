//! Settings: what all lines of one server or one client have in common.

use std::fmt;
use std::sync::Arc;

use keepline_proto::Duration;
use keepline_proto::liveness::{Heartbeat, IdleSettings};

use crate::conn::OutboxLimits;
use crate::observe::Observer;

/// What all lines of one server or one client have in common. Start from [`Settings::new`] and change fields.
///
/// # Example
/// ```
/// use keepline::{Duration, Settings, liveness::Heartbeat};
///
/// let mut settings = Settings::new(Heartbeat::watch(Duration::from_secs(10))?);
/// settings.outbox.age = Duration::from_secs(5);
/// # Ok::<(), keepline::liveness::HeartbeatError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The liveness terms a line starts with.
    pub heartbeat: Arc<Heartbeat>,
    /// What a line may hold back for a slow peer.
    pub outbox: OutboxLimits,
    /// From accept to the end of the step that [`run_upgraded`](crate::serve::Server::run_upgraded) was given, as a TLS
    /// handshake; absolute, 10 s by default. Servers only.
    pub upgrade_within: Duration,
    /// From accept (at a client: from open) to [`Turn::establish`](crate::Turn::establish), an absolute deadline that no
    /// byte extends, and which goes on through an upgrade; `None` for protocols without a handshake, the default.
    pub handshake_within: Option<Duration>,
    /// From open to the first whole frame, absolute too; `None` by default.
    pub first_frame_within: Option<Duration>,
    /// Idle events to hear of besides ([`Handler::on_idle`](crate::Handler::on_idle), with [`Flow::Continue`] as the
    /// default), in Netty's sense: a read counts when its turn is over, a write when its last byte is out, and a line
    /// that we paused ourselves is not idle. `None` by default; about 250 bytes a line otherwise.
    ///
    /// [`Flow::Continue`]: crate::Flow::Continue
    pub idle_events: Option<IdleSettings>,
    /// Answers owed at one time ([`Turn::defer`](crate::Turn::defer)) before the line stops reading; 64 by default, 1
    /// to 255 (a driver made without [`check`](Settings::check) counts 0 as 1).
    pub answers_in_flight: u8,
    /// The longest a line may stay paused at one time; `None`, the default, is for ever. A paused line does not read, so
    /// it hears of no end: a peer that has gone meanwhile keeps its place. Over the limit the line is closed: as
    /// [`SlowConsumer`](crate::Reason::SlowConsumer) where the peer does not take what it is sent, as
    /// [`ServerError`](crate::Reason::ServerError) where this end kept it waiting, by [`Flow::Pause`] or by answers that
    /// it owes.
    ///
    /// [`Flow::Pause`]: crate::Flow::Pause
    pub longest_pause: Option<Duration>,
    /// How long a closing line may take to write what is waiting and to see the peer's end; 1 s.
    pub linger: Duration,
    /// Hooks for metrics and logs; none by default.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Settings {
    /// The defaults, with these liveness terms.
    #[must_use]
    pub fn new(heartbeat: impl Into<Arc<Heartbeat>>) -> Self {
        Self {
            heartbeat: heartbeat.into(),
            outbox: OutboxLimits::default(),
            upgrade_within: Duration::from_secs(10),
            handshake_within: None,
            first_frame_within: None,
            idle_events: None,
            answers_in_flight: 64,
            longest_pause: None,
            linger: Duration::from_secs(1),
            observer: None,
        }
    }

    /// Whether lines can work with these settings.
    ///
    /// # Errors
    /// The first contradiction; see [`SettingsError`].
    pub const fn check(&self) -> Result<(), SettingsError> {
        let OutboxLimits { messages, bytes, high_water, .. } = self.outbox;
        if messages == 0 {
            return Err(SettingsError::NoMessages);
        }
        if bytes == 0 {
            return Err(SettingsError::NoBytes);
        }
        if high_water > bytes {
            return Err(SettingsError::HighWater { high_water, bytes });
        }
        if self.answers_in_flight == 0 {
            return Err(SettingsError::NoAnswers);
        }
        Ok(())
    }
}

/// Settings that can't work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Nothing could ever be sent.
    #[error("the outbox holds zero messages: allow at least one")]
    NoMessages,
    /// Nothing could ever be sent.
    #[error("the outbox holds zero bytes: allow at least one frame")]
    NoBytes,
    /// The line would be full before it stops reading.
    #[error("the outbox's high water of {high_water} bytes is above its limit of {bytes}: lower it, or allow more")]
    HighWater {
        /// [`OutboxLimits::high_water`].
        high_water: usize,
        /// [`OutboxLimits::bytes`].
        bytes: usize,
    },
    /// No answer could ever be owed.
    #[error("zero answers in flight: allow at least one")]
    NoAnswers,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            heartbeat,
            outbox,
            upgrade_within,
            handshake_within,
            first_frame_within,
            idle_events,
            answers_in_flight,
            longest_pause,
            linger,
            observer,
        } = self;
        f.debug_struct("Settings")
            .field("heartbeat", heartbeat)
            .field("outbox", outbox)
            .field("upgrade_within", upgrade_within)
            .field("handshake_within", handshake_within)
            .field("first_frame_within", first_frame_within)
            .field("idle_events", idle_events)
            .field("answers_in_flight", answers_in_flight)
            .field("longest_pause", longest_pause)
            .field("linger", linger)
            .field("observer", &observer.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_work_is_refused_with_a_sentence() {
        type Change = fn(&mut Settings);
        let table: [(Change, Option<&str>); 7] = [
            (|_| {}, None),
            (|settings| settings.outbox.messages = 0, Some("the outbox holds zero messages: allow at least one")),
            (|settings| settings.outbox.bytes = 0, Some("the outbox holds zero bytes: allow at least one frame")),
            (
                |settings| settings.outbox.bytes = 1000,
                Some("the outbox's high water of 65536 bytes is above its limit of 1000: lower it, or allow more"),
            ),
            (|settings| settings.outbox.bytes = settings.outbox.high_water, None),
            (|settings| settings.answers_in_flight = 0, Some("zero answers in flight: allow at least one")),
            (|settings| settings.answers_in_flight = 1, None),
        ];
        for (i, (change, refused)) in table.into_iter().enumerate() {
            let mut settings = Settings::new(Heartbeat::off());
            change(&mut settings);
            let said = settings.check().err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), refused, "row {i}");
        }
    }
}
