//! The line codec: what is a heartbeat, what is text, and where a line is too long.

use keepline_proto::wire::line::Line;
use keepline_proto::wire::{Codec, WireError};

use crate::corpus::feed::Event::{self, Closed, Data, Ping, Pong};
use crate::corpus::feed::{cut, feed};

const NUL: WireError = WireError::Malformed { what: "a NUL byte in text" };
const TOO_LARGE: WireError = WireError::TooLarge { length: 1025, limit: 1024 };

fn all(wire: &[u8]) -> Vec<Event> {
    feed(&mut Line, [wire], Line::LIMIT)
}

fn text(line: &str) -> Event {
    Data(line.as_bytes().to_vec())
}

#[test]
fn lines() {
    for (wire, expected) in [
        (&b"ping\n"[..], vec![Ping]),
        (b"pong\r\n", vec![Pong]),
        (b"ping\npong\nhi\n", vec![Ping, Pong, text("hi\n")]),
        (b"\n\r\n", vec![text("\n"), text("\n")]),
        (b"PING\n ping\n", vec![text("PING\n"), text(" ping\n")]),
        (b"a\rb\r\r\n", vec![text("a\rb\n")]),
        (b"ping", vec![]),
        (b"ping\nhi\0", vec![Ping, Closed(NUL)]),
    ] {
        let shown = wire.escape_ascii();
        assert_eq!(all(wire), expected, "{shown}");
        let events = feed(&mut Line, cut(wire, &[0]), Line::LIMIT);
        assert_eq!(events, expected, "{shown}, byte by byte");
    }
}

#[test]
fn heartbeats_as_the_article_writes_them() {
    let mut out = Vec::new();
    Line.ping(None, &mut out);
    Line.pong(Some(1), &mut out);
    assert_eq!(out, b"ping\npong\n");
}

#[test]
fn a_line_is_too_long_at_1025_bytes_with_or_without_its_end() {
    let line = |length: usize, end: &str| ["x".repeat(length), end.to_owned()].concat();
    for (wire, expected) in [
        (line(1024, ""), vec![]),
        (line(1024, "\n"), vec![text(&line(1024, "\n"))]),
        (line(1023, "\r\n"), vec![text(&line(1023, "\n"))]),
        (line(1024, "\r\n"), vec![Closed(TOO_LARGE)]),
        (line(1025, ""), vec![Closed(TOO_LARGE)]),
        (line(9999, "\n"), vec![Closed(TOO_LARGE)]),
    ] {
        assert_eq!(all(wire.as_bytes()), expected, "{} bytes", wire.len());
    }
}

#[test]
fn what_would_arrive_as_something_else_is_not_encoded() {
    let long = vec![b'x'; 1025];
    let malformed = |what| Err(WireError::Malformed { what });
    for (text, expected) in [
        (&b"hi"[..], Ok(())),
        (b"", Ok(())),
        (&long[1..], Ok(())),
        (&long, Err(TOO_LARGE)),
        (b"a\nb", malformed("a line end within a line")),
        (b"a\r", malformed("a CR at the end of a line")),
        (b"a\0b", Err(NUL)),
        (b"ping", malformed("data that reads as a heartbeat")),
        (b"pong", malformed("data that reads as a heartbeat")),
    ] {
        let mut out = b"before".to_vec();
        let shown = text.escape_ascii();
        assert_eq!(Line.encode(text, &mut out), expected, "{shown}");
        let added = if expected.is_ok() { text.len() + 1 } else { 0 };
        assert_eq!(out.len(), 6 + added, "{shown}");
    }
}

#[test]
fn a_binary_peer_fails_at_its_first_byte() {
    let ping_of_the_echo_pair = [0, 0, 0, 5, 1];
    assert_eq!(all(&ping_of_the_echo_pair[..1]), [Closed(NUL)]);
}
