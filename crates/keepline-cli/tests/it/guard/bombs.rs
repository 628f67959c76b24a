//! Bombs: rows B8 and B9: small bodies that want to become large ones, nests without a bottom, and bodies without an end.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;

use super::place::{Answer, Word, answer, ask, connect, login, place, until_closed};
use crate::harness::{Host, Im, PATIENCE, People, is_closed, ms};

/// Every endpoint that reads a body: of the public listener, and cim's.
const BODIES: [&str; 14] = [
    "POST /v1/accounts",
    "PUT /v1/accounts/me/password",
    "POST /v1/tokens",
    "POST /v1/conversations/p.ann.bob/messages",
    "PUT /v1/conversations/p.ann.bob/read",
    "POST /v1/groups",
    "PUT /v1/groups/team/members/bob",
    "POST /v1/schedules",
    "PATCH /v1/schedules/1",
    "POST /registerAccount",
    "POST /login",
    "POST /offLine",
    "POST /p2pRoute",
    "POST /groupRoute",
];

const DEEP: usize = 100_000;

fn server(people: &People) -> Im {
    Im::start(None, people, "--limits bench")
}

/// The headers of a body, and ann's token.
fn headers(people: &People, length: usize, more: &str) -> String {
    let token = people.token("ann");
    format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}")
}

#[track_caller]
fn send(im: &Im, people: &People, what: &str, more: &str, body: &str) -> Answer {
    ask(place(1), im.server.http, what, &headers(people, body.len(), more), body)
}

#[test]
fn b8_json_that_nests_a_hundred_thousand_deep_is_refused_by_every_endpoint() {
    let people = People::crowd(0, &["ann", "bob"]);
    let im = server(&people);
    let before = im.memory().resident;
    let (open, close) = ("[".repeat(DEEP), "]".repeat(DEEP));
    let bodies = [
        ("lists", format!("{open}{close}")),
        ("lists without an end", open.clone()),
        ("objects", format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP))),
        ("in a field that there is", format!("{{\"user\":{open}{close},\"msg\":{open}{close}}}")),
        ("in one that there is not", format!("{{\"nothing\":{open}{close}}}")),
    ];
    let all = || {
        for what in BODIES {
            for (kind, body) in &bodies {
                let answer = send(&im, &people, what, "", body);
                let ours = what.contains("/v1/");
                // cim's endpoints skip fields that they do not know, which takes no stack, and miss the others.
                let fits = if ours { (400..500).contains(&answer.status) } else { answer.status < 500 };
                assert!(fits, "{what}, {kind}: {}", answer.status);
            }
        }
        im.memory().peak
    };
    // The allocator keeps what bodies of their size take, 16 MiB at a time: the first turn shows that, the second what
    // nesting takes, which are hundreds of bytes for each level where it is kept.
    let (first, second) = (all(), all());
    let (once, again) = (first.saturating_sub(before), second.saturating_sub(first));
    println!(
        "{} bodies {DEEP} deep: memory +{once} KiB, and +{again} KiB for as many more",
        BODIES.len() * bodies.len()
    );
    assert!(once < 64 << 10 && again < 32 << 10, "{once} and {again} KiB");
    im.stop();
}

