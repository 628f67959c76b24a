//! One connection of the load: what was sent on it, and what came back.
//!
//! ```text
//!             writable                      end of stream, reset
//! Connecting ──────────> Up (bytes counted) ────────────────────> dropped by the load
//! ```

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
};

use socket2::Socket;

use super::{
    Error,
    frame::Exchange,
    reactor::Connection,
    socket::{dial, is_close},
};

/// One connection.
#[derive(Debug)]
pub(crate) struct Line {
    /// Its number, from 0.
    pub(crate) id: usize,
    socket: Socket,
    state: State,
}

#[derive(Debug)]
enum State {
    Connecting,
    Up(Traffic),
}

/// Positions in the endless streams of requests and answers, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    queued: u64,
    written: u64,
    received: u64,
}

/// What a read brought.
pub(super) enum Got {
    /// This many answers became whole; 0 for a part of one.
    Answers(u64),
    /// The server closed the connection, or the kernel did.
    Closed,
    /// Nothing to read.
    Nothing,
}

impl Line {
    /// Starts to connect, without waiting.
    ///
    /// # Errors
    /// What the kernel refuses at once: no descriptor, no port.
    pub(super) fn connect(id: usize, to: SocketAddr) -> io::Result<Self> {
        Ok(Self { id, socket: dial(id, to)?, state: State::Connecting })
    }

    /// Ends the connecting.
    ///
    /// # Errors
    /// Why the connection could not be made.
    pub(super) fn established(&mut self) -> io::Result<()> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        self.state = State::Up(Traffic::default());
        Ok(())
    }

    /// Counts from zero again, for an exchange that follows another; what is under way must be over.
    pub(crate) fn begin(&mut self) {
        if let State::Up(traffic) = &mut self.state {
            debug_assert_eq!(traffic.queued, traffic.received, "an exchange begins on a quiet line");
            *traffic = Traffic::default();
        }
    }

    /// Sends `count` requests, as far as the socket takes them; the rest follows when it takes more.
    ///
    /// A line that is gone is no error here: the read side reports its close.
    ///
    /// # Errors
    /// An error of the kernel that is no close.
    pub(crate) fn send(&mut self, exchange: &Exchange, count: u64) -> Result<(), Error> {
        if let State::Up(traffic) = &mut self.state {
            traffic.queued += count * exchange.request.frame();
        }
        self.flush(exchange)
    }

    pub(super) fn flush(&mut self, exchange: &Exchange) -> Result<(), Error> {
        let State::Up(traffic) = &mut self.state else {
            return Ok(());
        };
        while traffic.written < traffic.queued {
            let bytes = exchange.request.stretch(traffic.written, traffic.queued - traffic.written);
            match (&self.socket).write(bytes) {
                Ok(written) => {
                    traffic.written += written as u64;
                    if written < bytes.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock || is_close(&error) => break,
                Err(error) => return Err(Error::io("writing to the server failed", error)),
            }
        }
        Ok(())
    }

    /// How many requests are not answered yet, parts of answers included.
    pub(crate) fn under_way(&self, exchange: &Exchange) -> u64 {
        match &self.state {
            State::Up(traffic) => (traffic.queued - traffic.received).div_ceil(exchange.request.frame()),
            State::Connecting => 0,
        }
    }

    /// Reads once into `buffer` and compares with what must come.
    ///
    /// # Errors
    /// [`Error::Failed`] for wrong bytes, and for answers that nobody asked for.
    pub(super) fn receive(&mut self, exchange: &Exchange, buffer: &mut [u8]) -> Result<Got, Error> {
        let State::Up(traffic) = &mut self.state else {
            return Ok(Got::Nothing);
        };
        let got = match (&self.socket).read(buffer) {
            Ok(0) => return Ok(Got::Closed),
            Ok(length) => &buffer[..length],
            Err(error) if is_close(&error) => return Ok(Got::Closed),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(Got::Nothing);
            }
            Err(error) => return Err(Error::io("reading from the server failed", error)),
        };
        if let Some(at) = exchange.answer.mismatch(traffic.received, got) {
            return Err(Error::Failed(format!(
                "line {} got a wrong byte at position {at} of its answers: the server does not answer with what was asked",
                self.id
            )));
        }
        let whole = traffic.received / exchange.answer.frame();
        traffic.received += got.len() as u64;
        if traffic.received > traffic.written {
            return Err(Error::Failed(format!(
                "line {} got more answers than it asked for: {} bytes for {} sent",
                self.id, traffic.received, traffic.written
            )));
        }
        Ok(Got::Answers(traffic.received / exchange.answer.frame() - whole))
    }
}

impl Connection for Line {
    fn socket(&self) -> &Socket {
        &self.socket
    }

    fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting)
    }

    fn is_blocked(&self) -> bool {
        matches!(&self.state, State::Up(traffic) if traffic.written < traffic.queued)
    }
}
