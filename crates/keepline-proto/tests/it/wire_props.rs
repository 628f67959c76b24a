//! Properties of both codecs, for any bytes and any way of cutting them.

use keepline_proto::wire::echo::{Echo, Frame};
use keepline_proto::wire::line::Line;
use keepline_proto::wire::{Codec, Decoded, Message, WireError};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::corpus::feed::{Event, cut, feed};

const ECHO: usize = Echo::DEFAULT_LIMIT as usize;

/// A stream of frames and some that are none: mostly small lengths, which any bytes would not have.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![6 => 5..40_u32, 2 => 0..5_u32, 1 => 1000..1100_u32, 1 => any::<u32>()];
    let frame = (length, any::<u8>()).prop_map(|(length, fill)| {
        let rest = (length as usize).clamp(4, 1100) - 4;
        [&length.to_be_bytes()[..], &vec![fill % 6; rest]].concat()
    });
    vec(frame, 0..12).prop_map(|frames| frames.concat())
}

/// Text in which what the line codec looks for is common.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => Just(&b"ping"[..]),
        8 => Just(&b"pong"[..]),
        20 => Just(&b"\n"[..]),
        8 => Just(&b"\r"[..]),
        8 => Just(&b"\xE4\xBD\xA0"[..]),
        1 => Just(&b"\0"[..]),
        1 => Just(&[b'x'; 600][..]),
    ];
    vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn chunking_does_not_change_what_the_echo_codec_finds(
        wire in stream(),
        sizes in vec(any::<u8>(), 0..8),
        lenient in any::<bool>(),
    ) {
        let codec = || if lenient { Echo::netty_compatible() } else { Echo::strict() };
        let whole = feed(&mut codec(), [wire.as_slice()], ECHO - 1);
        prop_assert_eq!(&feed(&mut codec(), cut(&wire, &sizes), ECHO - 1), &whole);
        prop_assert_eq!(&feed(&mut codec(), cut(&wire, &[0]), ECHO - 1), &whole);
    }

    #[test]
    fn chunking_does_not_change_what_the_line_codec_finds(
        wire in text(),
        sizes in vec(any::<u8>(), 0..8),
    ) {
        let whole = feed(&mut Line, [wire.as_slice()], Line::LIMIT);
        prop_assert_eq!(&feed(&mut Line, cut(&wire, &sizes), Line::LIMIT), &whole);
        prop_assert_eq!(&feed(&mut Line, cut(&wire, &[0]), Line::LIMIT), &whole);
    }

    #[test]
    fn no_bytes_break_a_rule_of_the_trait(wire in vec(any::<u8>(), 0..2500), lenient in any::<bool>()) {
        let mut echo = if lenient { Echo::netty_compatible() } else { Echo::strict() };
        feed(&mut echo, cut(&wire, &[99]), ECHO - 1);
        feed(&mut Line, cut(&wire, &[99]), Line::LIMIT);
    }

    #[test]
    fn an_echo_returns_the_bytes_that_came(kind in any::<u8>(), content in vec(any::<u8>(), 0..1019)) {
        let length = u32::try_from(content.len() + 5).unwrap();
        let wire = [&length.to_be_bytes()[..], &[kind], &content].concat();
        let mut codec = Echo::strict();
        let Ok(Decoded::Frame { bytes, message }) = codec.decode(&wire) else {
            panic!("not decoded");
        };
        prop_assert_eq!(bytes, wire.len());
        match message {
            Message::Ping(nonce) => prop_assert_eq!((kind, nonce), (1, None)),
            Message::Pong(nonce) => prop_assert_eq!((kind, nonce), (2, None)),
            Message::Data(frame) => {
                let mut out = Vec::new();
                prop_assert_eq!(codec.encode(frame, &mut out), Ok(()));
                prop_assert_eq!(out, wire);
            }
        }
    }

    #[test]
    fn the_line_codec_encodes_what_it_would_decode_to_the_same(mut text in text()) {
        text.retain(|byte| !b"\n\0".contains(byte));
        let mut wire = Vec::new();
        let encoded = Line.encode(&text, &mut wire).is_ok();
        wire = [&text[..], b"\n"].concat();
        let message = Message::Data(text.as_slice());
        let same = Line.decode(&wire) == Ok(Decoded::Frame { bytes: wire.len(), message });
        prop_assert_eq!(encoded, same);
    }

    #[test]
    fn the_limit_holds_to_the_byte(max in 5..3000_u32, lenient in any::<bool>()) {
        let codec = || {
            let codec = if lenient { Echo::netty_compatible() } else { Echo::strict() };
            codec.with_limit(max).unwrap()
        };
        let content = vec![0; max as usize - 4];
        let mut fits = Vec::new();
        prop_assert_eq!(codec().encode(Frame::data(&content[1..]), &mut fits), Ok(()));
        prop_assert_eq!(feed(&mut codec(), [fits.as_slice()], 0), [Event::Data(fits.clone())]);

        let over = WireError::TooLarge { length: u64::from(max) + 1, limit: max.into() };
        prop_assert_eq!(codec().encode(Frame::data(&content), &mut Vec::new()), Err(over));
        let wire = [&(max + 1).to_be_bytes()[..], &[3], &content].concat();
        let event = if lenient { Event::Complaint(over) } else { Event::Closed(over) };
        prop_assert_eq!(feed(&mut codec(), [wire.as_slice()], 0), [event]);
    }
}
