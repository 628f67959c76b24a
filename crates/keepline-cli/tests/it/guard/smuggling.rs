//! Smuggling: row B9: requests of which two readers could disagree where they end. The second reader is whatever stands
//! in front of us, so that what we would take for a second request could be somebody else's body.

use std::io::Write as _;

use super::place::{connect, place, until_closed};
use crate::harness::{Im, People};

/// What an attacker wants served as a request of its own.
const SECOND: &str = "GET /v1/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";

/// What may become of a request.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// It is refused as 400.
    Refused,
    /// Of its two lengths one counts (RFC 9112, 6.1, allows that), its endpoint answers so, and nothing after it is read.
    Answered(u16),
}

use Then::{Answered, Refused};

/// The head of a POST with these headers, and all that follows.
fn table() -> Vec<(&'static str, String, Then)> {
    let with = |headers: &str, body: &str| {
        format!("POST /v1/tokens HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{headers}\r\n{body}{SECOND}")
    };
    let all = 5 + SECOND.len();
    let chunked = "transfer-encoding: chunked\r\n";
    vec![
        // hyper takes Transfer-Encoding and closes: an empty body is no JSON.
        ("CL.TE", with(&format!("content-length: {all}\r\n{chunked}"), "0\r\n\r\n"), Answered(400)),
        ("TE.CL", with(&format!("{chunked}content-length: 4\r\n"), "0\r\n\r\n"), Answered(400)),
        (
            "TE.CL, by case",
            with(&format!("Transfer-Encoding: CHUNKED\r\ncontent-length: {all}\r\n"), "0\r\n\r\n"),
            Answered(400),
        ),
        ("TE.TE", with(&format!("{chunked}transfer-encoding: identity\r\n"), "0\r\n\r\n"), Refused),
        ("TE of no name", with("transfer-encoding: xchunked\r\n", "0\r\n\r\n"), Refused),
        ("TE not at the end", with("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n"), Refused),
        ("TE before its colon", with("transfer-encoding : chunked\r\n", "0\r\n\r\n"), Refused),
        ("TE on a folded line", with("transfer-encoding:\r\n chunked\r\n", "0\r\n\r\n"), Refused),
        ("TE with a tab", with("transfer-encoding:\tchunked\r\ncontent-length: 4\r\n", "0\r\n\r\n"), Answered(400)),
        ("TE with a vertical tab", with("transfer-encoding: \x0bchunked\r\n", "0\r\n\r\n"), Refused),
        ("CL.CL", with(&format!("content-length: 5\r\ncontent-length: {all}\r\n"), "12345"), Refused),
        ("CL in a list", with(&format!("content-length: 5, {all}\r\n"), "12345"), Refused),
        ("CL with a sign", with("content-length: +5\r\n", "12345"), Refused),
        ("CL below nothing", with("content-length: -5\r\n", "12345"), Refused),
        ("CL in hex", with("content-length: 0x5\r\n", "12345"), Refused),
        ("CL beyond 64 bits", with("content-length: 18446744073709551621\r\n", "12345"), Refused),
        ("CL of nothing", with("content-length: \r\n", "12345"), Refused),
        ("a length before its colon", with("content-length : 5\r\n", "12345"), Refused),
        ("a chunk beyond 64 bits", with(chunked, "10000000000000005\r\n12345\r\n0\r\n\r\n"), Answered(400)),
        ("a chunk with a sign", with(chunked, "+5\r\n12345\r\n0\r\n\r\n"), Answered(400)),
        ("a chunk without its end", with(chunked, "5\r\n1234567\r\n0\r\n\r\n"), Answered(400)),
        ("a chunk of a bare LF", with(chunked, "5\n12345\r\n0\r\n\r\n"), Answered(400)),
        ("a bare CR in a header", with("x: 1\rcontent-length: 5\r\n", "12345"), Refused),
        ("a NUL in a header", with("x: 1\0\r\ncontent-length: 5\r\n", "12345"), Refused),
        (
            "TE in HTTP/1.0",
            with(chunked, "0\r\n\r\n")
                .replace("HTTP/1.1\r\nhost: a\r\ncontent-type", "HTTP/1.0\r\nhost: a\r\ncontent-type"),
            Refused,
        ),
    ]
}

#[test]
fn b9_what_two_readers_end_differently_is_answered_once_and_the_connection_closed() {
    let people = People::crowd(0, &[]);
    let im = Im::start(None, &people, "--limits default");
    let mut wrong = Vec::new();
    for (i, (what, request, then)) in table().into_iter().enumerate() {
        let mut stream = connect(place(u8::try_from(i).expect("few")), im.server.http);
        stream.write_all(request.as_bytes()).expect("the kernel takes it");
        let said = until_closed(&mut stream);
        let statuses: Vec<&str> = said.match_indices("HTTP/1.1 ").map(|(at, _)| &said[at + 9..at + 12]).collect();
        let status = match then {
            Refused => 400,
            Answered(status) => status,
        };
        println!("{what}: {statuses:?}, closed");
        if statuses != [status.to_string()] {
            wrong.push(format!("{what}: {statuses:?} and not {then:?}"));
        }
        assert!(!said.contains("openapi"), "{what}: the second request was served: {said}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    im.stop();
}
