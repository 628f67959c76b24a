//! Sockets of a load: how they are dialled, from where, and which errors are the end of a connection.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use super::Error;

/// Loopback addresses 127.0.0.2 to 127.0.0.20: each has its own range of ports, and a limit per
/// address on the server's side is not met by one address alone.
const SOURCES: usize = 19;

/// Starts to connect, without waiting; `id` spreads the sockets over several addresses of this machine.
///
/// # Errors
/// What the kernel refuses at once: no descriptor, no port.
pub(super) fn dial(id: usize, to: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking().cloexec(), None)?;
    // A reset on close: no TIME_WAIT is left behind, so the ports are free for the next round.
    socket.set_linger(Some(Duration::ZERO))?;
    socket.set_tcp_nodelay(true)?;
    if let Some(from) = source(to, id) {
        socket.bind(&from.into())?;
    }
    match socket.connect(&to.into()) {
        Ok(()) => Ok(socket),
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => Ok(socket),
        Err(error) => Err(error),
    }
}

/// Whether the other end, or the kernel in its name, has ended the connection.
pub(super) fn is_close(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted | ErrorKind::TimedOut
    )
}

/// That no connection to `to` could be made.
pub(super) fn unreachable(to: SocketAddr, error: &io::Error) -> Error {
    Error::Unreachable(format!("no connection to {to}: {error}; check that the server runs and listens there"))
}

/// The address to connect from: one of several for an IPv4 loopback target, else the kernel's choice.
fn source(to: SocketAddr, id: usize) -> Option<SocketAddr> {
    let last = u8::try_from(2 + id % SOURCES).ok()?;
    (to.is_ipv4() && to.ip().is_loopback()).then(|| (IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0).into())
}
