//! Heartbeats and farewells of the IM codec: cim's bytes to the letter, ours with a nonce.

use keepline_proto::Reason;
use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::{Frame, Im, cim, v1};
use keepline_proto::wire::{Codec, Decoded, Message, WireError};
use prost::Message as _;

use super::framing::{HELLO, LOGIN_1, LOGIN_21, PING_21, server};

/// A server's end that has heard this login.
fn after(login: &[u8]) -> Im {
    let mut codec = server();
    assert!(matches!(codec.decode(login), Ok(Decoded::Frame { .. })));
    codec
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"before".to_vec();
    write(&mut out);
    assert_eq!(out.drain(..6).as_slice(), b"before");
    out
}

#[track_caller]
fn hears(codec: &mut Im, wire: &[u8], expected: Message<Frame<'_>>) {
    assert_eq!(codec.decode(wire), Ok(Decoded::Frame { bytes: wire.len(), message: expected }));
}

#[test]
fn cim_gets_the_pongs_of_its_own_servers_byte_for_byte() {
    for nonce in [None, Some(7)] {
        assert_eq!(written(|out| after(LOGIN_21).pong(nonce, out)), b"\x08\x0a\x04pong\x18\x02");
        assert_eq!(written(|out| after(LOGIN_1).pong(nonce, out)), b"\x0a\x0a\x04pong\x10\x00\x18\x03");
        assert_eq!(written(|out| after(LOGIN_21).ping(nonce, out)), b"\x08\x0a\x04ping\x18\x02");
        assert_eq!(written(|out| after(LOGIN_1).ping(nonce, out)), b"\x0a\x0a\x04ping\x10\x00\x18\x03");
    }
}

#[test]
fn cim_commands_are_heartbeats_by_number_and_direction() {
    let cim = |command| cim::Frame { text: "ping".into(), id: 7, command, ..Default::default() }.encode_to_vec();
    for (dialect, login, beat) in [(Dialect::Cim21, LOGIN_21, 2), (Dialect::Cim1, LOGIN_1, 3)] {
        for command in -1..6 {
            let body = cim(command);
            let wire = [&[body.len() as u8][..], &body].concat();
            let data = Message::Data(Frame { dialect, body: &body });
            let heard = |beating| if command == beat { beating } else { data };
            hears(&mut after(login), &wire, heard(Message::Ping(None)));
            hears(&mut Im::client_of(dialect), &wire, heard(Message::Pong(None)));
        }
        // Twice: a decoder takes the last. And 32 bits see only their own.
        let mut codec = after(login);
        hears(&mut codec, &[4, 0x18, 9, 0x18, beat as u8], Message::Ping(None));
        hears(&mut codec, &[6, 0x18, 0x80 | beat as u8, 0x80, 0x80, 0x80, 0x10], Message::Ping(None));
        let mistyped = Err(WireError::Malformed { what: "a field of the wrong type" });
        assert_eq!(codec.decode(b"\x02\x1a\x00"), mistyped);
    }
    hears(&mut after(LOGIN_21), PING_21, Message::Ping(None));
    // No text makes a heartbeat, and the command of the other dialect is none.
    let text = cim::Frame { text: "ping".into(), id: 7, command: 1, ..Default::default() }.encode_to_vec();
    let wire = [&[text.len() as u8][..], &text].concat();
    hears(&mut after(LOGIN_21), &wire, Message::Data(Frame { dialect: Dialect::Cim21, body: &text }));
}

