//! Properties of the IM codec: chunks, limits, and that its own look at a frame agrees with prost's.

use keepline_proto::wire::dialect::{Dialect, Refusal};
use keepline_proto::wire::im::v1::frame::Body;
use keepline_proto::wire::im::{Accepts, Frame, Im, cim, framed, v1};
use keepline_proto::wire::{Codec, Decoded, Message, WireError};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use prost::Message as _;

use super::framing::{HELLO, LOGIN_1, LOGIN_21, MOST, PING_21};
use crate::corpus::feed::{Event, cut, feed};

fn codec(which: u8) -> Im {
    match which % 5 {
        0 => Im::server(Accepts { cim: true }),
        1 => Im::server(Accepts { cim: false }),
        2 => Im::client(),
        3 => Im::client_of(Dialect::Cim21),
        _ => Im::client_of(Dialect::Cim1),
    }
}

/// Real frames, and some that are none: mostly one after the other, as any bytes would not be.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(HELLO.to_vec()),
        4 => Just(LOGIN_21.to_vec()),
        4 => Just(LOGIN_1.to_vec()),
        4 => Just(PING_21.to_vec()),
        4 => Just(b"\x07\x32\x05\x0d\x01\x02\x03\x04".to_vec()),
        4 => vec(any::<u8>(), 1..200).prop_map(|text| {
            let body = [&b"\xa2\x06"[..], &[text.len() as u8 | 0x80, (text.len() >> 7) as u8], &text].concat();
            [&[body.len() as u8 | 0x80, (body.len() >> 7) as u8], &body[..]].concat()
        }),
        1 => vec(any::<u8>(), 0..20),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The fields that a look at the top level reads, in any order and number, within and without.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        any::<u32>().prop_map(|nonce| [&b"\x32\x05\x0d"[..], &nonce.to_le_bytes()].concat()),
        any::<u32>().prop_map(|nonce| [&b"\x3a\x05\x0d"[..], &nonce.to_le_bytes()].concat()),
        Just(b"\x32\x00".to_vec()),
        (6..16_u8, vec(any::<u8>(), 0..4)).prop_map(|(number, inner)| [
            &[number << 3 | 2, inner.len() as u8],
            &inner[..]
        ]
        .concat()),
        (16..23_u8).prop_map(|number| vec![0x80 | (number << 3 & 0x7f) | 2, 1, 0]),
        any::<i32>().prop_map(|command| cim::Frame { command, ..Default::default() }.encode_to_vec()),
        (0..5_u8).prop_map(|command| vec![0x18, command]),
        any::<i64>().prop_map(|id| cim::Frame { id, ..Default::default() }.encode_to_vec()),
        Just(b"\xa0\x06\x07".to_vec()),
        vec(any::<u8>(), 0..4),
    ];
    vec(field, 1..4).prop_map(|fields| fields.concat()).prop_filter("an empty frame", |body| !body.is_empty())
}

fn cim_frame() -> impl Strategy<Value = cim::Frame> {
    let text = || "[a-z\u{4f60}]{0,12}";
    (text(), any::<i64>(), -1..5_i32, btree_map(text(), text(), 0..3), vec(text(), 0..4))
        .prop_map(|(text, id, command, properties, batch)| cim::Frame { text, id, command, properties, batch })
}

/// What a whole body is to a codec that already speaks.
fn heard(dialect: Dialect, body: &[u8]) -> Result<Message<()>, WireError> {
    let mut codec = Im::client_of(dialect);
    let mut wire = Vec::new();
    codec.encode(Frame { dialect, body }, &mut wire)?;
    match codec.decode(&wire)? {
        Decoded::Frame { bytes, message } => {
            assert_eq!(bytes, wire.len());
            Ok(match message {
                Message::Ping(nonce) => Message::Ping(nonce),
                Message::Pong(nonce) => Message::Pong(nonce),
                Message::Data(_) => Message::Data(()),
            })
        }
        other => panic!("{other:?} of a whole frame"),
    }
}

