//! Clock: the driver's reading of time, as the core wants it.

use std::sync::OnceLock;
use std::time::Duration as StdDuration;

use keepline_proto::Instant;

/// The time now, in nanoseconds since an epoch of this process.
///
/// Read through tokio, so that a paused clock in a test pauses every deadline too.
#[inline]
pub(crate) fn now() -> Instant {
    let since = tokio::time::Instant::now().into_std().saturating_duration_since(epoch());
    Instant::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// The moment for tokio's own timers.
pub(crate) fn to_tokio(at: Instant) -> tokio::time::Instant {
    tokio::time::Instant::from_std(epoch() + StdDuration::from_nanos(at.as_nanos()))
}

/// An hour before the first reading: a runtime with a paused clock may have taken its base before it.
fn epoch() -> std::time::Instant {
    static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
    *EPOCH.get_or_init(|| {
        let now = std::time::Instant::now();
        now.checked_sub(StdDuration::from_secs(3600)).unwrap_or(now)
    })
}
