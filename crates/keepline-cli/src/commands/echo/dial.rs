//! Dial: what the client speaks, and whom it got hold of.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use keepline::client::{Connect, EchoProtocol, Incoming, Protocol, Tcp};
use keepline::wire::WireError;
use keepline::wire::echo::{Echo, Frame};
use tokio::net::TcpStream;

use super::codec;
use super::entry::NOWHERE;

/// TCP that remembers the address of its last connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Dial {
    tcp: Tcp,
    last: Arc<Mutex<Option<SocketAddr>>>,
}

impl Dial {
    /// The peer of the last connection, or an address of zeros.
    pub(super) fn last(&self) -> SocketAddr {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(NOWHERE)
    }
}

impl Connect for Dial {
    type Io = TcpStream;

    async fn connect(&self, endpoint: &str) -> io::Result<TcpStream> {
        let stream = self.tcp.connect(endpoint).await?;
        let peer = stream.peer_addr()?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer);
        Ok(stream)
    }
}

/// The echo protocol with a choice of decoders.
#[derive(Clone, Copy, Debug)]
pub(super) struct EchoPair {
    pub(super) netty_compatible: bool,
}

impl Protocol for EchoPair {
    type Codec = Echo;
    type Message = Vec<u8>;
    type Answer = Vec<u8>;

    fn codec(&mut self) -> Echo {
        codec(self.netty_compatible)
    }

    fn encode(&mut self, id: u64, message: Vec<u8>, codec: &mut Echo, out: &mut Vec<u8>) -> Result<(), WireError> {
        EchoProtocol.encode(id, message, codec, out)
    }

    fn on_frame(&mut self, frame: Frame<'_>) -> Incoming<Vec<u8>> {
        EchoProtocol.on_frame(frame)
    }
}
