//! Heartbeats of the three dialects: which frames are pings and pongs, and the bytes of ours.

use super::{End, Frame};
use crate::wire::dialect::Dialect;
use crate::wire::fields::{Field, Fields, Value};
use crate::wire::{Message, WireError};

/// What a whole frame says: a heartbeat, or anything else.
///
/// Only the fields of the top level are read, and of a heartbeat of version 1 those within.
///
/// # Errors
/// `Malformed` for what is no protobuf message, for a known field of the wrong type, and in version 1 for a second body.
pub(super) fn message<'a>(end: End, dialect: Dialect, body: &'a [u8]) -> Result<Message<Frame<'a>>, WireError> {
    let beat = match dialect {
        Dialect::V1 => v1_beat(body)?,
        Dialect::Cim21 => cim_beat(end, command(body)? == 2),
        Dialect::Cim1 => cim_beat(end, command(body)? == 3),
    };
    Ok(beat.unwrap_or(Message::Data(Frame { dialect, body })))
}

/// Appends a ping. cim's carries no id here: its servers do not read it.
pub(super) fn ping(dialect: Dialect, nonce: Option<u32>, out: &mut Vec<u8>) {
    match dialect {
        Dialect::V1 => write_v1(0x32, nonce, out),
        Dialect::Cim21 => out.extend_from_slice(b"\x08\x0a\x04ping\x18\x02"),
        Dialect::Cim1 => out.extend_from_slice(b"\x0a\x0a\x04ping\x10\x00\x18\x03"),
    }
}

/// Appends a pong: cim's byte for byte as its servers write them.
pub(super) fn pong(dialect: Dialect, nonce: Option<u32>, out: &mut Vec<u8>) {
    match dialect {
        Dialect::V1 => write_v1(0x3a, nonce, out),
        Dialect::Cim21 => out.extend_from_slice(b"\x08\x0a\x04pong\x18\x02"),
        // Its fields are required, so the id that says nothing is written.
        Dialect::Cim1 => out.extend_from_slice(b"\x0a\x0a\x04pong\x10\x00\x18\x03"),
    }
}

/// A ping or pong of version 1.
fn v1_beat<'a>(frame: &[u8]) -> Result<Option<Message<Frame<'a>>>, WireError> {
    Ok(match v1_body(frame)? {
        Some((6, ping)) => Some(Message::Ping(Some(nonce(ping)?))),
        Some((7, pong)) => Some(Message::Pong(Some(nonce(pong)?))),
        _ => None,
    })
}

/// cim has one command for both, and texts that neither end reads: the direction tells.
const fn cim_beat<'a>(end: End, is_beat: bool) -> Option<Message<Frame<'a>>> {
    match (is_beat, end) {
        (true, End::Server) => Some(Message::Ping(None)),
        (true, End::Client) => Some(Message::Pong(None)),
        (false, _) => None,
    }
}

/// The one body that version 1 knows in this frame, with its field number; fields it does not know are skipped.
fn v1_body(frame: &[u8]) -> Result<Option<(u32, &[u8])>, WireError> {
    let mut body = None;
    for field in Fields::of(frame) {
        match field? {
            Field { number: 6..=14 | 16..=22, .. } if body.is_some() => {
                return Err(WireError::Malformed { what: "two bodies in one frame" });
            }
            Field { number: number @ (6..=14 | 16..=22), value: Value::Bytes(inner) } => body = Some((number, inner)),
            Field { number: 6..=14 | 16..=22, .. } => return Err(WRONG_TYPE),
            _ => {}
        }
    }
    Ok(body)
}

/// Field 1 of a ping or pong; left out, it is 0.
fn nonce(beat: &[u8]) -> Result<u32, WireError> {
    let mut nonce = 0;
    for field in Fields::of(beat) {
        match field? {
            Field { number: 1, value: Value::Fixed32(value) } => nonce = value,
            Field { number: 1, .. } => return Err(WRONG_TYPE),
            _ => {}
        }
    }
    Ok(nonce)
}

/// Field 3 of cim; left out, it is 0.
fn command(frame: &[u8]) -> Result<i32, WireError> {
    let mut command = 0;
    for field in Fields::of(frame) {
        match field? {
            Field { number: 3, value: Value::Varint(value) } => command = value as i32,
            Field { number: 3, .. } => return Err(WRONG_TYPE),
            _ => {}
        }
    }
    Ok(command)
}

fn write_v1(tag: u8, nonce: Option<u32>, out: &mut Vec<u8>) {
    let [a, b, c, d] = nonce.unwrap_or(0).to_le_bytes();
    out.extend_from_slice(&[7, tag, 5, 0x0d, a, b, c, d]);
}

const WRONG_TYPE: WireError = WireError::Malformed { what: "a field of the wrong type" };
