//! Framing of the IM codec: lengths row by row, limits to the byte, and what a server hears first.

use keepline_proto::Reason;
use keepline_proto::wire::dialect::{Dialect, Refusal};
use keepline_proto::wire::im::{Accepts, Frame, Im, cim, framed, v1};
use keepline_proto::wire::{Codec, Decoded, Message, WireError};

use crate::corpus::feed::Event::{self, Closed, Data, Ping};
use crate::corpus::feed::{cut, feed};

/// cim's reference bytes: "zs" logs in, and pings.
pub(super) const LOGIN_21: &[u8] = b"\x0b\x0a\x02zs\x10\xff\xb6\xf0\x90\x83\x2d";
pub(super) const LOGIN_1: &[u8] = b"\x0d\x0a\x02zs\x10\xff\xb6\xf0\x90\x83\x2d\x18\x01";
pub(super) const PING_21: &[u8] = b"\x0f\x0a\x04ping\x10\xff\xb6\xf0\x90\x83\x2d\x18\x02";
/// The least first frame of version 1.
pub(super) const HELLO: &[u8] = b"\x08\x7dKPL1\x82\x01\x00";

pub(super) const MOST: usize = Im::AFTER_LOGIN as usize + 4;

pub(super) fn server() -> Im {
    Im::server(Accepts { cim: true })
}

fn all(codec: &mut Im, wire: &[u8]) -> Vec<Event> {
    feed(codec, [wire], MOST)
}

fn malformed(what: &'static str) -> Event {
    Closed(WireError::Malformed { what })
}

fn too_large(length: u64, limit: u32) -> Event {
    Closed(WireError::TooLarge { length, limit: limit.into() })
}

