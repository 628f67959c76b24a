//! Systemd: what the server tells who started it, where that is systemd; elsewhere nothing.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::log::Log;

/// How often the log's account is told, and systemd that we live.
const PULSE: Duration = Duration::from_secs(1);

/// What requests in flight and the last writes may take beyond a drain.
const IN_FLIGHT: Duration = Duration::from_secs(60);

/// It serves.
pub(super) fn ready(connections: usize) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("room for {connections} long connections"))]);
}

/// It reads its settings again; [`ready`] follows.
pub(super) fn reloading() {
    // Type=notify-reload wants the moment beside the word.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It lets its clients go over this time. Systemd's own patience (TimeoutStopSec) may be shorter than what an operator
/// has asked for.
pub(super) fn stopping(over: Duration) {
    // At most an hour and some: more does not fit into its word.
    let within = u32::try_from((over + IN_FLIGHT).as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(within)]);
}

/// As long as the runtime runs, each second: what the log held back, and that we live, where systemd watches.
///
/// A unit whose WatchdogSec is below two seconds would be ended in good health.
pub(super) async fn pulse(log: Log) {
    let watched = sd_notify::watchdog_enabled().is_some();
    let mut seconds = tokio::time::interval(PULSE);
    loop {
        seconds.tick().await;
        log.tell_suppressed();
        if watched {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    // Without systemd there is nobody to tell, which is no failure.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd was not told");
    }
}
