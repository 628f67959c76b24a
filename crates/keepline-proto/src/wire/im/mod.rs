//! The IM server's frames: our own protocol and cim's two dialects on one port.
//!
//! ```text
//!  +----------------+--------------------+
//!  | length, varint | a protobuf message |   1 byte at least, and at most the limit, without the length itself
//!  +----------------+--------------------+
//! ```
//! What the messages say stands in `docs/protocol.md`; [`v1`] and [`cim`] are their types.

use super::dialect::{Dialect, Refusal};
use super::{Codec, Decoded, WireError};
use crate::Reason;

mod frame;
mod heartbeat;
mod length;

pub use frame::{Frame, framed};

/// The messages of our own protocol, from `proto/keepline_v1.proto`.
#[allow(missing_docs, clippy::all, clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "generated")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/keepline.v1.rs"));

    /// Without the token: what is printed is kept in logs.
    impl core::fmt::Debug for Hello {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            let Self { role, token: _, device, wish } = self;
            let mut hello = f.debug_struct("Hello");
            hello.field("role", role).field("device", device).field("wish", wish).finish_non_exhaustive()
        }
    }
}

/// The messages of both of cim's dialects, from `proto/cim.proto`.
#[allow(missing_docs, clippy::all, clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "generated")]
pub mod cim {
    include!(concat!(env!("OUT_DIR"), "/keepline.cim.rs"));
}

/// The codec of one connection.
///
/// Every length that is not plainly right is an error: an empty frame (which cim takes for a login), a negative length,
/// one over the limit, and one with more bytes than it needs. Netty's decoder takes the last (`81 00` for one byte),
/// but no encoder of cim writes it, and the first header comes before the dialect is known: one rule for all three.
///
/// The limits of a server are [`BEFORE_LOGIN`](Self::BEFORE_LOGIN) until [`set_limit`](Self::set_limit).
///
/// # Example
/// ```
/// use keepline_proto::wire::dialect::Dialect;
/// use keepline_proto::wire::im::{Accepts, Im};
/// use keepline_proto::wire::{Codec, Decoded, Message};
///
/// let mut codec = Im::server(Accepts { cim: true });
/// let login = b"\x0b\x0a\x02zs\x10\xff\xb6\xf0\x90\x83\x2d";
/// assert!(matches!(codec.decode(login), Ok(Decoded::Frame { bytes: 12, message: Message::Data(_) })));
/// assert_eq!(codec.dialect(), Some(Dialect::Cim21));
///
/// let mut out = Vec::new();
/// codec.pong(None, &mut out);
/// assert_eq!(out, b"\x08\x0a\x04pong\x18\x02");
/// ```
#[derive(Debug)]
pub struct Im {
    /// The largest frame, without its length, in bytes.
    limit: u32,
    end: End,
    state: State,
    /// Whether there is a farewell on its way that says more than ours.
    said_farewell: bool,
}

/// Whom a server talks to, besides clients of our own protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a choice, and made with a literal")]
pub struct Accepts {
    /// Clients of cim, in both of its dialects.
    pub cim: bool,
}

/// Which end of the connection this is: in cim's dialects a ping and a pong differ by their direction only.
#[derive(Clone, Copy, Debug)]
enum End {
    Server,
    Client,
}

/// What has been heard.
#[derive(Debug)]
enum State {
    /// A server before the first frame: nothing can be said yet.
    Fresh(Accepts),
    Speaking(Dialect),
}

impl Im {
    /// The limit of a server's connection before its client has logged in, in bytes without the length.
    pub const BEFORE_LOGIN: u32 = 4 * 1024;
    /// The limit after that.
    pub const AFTER_LOGIN: u32 = 64 * 1024;
    /// The largest body of a message that a server should take, in bytes: what it delivers has longer fields around it
    /// than what was sent, and must still fit [`AFTER_LOGIN`](Self::AFTER_LOGIN).
    pub const LARGEST_BODY: usize = 60 * 1024;

    /// A server's end. It is silent until the first frame has said what the client speaks.
    #[must_use]
    pub const fn server(accepts: Accepts) -> Self {
        Self { limit: Self::BEFORE_LOGIN, end: End::Server, state: State::Fresh(accepts), said_farewell: false }
    }

