//! The echo pair's frames: length, type, content.
//!
//! ```text
//!  0        4      5            length
//!  +--------+------+-----------------+
//!  | length | type | content         |   length: big-endian, unsigned, counts all three
//!  +--------+------+-----------------+
//! ```
//! Type 1 is a ping (its content is ignored), 2 a pong, and every other value is data: an echo returns the type that
//! came. The article's figure shows type 1 next to data; its code sends 3, and so does [`Frame::data`].

use core::num::NonZeroU32;

use super::{Codec, Decoded, Message, WireError};

/// The length of a frame without content, in bytes.
const HEADER: u32 = 5;

/// One frame that is no heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the wire has these two fields and the length, which follows")]
pub struct Frame<'a> {
    /// The type byte: [`Frame::DATA`], or any other value but [`Frame::PING`] and [`Frame::PONG`].
    pub kind: u8,
    /// What follows the type byte.
    pub content: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The type of a ping.
    pub const PING: u8 = 1;
    /// The type of a pong.
    pub const PONG: u8 = 2;
    /// The type of data that we send. Types 0 and 4 to 255 are data too when they come in.
    pub const DATA: u8 = 3;

    /// A frame of type 3.
    #[must_use]
    pub const fn data(content: &'a [u8]) -> Self {
        Self { kind: Self::DATA, content }
    }
}

/// The codec of one connection.
///
/// # Example
/// ```
/// use keepline_proto::wire::{Codec, Decoded, Message, echo::{Echo, Frame}};
///
/// let mut codec = Echo::strict();
/// let mut out = Vec::new();
/// codec.encode(Frame::data(b"client msg 0"), &mut out)?;
/// assert_eq!(out[..5], [0, 0, 0, 17, 3]);
/// assert_eq!(
///     codec.decode(&out)?,
///     Decoded::Frame { bytes: 17, message: Message::Data(Frame::data(b"client msg 0")) }
/// );
/// # Ok::<(), keepline_proto::wire::WireError>(())
/// ```
#[derive(Debug)]
pub struct Echo {
    /// The largest frame, header included, in bytes.
    max: u32,
    state: State,
}

/// What the next bytes are, and what a bad length does.
///
/// ```text
///  Strict            a bad length is an error, and the connection closes
///
///            length > max, not all of it here
///  Lenient ----------------------------------> Discarding
///     ^                                            |
///     +--------------------------------------------+
///            the last of its bytes has come
/// ```
#[derive(Debug)]
enum State {
    Strict,
    Lenient,
    Discarding { left: NonZeroU32 },
}

impl Echo {
    /// The largest frame unless set otherwise: 1024 bytes with the header, as in the article.
    pub const DEFAULT_LIMIT: u32 = 1024;

    /// A length that can't be is an error as soon as its four bytes are in. The default.
    ///
    /// So a peer that speaks another format, or announces 4 GiB, is closed at once and with a reason.
    #[must_use]
    pub const fn strict() -> Self {
        Self { max: Self::DEFAULT_LIMIT, state: State::Strict }
    }

    /// Does with a bad length what the article's decoder does: Netty 4.1's `LengthFieldBasedFrameDecoder` with
    /// (1024, 0, 4, -4, 0).
    ///
    /// | length | what happens |
    /// |---|---|
    /// | 0 to 4 | 4 bytes are skipped |
    /// | over the limit | an error as soon as the length is in; that many bytes are skipped, up to 4 GiB |
    ///
    /// The connection stays open and the bytes after that are decoded. Do not use it with peers that you do not
    /// trust: one bad length can make a connection deaf for good, and its bytes still count as life.
    #[must_use]
    pub const fn netty_compatible() -> Self {
        Self { max: Self::DEFAULT_LIMIT, state: State::Lenient }
    }

