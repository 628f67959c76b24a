//! KernelWatch: the kernel's own time-outs of a TCP line, as a second watch behind the heartbeats.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration as StdDuration;

use keepline_proto::Duration;
use socket2::{SockRef, TcpKeepalive};

/// The kernel's own watch over a TCP line, a second one behind the heartbeats. Both parts are optional; a line that
/// the kernel gives up ends as [`Silent`](crate::Reason::Silent).
///
/// The kernel sees what a heartbeat in a full outbox does not (unacknowledged data), and misses what a heartbeat sees
/// (a stopped process, whose kernel still answers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelWatch {
    /// `TCP_USER_TIMEOUT` (RFC 5482): how long sent data may stay unacknowledged. Whole milliseconds.
    pub user_timeout: Option<Duration>,
    /// Keepalive: probe after this much silence, then every tenth of it, three times. Whole seconds, at least 1.
    pub keepalive: Option<Duration>,
}

impl KernelWatch {
    /// Both parts on: data unacknowledged for `limit` or silence of `limit` and three probes.
    #[must_use]
    pub const fn after(limit: Duration) -> Self {
        Self { user_timeout: Some(limit), keepalive: Some(limit) }
    }

    /// Sets the options of a socket. On Linux a listener hands them on to what it accepts.
    ///
    /// # Errors
    /// The kernel refuses a value.
    pub fn apply(&self, socket: &impl AsFd) -> io::Result<()> {
        let socket = SockRef::from(socket);
        if let Some(limit) = self.user_timeout {
            socket.set_tcp_user_timeout(Some(limit.to_std()))?;
        }
        if let Some(idle) = self.keepalive {
            let second = StdDuration::from_secs(1);
            let idle = idle.to_std().max(second);
            let gap = (idle / 10).max(second);
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle).with_interval(gap).with_retries(3))?;
        }
        Ok(())
    }
}
