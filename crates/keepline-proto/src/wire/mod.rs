//! Wire formats: the trait that a driver needs of one, and one codec a file.

use core::fmt;

use crate::Reason;

pub mod dialect;
pub mod echo;
mod fields;
#[cfg(feature = "im")]
pub mod im;
pub mod line;

/// A frame format: how heartbeats and data lie on the wire.
///
/// A codec is a plain state machine over bytes. It reads from a buffer that it does not own and never asks for room:
/// the driver keeps what has arrived, so an announced length costs nothing. One value serves one connection.
///
/// # Example
/// ```
/// use keepline_proto::wire::{Codec, Decoded, Message, echo::Echo};
///
/// let mut codec = Echo::strict();
/// let mut out = Vec::new();
/// codec.ping(None, &mut out);
/// assert_eq!(out, [0, 0, 0, 5, 1]);
/// assert!(matches!(
///     codec.decode(&out),
///     Ok(Decoded::Frame { bytes: 5, message: Message::Ping(None) })
/// ));
/// ```
pub trait Codec {
    /// A data frame; decoded ones borrow from the input.
    type Frame<'a>;

    /// Looks for one frame at the front of `input`.
    ///
    /// Must not consume state for a [`Decoded::Partial`]: the driver calls again with the same bytes and more.
    /// No bytes at all are a partial frame with nothing announced.
    ///
    /// # Errors
    /// Bytes that can't be a frame, or one that is too large. The connection is closed with
    /// [`WireError::reason`]; nothing after the error is decoded.
    fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<Self::Frame<'a>>, WireError>;

    /// Appends a data frame to `out`; on an error `out` is as it was.
    ///
    /// # Errors
    /// A frame that the peer's decoder would refuse, as larger than the limit.
    fn encode(&mut self, frame: Self::Frame<'_>, out: &mut Vec<u8>) -> Result<(), WireError>;

    /// Appends a ping. Formats without a nonce ignore it.
    fn ping(&mut self, nonce: Option<u32>, out: &mut Vec<u8>);

    /// Appends the answer to a ping.
    fn pong(&mut self, nonce: Option<u32>, out: &mut Vec<u8>);

    /// Appends a farewell with its reason, if the format has one.
    fn farewell(&mut self, reason: Reason, out: &mut Vec<u8>) {
        let _ = (reason, out);
    }
}

/// What lies at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle each case")]
pub enum Decoded<F> {
    /// Not a whole frame yet.
    Partial {
        /// The length of the whole frame as announced, in bytes; 0 while unknown.
        announced: u64,
    },
    /// A whole frame.
    Frame {
        /// How many bytes of the input it took; at least 1.
        bytes: usize,
        /// What it says.
        message: Message<F>,
    },
    /// Bytes to drop without closing, as a lenient mode demands.
    Skip {
        /// How many bytes of the input to drop; at least 1.
        bytes: usize,
        /// What is wrong with them; `None` for the rest of something already complained about.
        error: Option<WireError>,
    },
}

/// What one frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle each case")]
pub enum Message<F> {
    /// Are you there? With the nonce to answer with, if the format has one.
    Ping(Option<u32>),
    /// I am here: the answer to a ping, with its nonce.
    Pong(Option<u32>),
    /// Anything else: what the connection is for.
    Data(F),
}

/// Bytes that are not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// A length field that is smaller than the header it counts.
    LengthTooSmall {
        /// The length on the wire.
        length: u64,
        /// The smallest valid one.
        least: u64,
    },
    /// A frame larger than allowed.
    TooLarge {
        /// The length on the wire, or what has arrived without an end.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// Content that this format can't carry.
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A first frame that this server does not take.
    Refused(dialect::Refusal),
}

impl WireError {
    /// The close reason that goes with the error.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::TooLarge { .. } => Reason::TooLarge,
            Self::LengthTooSmall { .. } | Self::Malformed { .. } | Self::Refused(_) => Reason::ProtocolError,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthTooSmall { length, least } => {
                write!(f, "frame length {length} is below {least}, the size of the header it counts")
            }
            Self::TooLarge { length, limit } => {
                write!(f, "frame of {length} bytes is over the limit of {limit}")
            }
            Self::Malformed { what } => write!(f, "malformed frame: {what}"),
            Self::Refused(refusal) => write!(f, "first frame refused: {refusal}"),
        }
    }
}

impl core::error::Error for WireError {}

impl From<dialect::Refusal> for WireError {
    fn from(refusal: dialect::Refusal) -> Self {
        Self::Refused(refusal)
    }
}