    /// The same codec with another limit: the largest frame with its header, in bytes, both ways.
    ///
    /// # Errors
    /// [`WireError::LengthTooSmall`] below 5 bytes: not even a ping would fit.
    pub const fn with_limit(self, max: u32) -> Result<Self, WireError> {
        if max < HEADER {
            return Err(too_small(max));
        }
        Ok(Self { max, ..self })
    }

    /// What to do with a length outside 5..=max at the front of `input`.
    #[cold]
    fn refuse<F>(&mut self, length: u32, input: &[u8]) -> Result<Decoded<F>, WireError> {
        let small = length < HEADER;
        let error = if small { too_small(length) } else { too_large(length.into(), self.max) };
        if matches!(self.state, State::Strict) {
            return Err(error);
        }
        // Netty drops the four bytes of a length below 4; of a length of 4 it makes a frame, which then fails for want
        // of a type. Either way four bytes are gone.
        let bytes = if small { size_of::<u32>() } else { self.discard(length, input) };
        Ok(Decoded::Skip { bytes, error: Some(error) })
    }

    /// Drops as much of `length` bytes as is here and remembers the rest; returns how much it was.
    #[cold]
    fn discard(&mut self, length: u32, input: &[u8]) -> usize {
        let here = u32::try_from(input.len()).unwrap_or(u32::MAX).min(length);
        self.state = NonZeroU32::new(length - here).map_or(State::Lenient, |left| State::Discarding { left });
        here as usize
    }
}

impl Default for Echo {
    fn default() -> Self {
        Self::strict()
    }
}

impl Codec for Echo {
    type Frame<'a> = Frame<'a>;

    #[inline]
    fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<Frame<'a>>, WireError> {
        if let State::Discarding { left } = self.state
            && !input.is_empty()
        {
            return Ok(Decoded::Skip { bytes: self.discard(left.get(), input), error: None });
        }
        let Some((field, rest)) = input.split_first_chunk() else {
            return Ok(Decoded::Partial { announced: 0 });
        };
        let length = u32::from_be_bytes(*field);
        if !(HEADER..=self.max).contains(&length) {
            return self.refuse(length, input);
        }
        let Some([kind, content @ ..]) = rest.get(..length as usize - field.len()) else {
            return Ok(Decoded::Partial { announced: length.into() });
        };
        let message = match *kind {
            Frame::PING => Message::Ping(None),
            Frame::PONG => Message::Pong(None),
            kind => Message::Data(Frame { kind, content }),
        };
        Ok(Decoded::Frame { bytes: length as usize, message })
    }

    /// # Errors
    /// [`WireError::Malformed`] for types 1 and 2, which the peer would take for a heartbeat;
    /// [`WireError::TooLarge`] for a frame over the limit.
    #[inline]
    fn encode(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) -> Result<(), WireError> {
        if matches!(frame.kind, Frame::PING | Frame::PONG) {
            return Err(WireError::Malformed { what: "data with the type of a heartbeat" });
        }
        let length = frame.content.len() as u64 + u64::from(HEADER);
        match u32::try_from(length) {
            Ok(field) if field <= self.max => {
                let [a, b, c, d] = field.to_be_bytes();
                out.extend_from_slice(&[a, b, c, d, frame.kind]);
                out.extend_from_slice(frame.content);
                Ok(())
            }
            _ => Err(too_large(length, self.max)),
        }
    }

    #[inline]
    fn ping(&mut self, _: Option<u32>, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0, 0, 5, Frame::PING]);
    }

    #[inline]
    fn pong(&mut self, _: Option<u32>, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0, 0, 5, Frame::PONG]);
    }
}

const fn too_small(length: u32) -> WireError {
    WireError::LengthTooSmall { length: length as u64, least: HEADER as u64 }
}

fn too_large(length: u64, max: u32) -> WireError {
    WireError::TooLarge { length, limit: max.into() }
}

// Every idle connection carries one.
const _: () = assert!(size_of::<Echo>() <= 16);
// No heap: nothing can grow with an announced length.
const _: () = assert!(!core::mem::needs_drop::<Echo>());
