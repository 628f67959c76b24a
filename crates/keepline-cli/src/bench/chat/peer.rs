//! One client of the load: its socket, what waits to be written, and the part of a frame that has come.
//!
//! ```text
//!             writable                end of stream, reset, a farewell
//! Connecting ──────────> Up(voice) ────────────────────────────────────> dropped by the swarm
//! ```

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use rustls::ClientConnection;
use socket2::Socket;

use super::{
    super::{
        Error,
        reactor::{Connection, Next},
        socket::{dial, is_close},
    },
    pipe::Pipe,
    speech::{Heard, Speech},
};

/// One connection of a client.
#[derive(Debug)]
pub(super) struct Peer<V> {
    pipe: Pipe,
    /// What the client says; written behind each turn.
    pub(super) out: Vec<u8>,
    written: usize,
    state: State<V>,
    /// The begin of a frame.
    begun: Vec<u8>,
}

#[derive(Debug)]
enum State<V> {
    Connecting,
    Up(V),
}

impl<V> Peer<V> {
    /// Starts to connect, without waiting.
    ///
    /// # Errors
    /// What the kernel refuses at once.
    pub(super) fn dial(id: usize, to: SocketAddr, tls: Option<Box<ClientConnection>>) -> io::Result<Self> {
        let pipe = Pipe::new(dial(id, to)?, tls);
        Ok(Self { pipe, out: Vec::new(), written: 0, state: State::Connecting, begun: Vec::new() })
    }

    /// Ends the connecting, and greets.
    ///
    /// # Errors
    /// Why the connection could not be made.
    pub(super) fn established<S: Speech<Voice = V>>(&mut self, id: usize, speech: &S) -> io::Result<()> {
        if let Some(error) = self.pipe.socket.take_error()? {
            return Err(error);
        }
        self.state = State::Up(speech.greet(id, &mut self.out));
        Ok(())
    }

    /// Writes as much as the socket takes. A connection that is gone is no error here: the read side reports it.
    ///
    /// # Errors
    /// An error of the kernel that is no close.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        while self.written < self.out.len() {
            match self.pipe.write(&self.out[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return self.pass_on(),
                Err(error) if is_close(&error) => break,
                Err(error) => return Err(Error::io("writing to the server failed", error)),
            }
        }
        self.written = 0;
        self.out.clear();
        // Ten thousand clients at rest keep no buffers: they would drive each other out of the cache.
        self.out.shrink_to(256);
        self.pass_on()
    }

    fn pass_on(&mut self) -> Result<(), Error> {
        match self.pipe.pass_on() {
            Err(error) if error.kind() != ErrorKind::WouldBlock && !is_close(&error) => {
                Err(Error::io("writing to the server failed", error))
            }
            _ => Ok(()),
        }
    }

    /// Reads once into `buffer`, and tells `on` each whole frame, with what the client says to it.
    ///
    /// # Errors
    /// Bytes that the protocol does not have, and what `on` returns.
    pub(super) fn receive<S: Speech<Voice = V>>(
        &mut self,
        speech: &S,
        buffer: &mut [u8],
        mut on: impl FnMut(Heard<'_>, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Next, Error> {
        let State::Up(voice) = &mut self.state else { return Ok(Next::Open) };
        let length = match self.pipe.read(buffer) {
            Ok(0) => return Ok(Next::Closed),
            Ok(length) => length,
            Err(error) if is_close(&error) => return Ok(Next::Closed),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(Next::Open);
            }
            Err(error) => return Err(Error::io("reading from the server failed", error)),
        };
        let joined;
        let mut input = &buffer[..length];
        if !self.begun.is_empty() {
            self.begun.extend_from_slice(input);
            joined = std::mem::take(&mut self.begun);
            input = &joined;
        }
        while !input.is_empty() {
            let heard = speech.hear(voice, input, &mut self.out).map_err(Error::Failed)?;
            let Some((bytes, heard)) = heard else { break };
            input = &input[bytes..];
            on(heard, &mut self.out)?;
        }
        self.begun = input.to_vec();
        speech.settle(voice, &mut self.out);
        Ok(Next::Open)
    }
}

impl<V> Connection for Peer<V> {
    fn socket(&self) -> &Socket {
        &self.pipe.socket
    }

    fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting)
    }

    fn is_blocked(&self) -> bool {
        !self.out.is_empty() || self.pipe.is_blocked()
    }
}