#[test]
fn our_heartbeats_carry_a_nonce_both_ways() {
    let beats: [(&[u8], Message<Frame<'_>>); 8] = [
        (b"\x07\x32\x05\x0d\x01\x02\x03\x04", Message::Ping(Some(0x0403_0201))),
        (b"\x07\x3a\x05\x0d\x01\x02\x03\x04", Message::Pong(Some(0x0403_0201))),
        (b"\x02\x32\x00", Message::Ping(Some(0))),
        (b"\x02\x3a\x00", Message::Pong(Some(0))),
        (b"\x0c\x32\x0a\x0d\x09\0\0\0\x0d\x01\0\0\0", Message::Ping(Some(1))),
        (b"\x09\x32\x07\x10\x05\x0d\x01\0\0\0", Message::Ping(Some(1))),
        (b"\x0a\xa0\x06\x09\x32\x05\x0d\x01\0\0\0", Message::Ping(Some(1))),
        (b"\x0c\x7dKPL1\x32\x05\x0d\x01\0\0\0", Message::Ping(Some(1))),
    ];
    for (wire, expected) in beats {
        hears(&mut after(HELLO), wire, expected);
        hears(&mut Im::client(), wire, expected);
    }
    for nonce in [0, 1, 0x0403_0201, u32::MAX] {
        let ping = written(|out| Im::client().ping(Some(nonce), out));
        hears(&mut after(HELLO), &ping, Message::Ping(Some(nonce)));
        let pong = written(|out| after(HELLO).pong(Some(nonce), out));
        hears(&mut Im::client(), &pong, Message::Pong(Some(nonce)));
        let body = v1::Frame::decode(&ping[1..]).unwrap().body;
        assert_eq!(body, Some(v1::frame::Body::Ping(v1::Ping { nonce })));
    }
    assert_eq!(written(|out| Im::client().ping(None, out)), written(|out| Im::client().ping(Some(0), out)));
}

#[test]
fn a_frame_of_ours_has_one_body_at_most_and_of_the_right_type() {
    let wrong = "a field of the wrong type";
    for (wire, what) in [
        (&b"\x04\x32\x00\x3a\x00"[..], "two bodies in one frame"),
        (b"\x04\x32\x00\x32\x00", "two bodies in one frame"),
        (b"\x06\xb2\x01\x00\xa2\x01\x00", "two bodies in one frame"),
        (b"\x02\x30\x01", wrong),
        (b"\x03\xb0\x01\x01", wrong),
        (b"\x04\x32\x02\x08\x01", wrong),
        (b"\x04\x32\x02\x0d\x01", "not a protobuf message"),
        (b"\x02\x32\x01", "not a protobuf message"),
    ] {
        let error = Err(WireError::Malformed { what });
        assert_eq!(Im::client().decode(wire), error, "{wire:x?}");
        assert_eq!(after(HELLO).decode(wire), error, "{wire:x?}");
    }
    // No body, or one of a later version: data that a receiver skips.
    for body in [&b"\xba\x01\x00"[..], b"\x08\x01", b"\x7dKPL1"] {
        let wire = [&[body.len() as u8][..], body].concat();
        let frame = Frame { dialect: Dialect::V1, body };
        hears(&mut Im::client(), &wire, Message::Data(frame));
        assert_eq!(frame.v1().map(|frame| frame.body), Ok(None), "{body:x?}");
    }
}

/// The codec has the numbers of the bodies, and the .proto file has them: a new one has to be in both.
#[test]
fn the_bodies_are_those_of_the_proto_file() {
    let mut bodies = 0;
    for number in (1..60_u8).filter(|number| *number != 15) {
        let tag = u16::from(number) << 3 | 2;
        let field = if tag < 0x80 { vec![tag as u8, 0] } else { vec![tag as u8 | 0x80, (tag >> 7) as u8, 0] };
        let known = v1::Frame::decode(&field[..]).unwrap().body.is_some();
        bodies += u8::from(known);
        for body in [[&field[..], b"\x32\x00"].concat(), [b"\x32\x00", &field[..]].concat()] {
            let wire = [&[body.len() as u8][..], &body].concat();
            let two = Im::client().decode(&wire) == Err(WireError::Malformed { what: "two bodies in one frame" });
            assert_eq!(two, known, "field {number}");
        }
    }
    assert_eq!(bodies, 16);
}

#[test]
fn a_farewell_says_why_in_our_protocol_and_nothing_in_cims() {
    for reason in Reason::ALL {
        let wire = written(|out| after(HELLO).farewell(*reason, out));
        let decoded = Im::client().decode(&wire);
        let Ok(Decoded::Frame { bytes, message: Message::Data(frame) }) = decoded else { panic!("{decoded:?}") };
        assert_eq!(bytes, wire.len());
        let Some(v1::frame::Body::Close(close)) = frame.v1().unwrap().body else { panic!("{frame:?}") };
        let code = u16::try_from(close.code).ok().and_then(Reason::from_code);
        assert_eq!((code, &*close.reason, close.retry_after_ms), (Some(*reason), reason.name(), 0));
        for codec in [&mut after(LOGIN_21), &mut after(LOGIN_1), &mut server()] {
            assert_eq!(written(|out| codec.farewell(*reason, out)), b"");
        }
    }
}

#[test]
fn a_server_says_nothing_before_it_knows_in_which_words() {
    assert_eq!(written(|out| server().ping(Some(1), out)), b"");
    assert_eq!(written(|out| server().pong(Some(1), out)), b"");
}

#[test]
fn a_frame_is_read_as_what_it_is() {
    let ours = Frame { dialect: Dialect::V1, body: &HELLO[1..] };
    let theirs = Frame { dialect: Dialect::Cim1, body: &LOGIN_1[1..] };
    assert_eq!(ours.v1().unwrap().magic, Dialect::MAGIC);
    let login = cim::Frame { text: "zs".into(), id: 1_547_028_929_407, command: 1, ..Default::default() };
    assert_eq!(theirs.cim(), Ok(login));
    assert!(ours.cim().is_err() && theirs.v1().is_err());
    let not_utf8 = Frame { dialect: Dialect::Cim21, body: b"\x0a\x01\xff" };
    assert_eq!(not_utf8.cim(), Err(WireError::Malformed { what: "a protobuf message of another kind" }));
}

/// Nesting is the one way in which a short message can cost more than its bytes: of the stack.
#[test]
fn groups_nest_nowhere() {
    let groups = [0x23; 60_000];
    let send = [&b"\x42\xe0\xd4\x03"[..], &groups].concat();
    for (body, at_the_top) in [(&groups[..], true), (&send, false)] {
        let mut wire = Vec::new();
        assert_eq!(Im::client().encode(Frame { dialect: Dialect::V1, body }, &mut wire), Ok(()));
        match Im::client().decode(&wire) {
            Ok(Decoded::Frame { message: Message::Data(frame), .. }) if !at_the_top => assert!(frame.v1().is_err()),
            decoded => assert!(at_the_top && decoded.is_err(), "{decoded:?}"),
        }
    }
}
