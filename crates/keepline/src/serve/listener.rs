//! Listener: where connections come from.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::task::{Context, Poll};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::conn::Transport;
use crate::kernel::KernelWatch;

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

/// Opens a TCP listener with a backlog of [`BACKLOG`]; what it accepts has `TCP_NODELAY` and the kernel's watch.
///
/// # Errors
/// The address can't be bound, as when another process has it.
pub fn tcp(address: SocketAddr, watch: KernelWatch) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Inherited by accepted sockets on Linux: three system calls saved for each.
    socket.set_tcp_nodelay(true)?;
    watch.apply(&socket)?;
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
        Self::poll_accept(self, cx).map_ok(|(stream, mut peer)| {
            // Who comes by IPv4 to a listener for both is in logs, lists and limits by the address that he has.
            peer.set_ip(peer.ip().to_canonical());
            (stream, Some(peer))
        })
    }
}

impl Listener for UnixListener {
    type Io = UnixStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, Option<SocketAddr>)>> {
        Self::poll_accept(self, cx).map_ok(|(stream, _)| (stream, None))
    }
}
