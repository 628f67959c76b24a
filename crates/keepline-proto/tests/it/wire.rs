//! The echo codec and frames: golden ones, every type, fragments and joins, and what is not encoded.

use keepline_proto::wire::echo::{Echo, Frame};
use keepline_proto::wire::{Codec, Decoded, Message, WireError};

use crate::corpus::feed::Event::{Data, Ping, Pong};
use crate::corpus::feed::{cut, feed};

const PING: &[u8] = &[0, 0, 0, 5, 1];
const PONG: &[u8] = &[0, 0, 0, 5, 2];
const MOST: usize = Echo::DEFAULT_LIMIT as usize - 1;

#[test]
fn golden_frames() {
    let mut codec = Echo::strict();
    let mut out = Vec::new();
    codec.ping(None, &mut out);
    assert_eq!(out, PING);
    out.clear();
    codec.pong(Some(7), &mut out);
    assert_eq!(out, PONG);
    for (text, golden) in [
        ("client msg 0", &b"\x00\x00\x00\x11\x03client msg 0"[..]),
        ("HELLO, WORLD", b"\x00\x00\x00\x11\x03HELLO, WORLD"),
        ("", b"\x00\x00\x00\x05\x03"),
    ] {
        out.clear();
        assert_eq!(codec.encode(Frame::data(text.as_bytes()), &mut out), Ok(()), "{text}");
        assert_eq!(out, golden, "{text}");
        assert_eq!(
            codec.decode(golden),
            Ok(Decoded::Frame { bytes: golden.len(), message: Message::Data(Frame::data(text.as_bytes())) })
        );
    }
}

#[test]
fn types_1_and_2_are_heartbeats_whatever_they_carry_and_all_others_are_data() {
    for kind in 0..=u8::MAX {
        let wire = [0, 0, 0, 7, kind, 0xC3, 0xA9];
        let message = match kind {
            1 => Message::Ping(None),
            2 => Message::Pong(None),
            _ => Message::Data(Frame { kind, content: &wire[5..] }),
        };
        assert_eq!(Echo::strict().decode(&wire), Ok(Decoded::Frame { bytes: 7, message }));
    }
}

#[test]
fn any_cut_gives_the_same_frames() {
    let message = b"\x00\x00\x00\x11\x03client msg 0";
    let wire = [PING, PING, message, PONG, message, PING].concat();
    let data = Data(message.to_vec());
    let expected = [Ping, Ping, data.clone(), Pong, data, Ping];
    for at in 0..=wire.len() {
        let (front, back) = wire.split_at(at);
        let events = feed(&mut Echo::strict(), [front, back], MOST);
        assert_eq!(events, expected, "cut at {at}");
    }
    let events = feed(&mut Echo::strict(), cut(&wire, &[0]), MOST);
    assert_eq!(events, expected, "byte by byte");
}

#[test]
fn a_partial_frame_announces_its_length_with_its_fourth_byte() {
    let message = b"\x00\x00\x00\x11\x03client msg 0";
    for arrived in 0..message.len() {
        let announced = if arrived < 4 { 0 } else { 17 };
        assert_eq!(Echo::strict().decode(&message[..arrived]), Ok(Decoded::Partial { announced }), "{arrived} bytes");
    }
}

#[test]
fn what_the_peer_would_misread_or_refuse_is_not_encoded() {
    let big = vec![b'x'; 1020];
    let heartbeat = WireError::Malformed { what: "data with the type of a heartbeat" };
    let too_large = WireError::TooLarge { length: 1025, limit: 1024 };
    let frame = |kind, content| Frame { kind, content };
    for (frame, expected) in [
        (frame(1, &b"HELLO"[..]), Err(heartbeat)),
        (frame(2, b""), Err(heartbeat)),
        (frame(3, &big), Err(too_large)),
        (frame(3, &big[1..]), Ok(())),
        (frame(0, b""), Ok(())),
    ] {
        let mut out = b"before".to_vec();
        assert_eq!(Echo::strict().encode(frame, &mut out), expected, "{frame:?}");
        let added = if expected.is_ok() { frame.content.len() + 5 } else { 0 };
        assert_eq!(out.len(), 6 + added, "{frame:?}");
    }
}
