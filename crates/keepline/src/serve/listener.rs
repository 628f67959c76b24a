//! Listener: where connections come from.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::task::{Context, Poll};
use std::time::Duration as StdDuration;

use keepline_proto::Duration;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::conn::Transport;

/// Connections that the kernel holds until they are accepted.
pub const BACKLOG: i32 = 4096;

/// A source of connections.
pub trait Listener: Send + 'static {
    /// What a connection is.
    type Io: Transport;

    /// Accepts one connection, with the peer's address where there is one.
    ///
    /// # Errors
    /// The kernel's; the accept loop tells those of one connection from those of the process.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Option<SocketAddr>)>>;
}

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
    pub fn apply(&self, socket: &SockRef<'_>) -> io::Result<()> {
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

/// Opens a TCP listener with a backlog of [`BACKLOG`]; what it accepts has `TCP_NODELAY` and the kernel's watch.
///
/// # Errors
/// The address can't be bound, as when another process has it.
pub fn tcp(address: SocketAddr, watch: KernelWatch) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Inherited by accepted sockets on Linux: three system calls saved for each.
    socket.set_tcp_nodelay(true)?;
    watch.apply(&SockRef::from(&socket))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Opens a Unix listener at a path that must not exist yet.
///
/// # Errors
/// The path can't be bound.
pub fn unix(path: impl AsRef<Path>) -> io::Result<UnixListener> {
    UnixListener::bind(path)
}

impl Listener for TcpListener {
    type Io = TcpStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, Option<SocketAddr>)>> {
        Self::poll_accept(self, cx).map_ok(|(stream, peer)| (stream, Some(peer)))
    }
}

impl Listener for UnixListener {
    type Io = UnixStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, Option<SocketAddr>)>> {
        Self::poll_accept(self, cx).map_ok(|(stream, _)| (stream, None))
    }
}
