//! Frame: the bytes of one message with their dialect, and messages as frames.

use bytes::Bytes;
use prost::Message;

use super::{cim, length, v1};
use crate::Reason;
use crate::wire::WireError;
use crate::wire::dialect::Dialect;

/// One frame that is no heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what the wire has, and what the connection knows of it")]
pub struct Frame<'a> {
    /// What it is written in.
    pub dialect: Dialect,
    /// A protobuf message without its length: [`v1::Frame`] or [`cim::Frame`].
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// The message of our own protocol. Its `body` is `None` for a kind of a later version: skip that.
    ///
    /// # Errors
    /// [`WireError::Malformed`] for a frame of cim, and for what is no such message.
    pub fn v1(&self) -> Result<v1::Frame, WireError> {
        match self.dialect {
            Dialect::V1 => decode(self.body),
            Dialect::Cim21 | Dialect::Cim1 => Err(WireError::Malformed { what: "a frame of cim" }),
        }
    }

    /// The message of cim, in either dialect.
    ///
    /// # Errors
    /// [`WireError::Malformed`] for a frame of our own protocol, and for what is no such message.
    pub fn cim(&self) -> Result<cim::Frame, WireError> {
        match self.dialect {
            Dialect::Cim21 | Dialect::Cim1 => decode(self.body),
            Dialect::V1 => Err(WireError::Malformed { what: "not a frame of cim" }),
        }
    }
}

/// A message as the bytes on the wire, with its length: made once, then shared by all who receive it.
///
/// `limit` is that of the receivers, in bytes without the length.
///
/// # Errors
/// [`WireError::TooLarge`] for a message over the limit; [`WireError::Malformed`] for an empty one.
///
/// # Example
/// ```
/// use keepline_proto::wire::im::{Im, cim, framed};
///
/// let pong = cim::Frame { text: "pong".into(), command: 2, ..Default::default() };
/// assert_eq!(framed(&pong, Im::AFTER_LOGIN)?, b"\x08\x0a\x04pong\x18\x02"[..]);
/// # Ok::<(), keepline_proto::wire::WireError>(())
/// ```
pub fn framed(message: &impl Message, limit: u32) -> Result<Bytes, WireError> {
    length::allowed(message.encoded_len(), limit)?;
    Ok(message.encode_length_delimited_to_vec().into())
}

/// Appends the `Close` of version 1 that goes with the reason.
pub(super) fn farewell(reason: Reason, out: &mut Vec<u8>) {
    let close = v1::Close { code: reason.code().into(), reason: reason.name().to_owned(), retry_after_ms: 0 };
    let frame = v1::Frame { body: Some(v1::frame::Body::Close(close)), ..v1::Frame::default() };
    out.extend_from_slice(&frame.encode_length_delimited_to_vec());
}

fn decode<M: Message + Default>(body: &[u8]) -> Result<M, WireError> {
    M::decode(body).map_err(|_| WireError::Malformed { what: "a protobuf message of another kind" })
}
