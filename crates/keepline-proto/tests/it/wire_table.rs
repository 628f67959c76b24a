//! The echo codec and lengths: the decoder table row by row, limits, and peers that speak something else.

use keepline_proto::Reason;
use keepline_proto::wire::echo::{Echo, Frame};
use keepline_proto::wire::{Codec, Decoded, WireError};

use crate::corpus::feed::Event::{self, Closed, Complaint, Data, Ping};
use crate::corpus::feed::feed;

const PING: &[u8] = &[0, 0, 0, 5, 1];

/// The length field, enough bytes after it to make it a frame if it can be one, then a ping.
fn row(length: u32) -> Vec<u8> {
    let rest = (length as usize).clamp(4, 2000) - 4;
    [&length.to_be_bytes()[..], &vec![3; rest], PING].concat()
}

fn too_small(length: u32) -> WireError {
    WireError::LengthTooSmall { length: length.into(), least: 5 }
}

fn too_large(length: u32) -> WireError {
    WireError::TooLarge { length: length.into(), limit: 1024 }
}

fn all<C: Codec>(codec: &mut C, wire: &[u8]) -> Vec<Event> {
    feed(codec, [wire], Echo::DEFAULT_LIMIT as usize - 1)
}

/// What the original decoder was seen to do with each length.
#[test]
fn the_decoder_table_in_compatible_mode() {
    let data = |length| Data(row(length)[..length as usize].to_vec());
    let table = [
        (0, vec![Complaint(too_small(0)), Ping]),
        (1, vec![Complaint(too_small(1)), Ping]),
        (2, vec![Complaint(too_small(2)), Ping]),
        (3, vec![Complaint(too_small(3)), Ping]),
        (4, vec![Complaint(too_small(4)), Ping]),
        (5, vec![data(5), Ping]),
        (6, vec![data(6), Ping]),
        (1023, vec![data(1023), Ping]),
        (1024, vec![data(1024), Ping]),
        (1025, vec![Complaint(too_large(1025)), Ping]),
        (2000, vec![Complaint(too_large(2000)), Ping]),
        (0x7FFF_FFFF, vec![Complaint(too_large(0x7FFF_FFFF))]),
        (0x8000_0000, vec![Complaint(too_large(0x8000_0000))]),
        (u32::MAX, vec![Complaint(too_large(u32::MAX))]),
    ];
    for (length, expected) in table {
        let events = all(&mut Echo::netty_compatible(), &row(length));
        assert_eq!(events, expected, "length {length}");
    }
}

#[test]
fn the_decoder_table_in_strict_mode() {
    let data = |length| Data(row(length)[..length as usize].to_vec());
    let table = [
        (0, vec![Closed(too_small(0))]),
        (1, vec![Closed(too_small(1))]),
        (2, vec![Closed(too_small(2))]),
        (3, vec![Closed(too_small(3))]),
        (4, vec![Closed(too_small(4))]),
        (5, vec![data(5), Ping]),
        (1024, vec![data(1024), Ping]),
        (1025, vec![Closed(too_large(1025))]),
        (0x8000_0000, vec![Closed(too_large(0x8000_0000))]),
        (u32::MAX, vec![Closed(too_large(u32::MAX))]),
    ];
    for (length, expected) in table {
        let events = all(&mut Echo::strict(), &row(length));
        assert_eq!(events, expected, "length {length}");
    }
    assert_eq!(too_small(4).reason(), Reason::ProtocolError);
    assert_eq!(too_large(1025).reason(), Reason::TooLarge);
}

#[test]
fn a_bad_length_is_known_with_its_fourth_byte() {
    for length in [0, 4, 1025, u32::MAX] {
        let wire = length.to_be_bytes();
        for mut codec in [Echo::strict(), Echo::netty_compatible()] {
            assert_eq!(codec.decode(&wire[..3]), Ok(Decoded::Partial { announced: 0 }));
        }
        assert!(Echo::strict().decode(&wire).is_err(), "length {length}");
        let skipped = Echo::netty_compatible().decode(&wire);
        assert!(matches!(skipped, Ok(Decoded::Skip { bytes: 4, error: Some(_) })), "length {length}: {skipped:?}");
    }
}

/// The poisoned connection of the original: it is deaf until so many bytes have come, to the byte.
#[test]
fn discarding_ends_with_the_last_announced_byte() {
    let mut codec = Echo::netty_compatible();
    let mut left = u64::from(u32::MAX);
    let mut chunk = vec![0; 1 << 20];
    chunk[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    while left > 0 {
        let input = &chunk[..chunk.len().min(usize::try_from(left).unwrap())];
        let Ok(Decoded::Skip { bytes, error }) = codec.decode(input) else {
            panic!("decoded with {left} bytes left");
        };
        assert_eq!(error.is_some(), left == u64::from(u32::MAX));
        assert_eq!(bytes, input.len());
        left -= bytes as u64;
    }
    assert_eq!(all(&mut codec, PING), [Ping]);
}

#[test]
fn a_limit_holds_both_ways_and_is_checked() {
    for max in [0, 4] {
        assert_eq!(Echo::strict().with_limit(max).map(drop), Err(too_small(max)));
    }
    let heartbeats_only = || Echo::strict().with_limit(5).unwrap();
    assert_eq!(all(&mut heartbeats_only(), PING), [Ping]);
    let over = WireError::TooLarge { length: 6, limit: 5 };
    assert_eq!(all(&mut heartbeats_only(), &[0, 0, 0, 6]), [Closed(over)]);
    assert_eq!(heartbeats_only().encode(Frame::data(b"!"), &mut Vec::new()), Err(over));
}

/// A peer of another format must be an error at once, not a connection on which nothing ever happens.
#[test]
fn a_peer_of_another_format_fails_loudly() {
    let text = u32::from_be_bytes(*b"ping");
    for (peer, wire, expected) in [
        ("text lines", &b"ping\n"[..], vec![Closed(too_large(text))]),
        ("a ping whose length leaves itself out", &[0, 0, 0, 1, 1], vec![Closed(too_small(1))]),
        (
            "data whose length leaves itself out",
            b"\x00\x00\x00\x0D\x03client msg 0",
            vec![Data(b"\x00\x00\x00\x0D\x03client m".to_vec()), Closed(too_large(u32::from_be_bytes(*b"sg 0")))],
        ),
        ("little-endian lengths", &[5, 0, 0, 0, 1], vec![Closed(too_large(5 << 24))]),
    ] {
        assert_eq!(all(&mut Echo::strict(), wire), expected, "{peer}");
    }
}
