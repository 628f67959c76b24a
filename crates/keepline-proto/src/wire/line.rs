//! Text lines: `ping\n`, `pong\n`, and anything else as data.
//!
//! The form that the enterprise article hints at, and one that a person can type. It is here to show that neither the
//! content of a heartbeat nor the codec is fixed.

use super::{Codec, Decoded, Message, WireError};

/// The codec; it has nothing to remember.
///
/// A data frame is a line without its end. CRs before the LF are dropped, so a terminal's lines work too. A NUL byte
/// is an error: text has none, and a binary format on the wrong port shows at once.
///
/// # Example
/// ```
/// use keepline_proto::wire::{Codec, Decoded, Message, line::Line};
///
/// assert_eq!(Line.decode(b"ping\r\n"), Ok(Decoded::Frame { bytes: 6, message: Message::Ping(None) }));
/// assert_eq!(Line.decode(b"hi\n"), Ok(Decoded::Frame { bytes: 3, message: Message::Data(&b"hi"[..]) }));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a format without settings or state")]
pub struct Line;

impl Line {
    /// The longest line, in bytes without the LF.
    ///
    /// Small, because a line is searched from its start each time that more of it arrives.
    pub const LIMIT: usize = 1024;
}

impl Codec for Line {
    type Frame<'a> = &'a [u8];

    fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<&'a [u8]>, WireError> {
        let seen = &input[..input.len().min(Self::LIMIT + 1)];
        let line = match seen.iter().position(|byte| matches!(byte, b'\n' | b'\0')) {
            Some(end) if seen[end] == b'\n' => &seen[..end],
            Some(_) => return Err(NUL),
            None if seen.len() > Self::LIMIT => return Err(too_large(seen.len())),
            None => return Ok(Decoded::Partial { announced: 0 }),
        };
        let mut text = line;
        while let [front @ .., b'\r'] = text {
            text = front;
        }
        let message = match text {
            b"ping" => Message::Ping(None),
            b"pong" => Message::Pong(None),
            _ => Message::Data(text),
        };
        Ok(Decoded::Frame { bytes: line.len() + 1, message })
    }

    /// # Errors
    /// [`WireError::Malformed`] for text that would arrive as something else: with a line end or a NUL in it, with a
    /// CR at its end, or a heartbeat; [`WireError::TooLarge`] for a line over the limit.
    fn encode(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        match text {
            _ if text.len() > Self::LIMIT => return Err(too_large(text.len())),
            _ if text.contains(&b'\n') => {
                return Err(WireError::Malformed { what: "a line end within a line" });
            }
            _ if text.contains(&b'\0') => return Err(NUL),
            [.., b'\r'] => {
                return Err(WireError::Malformed { what: "a CR at the end of a line" });
            }
            b"ping" | b"pong" => {
                return Err(WireError::Malformed { what: "data that reads as a heartbeat" });
            }
            _ => {}
        }
        out.extend_from_slice(text);
        out.push(b'\n');
        Ok(())
    }

    fn ping(&mut self, _: Option<u32>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"ping\n");
    }

    fn pong(&mut self, _: Option<u32>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"pong\n");
    }
}

const NUL: WireError = WireError::Malformed { what: "a NUL byte in text" };

fn too_large(length: usize) -> WireError {
    WireError::TooLarge { length: length as u64, limit: Line::LIMIT as u64 }
}
