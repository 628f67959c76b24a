//! Length: the base-128 varint in front of each frame, stricter than Netty's decoder reads it.

use crate::wire::WireError;

/// The longest header, in bytes.
const MOST: usize = 5;

/// A header that is whole and acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// How many bytes it takes itself.
    pub(super) bytes: usize,
    /// How many bytes follow it; from 1 to the limit.
    pub(super) length: u32,
}

/// Reads the header at the front of `input`; `None` if it is not whole.
///
/// # Errors
/// An empty frame, a length that an int of 32 bits can't hold or that is negative as one, and a header with more bytes
/// than it needs: Netty's encoder writes none of these. `TooLarge` for a length over the limit.
pub(super) fn read(input: &[u8], limit: u32) -> Result<Option<Header>, WireError> {
    let mut length = 0_u64;
    for (place, &byte) in input.iter().take(MOST).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return check(byte, place + 1, length, limit).map(Some);
        }
    }
    if input.len() < MOST { Ok(None) } else { Err(malformed("a length of more than five bytes")) }
}

fn check(last: u8, bytes: usize, length: u64, limit: u32) -> Result<Header, WireError> {
    if last == 0 {
        return Err(malformed(if bytes == 1 { "an empty frame" } else { "a length with needless bytes" }));
    }
    let Ok(length) = u32::try_from(length) else {
        return Err(malformed("a length of more than 32 bits"));
    };
    if i32::try_from(length).is_err() {
        return Err(malformed("a negative length"));
    }
    if length > limit {
        return Err(WireError::TooLarge { length: length.into(), limit: limit.into() });
    }
    Ok(Header { bytes, length })
}

/// Appends the header of a frame with so many bytes.
///
/// # Errors
/// What [`read`] would refuse; `out` is as it was.
pub(super) fn write(length: usize, limit: u32, out: &mut Vec<u8>) -> Result<(), WireError> {
    let mut rest = allowed(length, limit)?;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    Ok(())
}

/// The length as the wire has it, if a frame may have it.
pub(super) fn allowed(length: usize, limit: u32) -> Result<u32, WireError> {
    match i32::try_from(length) {
        Ok(0) => Err(malformed("an empty frame")),
        Ok(field) if field.cast_unsigned() <= limit => Ok(field.cast_unsigned()),
        _ => Err(WireError::TooLarge { length: length as u64, limit: limit.into() }),
    }
}

const fn malformed(what: &'static str) -> WireError {
    WireError::Malformed { what }
}
