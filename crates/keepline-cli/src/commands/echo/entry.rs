//! Entry: one thing that an end has to tell, whatever the style it is told in.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use keepline::wire::WireError;
use keepline::{Duration, Reason, Report};

use super::gap::Gap;

/// For a peer that nobody has told us of.
pub(super) const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// One thing that happened at this end. A `peer` is the other end's address.
#[derive(Debug)]
pub(super) enum Entry<'a> {
    /// The server takes connections.
    Listening(SocketAddr),
    /// The client begins.
    Begin { messages: u32, gap: Gap, seed: u64 },
    /// An attempt to connect begins.
    Connecting { endpoint: &'a str, attempt: u32 },
    /// An attempt failed.
    Failed { endpoint: &'a str, error: &'a io::Error, next_try: Duration },
    /// A line is open; `endpoint` is what the client was given.
    Up { endpoint: Option<&'a str>, peer: SocketAddr },
    /// The line was quiet, so a ping goes out, the `count`-th heartbeat of this line.
    PingSent { peer: SocketAddr, count: u32 },
    /// The peer asks whether we are there.
    PingReceived { peer: SocketAddr },
    /// The answer to that.
    PongSent { peer: SocketAddr, count: u32 },
    /// The peer has answered our ping.
    PongReceived { peer: SocketAddr, round_trip: Option<Duration> },
    /// A message, sent by the client or received by the server.
    Message { peer: SocketAddr, text: &'a str },
    /// Its echo, received by the client or sent by the server.
    Echo { peer: SocketAddr, text: &'a str },
    /// The server sent something that echoes no message.
    Unasked { peer: SocketAddr, text: &'a str },
    /// Half of the time for a pong is gone.
    Suspect { peer: SocketAddr },
    /// The peer was silent for the whole of the server's limit.
    TimedOut { peer: SocketAddr },
    /// A lenient decoder dropped bytes.
    Skipped { peer: SocketAddr, error: WireError },
    /// A line has ended; the client says when it tries again.
    Down { peer: SocketAddr, report: &'a Report, next_try: Option<Duration> },
    /// This many events came too fast to be told.
    Missed(u64),
    /// This end is done; what it has counted.
    Closed { reason: Option<Reason>, counts: &'a [(&'static str, u64)] },
}

/// Which end tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

impl Role {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