proptest! {
    #[test]
    fn chunking_does_not_change_what_is_found(
        wire in prop_oneof![3 => stream(), 1 => vec(any::<u8>(), 0..2000)],
        sizes in vec(any::<u8>(), 0..8),
        which in any::<u8>(),
    ) {
        let whole = feed(&mut codec(which), [&wire[..]], MOST);
        prop_assert_eq!(&feed(&mut codec(which), cut(&wire, &sizes), MOST), &whole);
        prop_assert_eq!(&feed(&mut codec(which), cut(&wire, &[0]), MOST), &whole);
    }

    #[test]
    fn the_limit_holds_to_the_byte(limit in 4..3000_u32, over in -1..2_i32) {
        let length = limit.strict_add_signed(over);
        // Pairs of a tag and a number; an odd length begins with three bytes.
        let odd = &b"\xa0\x06\x07"[..if length % 2 == 1 { 3 } else { 0 }];
        let body = [odd, &vec![b'x'; length as usize - odd.len()]].concat();
        let mut codec = Im::client();
        let mut wire = Vec::new();
        prop_assert_eq!(codec.encode(Frame { dialect: Dialect::V1, body: &body }, &mut wire), Ok(()));
        codec.set_limit(limit);
        let refused = WireError::TooLarge { length: length.into(), limit: limit.into() };
        let event = if over > 0 { Event::Closed(refused) } else { Event::Data(wire.clone()) };
        prop_assert_eq!(feed(&mut codec, [&wire[..]], MOST), [event]);
        let encoded = codec.encode(Frame { dialect: Dialect::V1, body: &body }, &mut wire);
        prop_assert_eq!(encoded, if over > 0 { Err(refused) } else { Ok(()) });
    }

    #[test]
    fn a_heartbeat_of_ours_is_what_prost_reads(body in fields()) {
        let said = heard(Dialect::V1, &body);
        let read = v1::Frame::decode(&body[..]).map(|frame| frame.body);
        match (said, read) {
            (Ok(Message::Ping(nonce)), Ok(Some(Body::Ping(ping)))) => prop_assert_eq!(nonce, Some(ping.nonce)),
            (Ok(Message::Pong(nonce)), Ok(Some(Body::Pong(pong)))) => prop_assert_eq!(nonce, Some(pong.nonce)),
            (Ok(Message::Data(())), Ok(Some(Body::Ping(_) | Body::Pong(_)))) => prop_assert!(false, "a beat was missed"),
            // Data is not read to its end here, so prost may find more to refuse.
            (Ok(Message::Data(())), _) => {}
            (Ok(beat), read) => {
                // Field 15 is not looked at behind the first frame.
                let magic = body.iter().any(|tag| tag >> 3 == 15);
                prop_assert!(magic, "{:?}, but prost read {:?}", beat, read);
            }
            (Err(_), _) => {}
        }
    }

    #[test]
    fn a_heartbeat_of_cims_is_what_prost_reads(body in fields()) {
        let Ok(frame) = cim::Frame::decode(&body[..]) else { return Ok(()) };
        for (dialect, command) in [(Dialect::Cim21, 2), (Dialect::Cim1, 3)] {
            match heard(dialect, &body) {
                Ok(Message::Pong(None)) => prop_assert_eq!(frame.command, command),
                Ok(Message::Data(())) => prop_assert_ne!(frame.command, command),
                Ok(other) => prop_assert!(false, "{:?}", other),
                // What prost takes: a group. Nothing else is refused that it reads.
                Err(error) => prop_assert!(body.iter().any(|tag| matches!(tag & 7, 3 | 4)), "{}", error),
            }
        }
    }

    #[test]
    fn what_cim_says_comes_back_as_it_was_and_tells_its_dialect(frame in cim_frame()) {
        let body = frame.encode_to_vec();
        let expected = match (frame.id != 0, frame.command) {
            _ if body.is_empty() => Err(Refusal::Unknown),
            (true, 0) => Ok(Dialect::Cim21),
            (true, 1) => Ok(Dialect::Cim1),
            _ => Err(Refusal::NoLogin),
        };
        prop_assert_eq!(Dialect::judge(&body), expected);
        if let Ok(dialect) = expected {
            let wire = framed(&frame, Im::BEFORE_LOGIN).unwrap();
            let mut codec = codec(0);
            let Ok(Decoded::Frame { bytes, message: Message::Data(decoded) }) = codec.decode(&wire) else {
                panic!("a login that is no frame");
            };
            prop_assert_eq!((bytes, decoded.dialect), (wire.len(), dialect));
            prop_assert_eq!(decoded.cim(), Ok(frame));
        }
    }

    #[test]
    fn what_is_encoded_again_is_the_same(body in fields()) {
        let events = feed(&mut Im::client(), [[&[body.len() as u8][..], &body].concat()], MOST);
        if let [Event::Data(wire)] = &events[..] {
            prop_assert_eq!(&wire[1..], &body[..]);
        }
    }
}