/// A frame of so many bytes, skipped as of a later version, with its length.
fn frame_of(bytes: usize) -> Vec<u8> {
    // Field 100 takes its two bytes of tag, then the length, then the rest.
    let inner = (0..bytes).rev().find(|inner| 2 + varint(*inner).len() + inner == bytes).expect("a length that fits");
    [&varint(bytes)[..], b"\xa2\x06", &varint(inner), &vec![b'x'; inner]].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[test]
fn every_bad_length_closes() {
    let table: &[(&str, &[u8], Event)] = &[
        ("an empty frame", b"\x00", malformed("an empty frame")),
        ("an empty frame, longer than it needs to be", b"\x80\x00", malformed("a length with needless bytes")),
        ("one byte, longer than it needs to be", b"\x81\x00\x18", malformed("a length with needless bytes")),
        ("the same in five bytes", b"\x81\x80\x80\x80\x00\x18", malformed("a length with needless bytes")),
        ("-1", b"\xff\xff\xff\xff\x0f", malformed("a negative length")),
        ("the least int", b"\x80\x80\x80\x80\x08", malformed("a negative length")),
        ("33 bits", b"\x80\x80\x80\x80\x10", malformed("a length of more than 32 bits")),
        ("35 bits", b"\xff\xff\xff\xff\x7f", malformed("a length of more than 32 bits")),
        ("six bytes", b"\xff\xff\xff\xff\xff\x01", malformed("a length of more than five bytes")),
        ("no end in sight", &[0x80; 20], malformed("a length of more than five bytes")),
        ("the greatest int", b"\xff\xff\xff\xff\x07", too_large(0x7fff_ffff, 4096)),
        ("8 MiB", b"\x80\x80\x80\x04", too_large(8 << 20, 4096)),
        ("one over the limit", b"\x81\x20", too_large(4097, 4096)),
    ];
    for (what, wire, expected) in table {
        assert_eq!(all(&mut server(), wire), std::slice::from_ref(expected), "first: {what}");
        for (login, dialect) in [(HELLO, Dialect::V1), (LOGIN_21, Dialect::Cim21), (LOGIN_1, Dialect::Cim1)] {
            let stream = [login, wire].concat();
            let events = feed(&mut server(), cut(&stream, &[0]), MOST);
            assert_eq!(events, [Data(login.to_vec()), expected.clone()], "after a login of {dialect}: {what}");
        }
        let Closed(error) = expected else { panic!("{expected:?}") };
        let reason = if matches!(error, WireError::TooLarge { .. }) { Reason::TooLarge } else { Reason::ProtocolError };
        assert_eq!(error.reason(), reason, "{what}");
    }
}

#[test]
fn a_length_is_judged_with_its_last_byte_and_not_before() {
    let header = b"\xff\xff\xff\xff\x07";
    for arrived in 0..header.len() {
        assert_eq!(server().decode(&header[..arrived]), Ok(Decoded::Partial { announced: 0 }), "{arrived} bytes");
    }
    assert!(server().decode(header).is_err());
    // Whole, it announces the frame with its header.
    for arrived in 1..LOGIN_21.len() {
        assert_eq!(server().decode(&LOGIN_21[..arrived]), Ok(Decoded::Partial { announced: 12 }), "{arrived} bytes");
    }
}

#[test]
fn limits_hold_to_the_byte_both_ways_and_grow_with_the_login() {
    let logged_in = |limit: Option<u32>| {
        let mut codec = server();
        assert_eq!(all(&mut codec, HELLO), [Data(HELLO.to_vec())]);
        if let Some(limit) = limit {
            codec.set_limit(limit);
        }
        codec
    };
    for (limit, set) in [(4096, None), (65_536, Some(Im::AFTER_LOGIN)), (16, Some(16)), (1 << 20, Some(1 << 20))] {
        for (bytes, fits) in [(limit as usize - 1, true), (limit as usize, true), (limit as usize + 1, false)] {
            let wire = frame_of(bytes);
            let expected = if fits { Data(wire.clone()) } else { too_large(bytes as u64, limit) };
            let events = feed(&mut logged_in(set), [&wire[..]], 1 << 21);
            assert_eq!(events, std::slice::from_ref(&expected), "{bytes} bytes in, limit {limit}");

            let body = &wire[varint(bytes).len()..];
            let mut out = b"before".to_vec();
            let encoded = logged_in(set).encode(Frame { dialect: Dialect::V1, body }, &mut out);
            match expected {
                Closed(error) => assert_eq!((encoded, &out[..]), (Err(error), &b"before"[..])),
                _ => assert_eq!((encoded, &out[6..]), (Ok(()), &wire[..])),
            }
        }
    }
    assert_eq!(feed(&mut Im::client(), [frame_of(65_536)], MOST).len(), 1);
    assert_eq!(all(&mut Im::client(), &frame_of(65_537)), [too_large(65_537, 65_536)]);
}

#[test]
fn a_message_is_framed_once_for_all_or_not_at_all() {
    let body = |bytes| v1::Frame {
        body: Some(v1::frame::Body::Deliver(v1::Deliver { body: vec![b'x'; bytes].into(), ..Default::default() })),
        ..Default::default()
    };
    // 4096 bytes: two for each of the three lengths and tags within, which are one byte each.
    let (fits, over) = (body(4096 - 6), body(4096 - 5));
    let wire = framed(&fits, Im::BEFORE_LOGIN).unwrap();
    assert_eq!(wire[..5], [0x80, 0x20, 0x52, 0xfd, 0x1f]);
    assert_eq!(all(&mut Im::client(), &wire), [Data(wire.to_vec())]);
    assert_eq!(framed(&over, 4096), Err(WireError::TooLarge { length: 4097, limit: 4096 }));
    assert_eq!(framed(&cim::Frame::default(), 4096), Err(WireError::Malformed { what: "an empty frame" }));
}

/// A message that fits when it is sent and not when it is delivered would be lost between the two.
#[test]
fn the_largest_body_fits_with_the_longest_names_around_it() {
    let name = |byte: &str| byte.repeat(64);
    let deliver = v1::Deliver {
        conversation: format!("p.{}.{}", name("a"), name("b")),
        seq: u64::MAX,
        sender: name("a"),
        message_id: vec![0xff; 16].into(),
        kind: 3,
        body: vec![b'x'; Im::LARGEST_BODY].into(),
        at_ms: u64::MAX,
    };
    let frame = v1::Frame { body: Some(v1::frame::Body::Deliver(deliver)), ..Default::default() };
    assert!(framed(&frame, Im::AFTER_LOGIN).is_ok());
}

#[test]
fn a_server_learns_the_dialect_from_the_first_frame_and_keeps_to_it() {
    for (login, dialect) in [(HELLO, Dialect::V1), (LOGIN_21, Dialect::Cim21), (LOGIN_1, Dialect::Cim1)] {
        let mut codec = server();
        assert_eq!(codec.dialect(), None);
        let decoded = codec.decode(login);
        let message = Message::Data(Frame { dialect, body: &login[1..] });
        assert_eq!(decoded, Ok(Decoded::Frame { bytes: login.len(), message }));
        assert_eq!(codec.dialect(), Some(dialect));
        // Any frame later, also one that could not be a first one of this dialect.
        let later = [LOGIN_1, LOGIN_21].concat();
        let events = [Data(LOGIN_1.to_vec()), Data(LOGIN_21.to_vec())];
        assert_eq!(all(&mut codec, &later), events, "after {dialect}");
        assert_eq!(codec.dialect(), Some(dialect));
    }
}

#[test]
fn a_first_frame_that_is_nobodys_closes_and_says_whose_it_may_be() {
    let off = || Im::server(Accepts { cim: false });
    let refused = |refusal| [Closed(WireError::Refused(refusal))];
    assert_eq!(all(&mut off(), LOGIN_21), refused(Refusal::CimOff));
    assert_eq!(all(&mut off(), LOGIN_1), refused(Refusal::CimOff));
    assert_eq!(all(&mut off(), HELLO), [Data(HELLO.to_vec())]);
    let error = WireError::from(Refusal::CimOff);
    assert_eq!(error.to_string(), "first frame refused: a login of cim, whose dialects are off");

    assert_eq!(all(&mut server(), PING_21), refused(Refusal::NoLogin));
    assert_eq!(all(&mut server(), b"\x02\x32\x00"), refused(Refusal::Unknown));
    assert_eq!(all(&mut server(), b"\x03\x10\x01\x07"), refused(Refusal::Malformed));
    // Hello has to be alone: what stands beside it would be read instead of it.
    let beside = b"\x0a\x7dKPL1\x82\x01\x00\x42\x00";
    assert_eq!(all(&mut server(), beside), [malformed("two bodies in one frame")]);
}

#[test]
fn tls_and_http_are_refused_at_the_second_byte_of_a_fresh_connection_only() {
    for (wire, refusal) in [(&b"\x16\x03"[..], Refusal::Tls), (b"GE", Refusal::Http), (b"PO", Refusal::Http)] {
        let announced = u64::from(wire[0]) + 1;
        assert_eq!(server().decode(&wire[..1]), Ok(Decoded::Partial { announced }));
        assert_eq!(server().decode(wire), Err(WireError::Refused(refusal)));
        let mut speaking = server();
        assert_eq!(all(&mut speaking, HELLO), [Data(HELLO.to_vec())]);
        assert_eq!(speaking.decode(wire), Ok(Decoded::Partial { announced }));
    }
}

#[test]
fn what_is_not_spoken_is_not_encoded() {
    let frame = |dialect| Frame { dialect, body: b"\x10\x01" };
    let unspoken = WireError::Malformed { what: "a frame of a dialect that is not spoken here" };
    let mut out = Vec::new();
    for dialect in [Dialect::V1, Dialect::Cim21, Dialect::Cim1] {
        assert_eq!(server().encode(frame(dialect), &mut out), Err(unspoken), "nothing is spoken yet");
        for spoken in [Dialect::V1, Dialect::Cim21, Dialect::Cim1] {
            let expected = if spoken == dialect { Ok(()) } else { Err(unspoken) };
            assert_eq!(Im::client_of(spoken).encode(frame(dialect), &mut out), expected, "{dialect} to {spoken}");
        }
    }
    assert_eq!(out, b"\x02\x10\x01".repeat(3));
    let empty = Frame { dialect: Dialect::V1, body: b"" };
    assert_eq!(Im::client().encode(empty, &mut out), Err(WireError::Malformed { what: "an empty frame" }));
}

#[test]
fn any_cut_gives_the_same_frames() {
    let message = frame_of(200);
    let wire = [LOGIN_21, PING_21, &message, PING_21, LOGIN_21].concat();
    let expected = [Data(LOGIN_21.to_vec()), Ping, Data(message), Ping, Data(LOGIN_21.to_vec())];
    for at in 0..=wire.len() {
        let (front, back) = wire.split_at(at);
        assert_eq!(feed(&mut server(), [front, back], MOST), expected, "cut at {at}");
    }
    assert_eq!(feed(&mut server(), cut(&wire, &[0]), MOST), expected, "byte by byte");
}

#[test]
fn a_hello_that_is_printed_has_no_token() {
    let hello = v1::Hello { token: "kept to itself".to_owned(), device: "phone".to_owned(), ..v1::Hello::default() };
    let printed = format!("{:?}", v1::frame::Body::Hello(hello));
    assert!(printed.contains("phone") && !printed.contains("kept to itself"), "{printed}");
}
