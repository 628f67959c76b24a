//! The listening socket.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;
const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// A listener whose sockets do not block and do not delay.
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

/// What one `accept4` gave.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// A connection.
    Socket(OwnedFd),
    /// A connection that died in the queue; the next one may be well.
    Dead,
    /// Nobody waits.
    Nobody,
    /// Somebody waits, and there is no descriptor or memory for them.
    NoRoom,
}

impl Listener {
    /// Binds and listens.
    ///
    /// # Errors
    /// Whatever the kernel says, most likely that the address is in use.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let family = match addr {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let socket = rustix::net::socket_with(family, SocketType::STREAM, FLAGS, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        // Linux hands this on to accepted sockets, which saves a call for each of them.
        sockopt::set_tcp_nodelay(&socket, true)?;
        rustix::net::bind(&socket, &addr)?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(Self(socket))
    }

    /// The address it listens on, with the real port.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(rustix::net::getsockname(&self.0)?.try_into()?)
    }

    /// Takes one connection off the queue.
    pub(crate) fn accept(&self) -> Accepted {
        match rustix::net::accept_with(&self.0, FLAGS) {
            Ok(socket) => Accepted::Socket(socket),
            Err(Errno::AGAIN) => Accepted::Nobody,
            Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Accepted::NoRoom,
            Err(_) => Accepted::Dead,
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    #[test]
    fn accepted_sockets_do_not_delay_and_nobody_is_not_waited_for() {
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        assert!(matches!(listener.accept(), Accepted::Nobody));
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let Accepted::Socket(accepted) = listener.accept() else {
            panic!("nobody was accepted");
        };
        assert!(sockopt::tcp_nodelay(&accepted).unwrap());
    }
}
