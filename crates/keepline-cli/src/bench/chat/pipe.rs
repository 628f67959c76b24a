//! The bytes of one client of the load: a socket that does not block, in the open or with TLS over it.

use std::io::{self, ErrorKind, Read as _, Write as _};

use rustls::ClientConnection;
use socket2::Socket;

/// A socket, and its TLS if there is some.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) socket: Socket,
    tls: Option<Box<ClientConnection>>,
}

impl Pipe {
    pub(super) const fn new(socket: Socket, tls: Option<Box<ClientConnection>>) -> Self {
        Self { socket, tls }
    }

    /// Writes as much as is taken now. TLS keeps what is said before its handshake is done.
    ///
    /// # Errors
    /// The socket's.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return (&self.socket).write(bytes) };
        match tls.writer().write(bytes)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            written => Ok(written),
        }
    }

    /// Passes on what TLS has to say; nothing without.
    ///
    /// # Errors
    /// The socket's.
    pub(super) fn pass_on(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            tls.write_tls(&mut &self.socket)?;
        }
        Ok(())
    }

    /// Whether there is something to pass on that the socket did not take.
    pub(super) fn is_blocked(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Reads once; 0 at the end.
    ///
    /// # Errors
    /// The socket's, and those of TLS as `InvalidData`.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return (&self.socket).read(buffer) };
        if tls.read_tls(&mut &self.socket)? == 0 {
            return Ok(0);
        }
        tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        tls.reader().read(buffer)
    }
}