    /// A client's end, in our own protocol. Its limit is [`AFTER_LOGIN`](Self::AFTER_LOGIN) from the start; the server
    /// takes no more than [`BEFORE_LOGIN`](Self::BEFORE_LOGIN) for the first frame.
    #[must_use]
    pub const fn client() -> Self {
        Self::client_of(Dialect::V1)
    }

    /// A client's end in any dialect.
    #[must_use]
    pub const fn client_of(dialect: Dialect) -> Self {
        Self { limit: Self::AFTER_LOGIN, end: End::Client, state: State::Speaking(dialect), said_farewell: false }
    }

    /// Sets the largest frame, both ways, in bytes without the length.
    pub const fn set_limit(&mut self, bytes: u32) {
        self.limit = bytes;
    }

    /// A `Close` has been said already, as one that names a time to come back: no other follows it.
    pub const fn said_farewell(&mut self) {
        self.said_farewell = true;
    }

    /// What is spoken, once it is known.
    #[must_use]
    pub const fn dialect(&self) -> Option<Dialect> {
        match self.state {
            State::Fresh(_) => None,
            State::Speaking(dialect) => Some(dialect),
        }
    }
}

impl Accepts {
    fn judge(self, first: &[u8]) -> Result<Dialect, WireError> {
        match Dialect::judge(first) {
            Ok(Dialect::Cim21 | Dialect::Cim1) if !self.cim => Err(Refusal::CimOff.into()),
            verdict => Ok(verdict?),
        }
    }
}

impl Codec for Im {
    type Frame<'a> = Frame<'a>;

    fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<Frame<'a>>, WireError> {
        // The length first: it can be wrong at the first byte, and the outcome must not depend on how many there are.
        let Some(header) = length::read(input, self.limit)? else {
            return Ok(Decoded::Partial { announced: 0 });
        };
        if let State::Fresh(_) = self.state {
            Dialect::sniff(input)?;
        }
        let bytes = header.bytes + header.length as usize;
        let Some(body) = input.get(header.bytes..bytes) else {
            return Ok(Decoded::Partial { announced: bytes as u64 });
        };
        let dialect = match self.state {
            State::Fresh(accepts) => accepts.judge(body)?,
            State::Speaking(dialect) => dialect,
        };
        let message = heartbeat::message(self.end, dialect, body)?;
        self.state = State::Speaking(dialect);
        Ok(Decoded::Frame { bytes, message })
    }

    /// # Errors
    /// [`WireError::TooLarge`] for a frame over the limit; [`WireError::Malformed`] for an empty one, for one of
    /// another dialect than is spoken, and while a server does not yet know which that is.
    fn encode(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) -> Result<(), WireError> {
        if self.dialect() != Some(frame.dialect) {
            return Err(WireError::Malformed { what: "a frame of a dialect that is not spoken here" });
        }
        length::write(frame.body.len(), self.limit, out)?;
        out.extend_from_slice(frame.body);
        Ok(())
    }

    /// Nothing from a server before the first frame. cim's clients ignore a server's ping and do not answer it.
    fn ping(&mut self, nonce: Option<u32>, out: &mut Vec<u8>) {
        if let Some(dialect) = self.dialect() {
            heartbeat::ping(dialect, nonce, out);
        }
    }

    fn pong(&mut self, nonce: Option<u32>, out: &mut Vec<u8>) {
        if let Some(dialect) = self.dialect() {
            heartbeat::pong(dialect, nonce, out);
        }
    }

    /// `Close` in our own protocol. Nothing in cim's, where any frame that is no ping is shown as a chat message.
    fn farewell(&mut self, reason: Reason, out: &mut Vec<u8>) {
        if self.dialect() == Some(Dialect::V1) && !self.said_farewell {
            frame::farewell(reason, out);
        }
    }
}

// Every idle connection carries one.
const _: () = assert!(size_of::<Im>() <= 8);
// No heap: nothing can grow with an announced length.
const _: () = assert!(!core::mem::needs_drop::<Im>());