/// Groups nest in protobuf with a byte each, and messages in messages with a few.
fn nested(field: u8, room: usize) -> [Vec<u8>; 2] {
    let groups = vec![field << 3 | 3; room];
    let mut messages: Vec<u8> = Vec::new();
    // From within: a field of bytes around what there is. Written backwards, so that each level costs its own bytes.
    while messages.len() + 5 < room {
        let mut length = messages.len();
        let mut level = vec![field << 3 | 2];
        loop {
            level.push((length & 0x7f) as u8 | if length > 0x7f { 0x80 } else { 0 });
            length >>= 7;
            if length == 0 {
                break;
            }
        }
        messages.extend(level.iter().rev());
    }
    messages.reverse();
    [groups, messages]
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A frame whose body has this number, and these bytes in it.
fn frame(body: usize, bytes: &[u8]) -> Vec<u8> {
    let mut message = varint(body << 3 | 2);
    message.extend(varint(bytes.len()));
    message.extend_from_slice(bytes);
    [varint(message.len()), message].concat()
}

/// Sends a frame, and waits for the end of the line.
#[track_caller]
fn ends(mut stream: TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    assert!(is_closed(&mut stream, PATIENCE), "the line stays");
}

#[test]
fn b8_protobuf_that_nests_to_the_end_of_its_frame_ends_its_line_at_most() {
    let (people, host) = (People::crowd(0, &["ann"]), Host::here());
    let im = server(&people);
    let before = im.memory().resident;
    let mut sent = 0;
    for inner in nested(1, 60 << 10) {
        // Every body that there is, and one of a later version; and without a body.
        for body in (6..=23).chain([100]) {
            let Word::Welcome(stream) = login(place(1), &im, people.token("ann"), "phone") else { panic!("{body}") };
            ends(stream, &frame(body, &inner));
            sent += 1;
        }
        let Word::Welcome(stream) = login(place(1), &im, people.token("ann"), "phone") else { panic!("it logs in") };
        ends(stream, &[varint(inner.len()), inner].concat());
    }
    for inner in nested(1, 3 << 10) {
        // A hello with its magic number, and cim's first frames of both kinds.
        let hello = frame(16, &inner);
        let magic = [&varint(hello.len() + 5)[..], &[0x7d, 0x4b, 0x50, 0x4c, 0x31], &hello[2..]].concat();
        for bytes in [magic, hello.clone(), [varint(inner.len()), inner].concat()] {
            ends(connect(place(2), im.server.tcp), &bytes);
            sent += 1;
        }
    }
    assert!(matches!(login(place(1), &im, people.token("ann"), "phone"), Word::Welcome(_)), "others log in");
    for reason in ["protocol_error", "peer_closed", "server_error"] {
        println!("{reason}: {}", im.metric(&host, "keepline_connections_closed_total", reason));
    }
    assert_eq!(im.metric(&host, "keepline_connections_closed_total", "server_error"), 0);
    let grew = im.memory().peak.saturating_sub(before);
    println!("{sent} frames that nest to their end: memory +{grew} KiB");
    assert!(grew < 16 << 10, "{grew} KiB");
    im.stop();
}

/// 64 MiB of zeros, as zlib packs them.
fn packed() -> Vec<u8> {
    let script = "import sys, zlib; sys.stdout.buffer.write(zlib.compress(bytes(64 << 20)))";
    let output = Command::new("python3").args(["-c", script]).output().expect("python3 is there");
    assert!(output.stdout.len() > 10_000 && output.stdout.len() < 200_000, "{}", output.stdout.len());
    output.stdout
}

#[test]
fn b8_a_packed_body_is_refused_and_never_unpacked() {
    let people = People::crowd(0, &["ann", "bob"]);
    let im = server(&people);
    let (before, bomb) = (im.memory().resident, packed());
    for what in BODIES {
        for encoding in ["deflate", "gzip", "br", "zstd", "identity, gzip"] {
            let head = headers(&people, bomb.len(), &format!("content-encoding: {encoding}\r\n"));
            let mut stream = connect(place(1), im.server.http);
            write!(stream, "{what} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{head}\r\n").expect("it reads");
            let _ = stream.write_all(&bomb);
            let answer = answer(&mut stream);
            assert_eq!(answer.status, 415, "{what}, {encoding}: {}", answer.json);
        }
    }
    assert_eq!(
        send(&im, &people, "POST /v1/groups", "content-encoding: identity\r\n", "{\"group\":\"team\"}").status,
        201
    );
    let grew = im.memory().peak.saturating_sub(before);
    println!("{} bodies of {} bytes, 64 MiB each when unpacked: memory +{grew} KiB", BODIES.len() * 5, bomb.len());
    assert!(grew < 8 << 10, "{grew} KiB");
    im.stop();
}

/// What of a body a server takes before it closes, in bytes.
#[track_caller]
fn pour(stream: &mut TcpStream, piece: &[u8], most: usize) -> usize {
    stream.set_write_timeout(Some(PATIENCE)).expect("an open socket");
    let mut taken = 0;
    while taken < most {
        match stream.write(piece) {
            Ok(count) => taken += count,
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
            Err(error) => panic!("after {taken} bytes: {error}"),
        }
    }
    taken
}

#[test]
fn b9_a_body_of_a_gibibyte_is_refused_at_its_limit() {
    const GIB: usize = 1 << 30;
    let people = People::crowd(0, &["ann", "bob"]);
    let im = server(&people);
    let before = im.memory().resident;
    for what in BODIES.into_iter().chain(["GET /v1/accounts/me", "DELETE /v1/groups/none"]) {
        let begin = |head: &str| {
            let mut stream = connect(place(1), im.server.http);
            let token = people.token("ann");
            let auth = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
            write!(stream, "{what} HTTP/1.1\r\nhost: a\r\n{auth}{head}\r\n").expect("it reads");
            stream
        };
        // Announced: it is answered before a byte of it has come.
        let mut stream = begin(&format!("content-length: {GIB}\r\n"));
        let announced = first_status(&mut stream);
        // Sent, in chunks of 64 KiB.
        let mut stream = begin("transfer-encoding: chunked\r\n");
        let chunk = [&b"10000\r\n"[..], &[b' '; 1 << 16], b"\r\n"].concat();
        let taken = pour(&mut stream, &chunk, GIB);
        let said = until_closed(&mut stream);
        let chunked = said.split(' ').nth(1).unwrap_or("(reset)").to_owned();
        println!("{what}: announced {announced}, chunked {chunked} after {} KiB", taken >> 10);
        let reads = BODIES.contains(&what);
        assert!(!reads || announced == "413", "{what}: {announced}");
        assert!(!reads || ["413", "(reset)"].contains(&chunked.as_str()), "{what}: {chunked}");
        // The kernels' buffers of both ends take a few MiB that nobody reads.
        assert!(taken < 32 << 20, "{what}: {taken} bytes");
    }
    let grew = im.memory().peak.saturating_sub(before);
    println!("memory +{grew} KiB");
    assert!(grew < 16 << 10, "{grew} KiB");
    im.stop();
}

/// The status of the first answer, whatever comes then.
#[track_caller]
fn first_status(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("an answer");
    assert!(is_closed(stream, ms(30_000)), "it waits for the body");
    String::from_utf8_lossy(&head[9..]).into_owned()
}
