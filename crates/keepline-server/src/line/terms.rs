//! Terms: how often each side of a line must be heard of, stated at login.

use std::sync::Arc;
use std::time::Duration;

use keepline_proto::liveness::{Heartbeat, HeartbeatError, IdleKind};
use keepline_proto::wire::im::v1;

/// cim's clients ping after this much time without a write.
const CIM_PINGS: Duration = Duration::from_secs(10);
/// cim's server looks each 11 s whether the last ping is older than 30 s: this is when it is found to be.
const CIM_SILENCE: Duration = Duration::from_secs(33);
/// More than so many pings that come closer than [`CLOSEST_PINGS`] end a line.
const STRIKES: u8 = 10;
const CLOSEST_PINGS: Duration = Duration::from_secs(1);

/// How often each side of a line must be heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two times")]
pub struct Terms {
    /// The client pings after this much time without a read or a write.
    pub ping_after: Duration,
    /// The server ends a line of which it has read nothing for this long; at least twice the other.
    pub silence: Duration,
}

/// What a client may wish for; each of its two times is moved into these limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two limits")]
pub struct TermsLimits {
    /// The shortest of each.
    pub least: Terms,
    /// The longest of each.
    pub most: Terms,
}

impl Default for Terms {
    /// 25 s and 60 s.
    fn default() -> Self {
        Self { ping_after: Duration::from_secs(25), silence: Duration::from_secs(60) }
    }
}

impl Default for TermsLimits {
    /// From 5 s and 10 s to 5 and 15 minutes.
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            least: Terms { ping_after: secs(5), silence: secs(10) },
            most: Terms { ping_after: secs(300), silence: secs(900) },
        }
    }
}

impl Terms {
    /// These, but as a client wishes, within the limits; a time that is left out or 0 is no wish.
    #[must_use]
    pub fn wished(self, wish: &v1::Terms, limits: &TermsLimits) -> Self {
        let ping_after = match wish.ping_after_ms {
            0 => self.ping_after,
            ms => Duration::from_millis(ms.into()).clamp(limits.least.ping_after, limits.most.ping_after),
        };
        let silence = match wish.silence_ms {
            0 => self.silence,
            ms => Duration::from_millis(ms.into()).clamp(limits.least.silence, limits.most.silence),
        };
        // One late ping must not be the end.
        Self { ping_after, silence: silence.max(ping_after * 2) }
    }

    /// What the server holds the line to: it asks once half of the silence is over, and ends it at the end.
    ///
    /// # Errors
    /// Times that can't work, as none at all.
    pub fn heartbeat(self) -> Result<Heartbeat, HeartbeatError> {
        Heartbeat::builder()
            .peer_pings_every(self.ping_after)
            .ping(IdleKind::Reader, self.silence / 2)
            .silence(self.silence)
            .ping_limit(CLOSEST_PINGS, STRIKES)
            .build()
    }

    /// As the client hears it.
    #[must_use]
    pub fn to_wire(self) -> v1::Terms {
        let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        v1::Terms { ping_after_ms: millis(self.ping_after), silence_ms: millis(self.silence) }
    }
}

/// cim's own times.
pub(crate) const fn cim_terms() -> Terms {
    Terms { ping_after: CIM_PINGS, silence: CIM_SILENCE }
}

/// What the server holds a cim client to: cim's own times, and no more pings than anybody. It is never pinged, as it does
/// not answer.
///
/// # Errors
/// None: the times are ours.
pub(super) fn cim() -> Result<Arc<Heartbeat>, HeartbeatError> {
    Heartbeat::builder()
        .peer_pings_every(CIM_PINGS)
        .silence(CIM_SILENCE)
        .ping_limit(CLOSEST_PINGS, STRIKES)
        .build()
        .map(Arc::new)
}
