//! The published vectors of `docs/vectors/v1.json`: read with this crate, written again, and named in the document.
#![expect(clippy::disallowed_methods, reason = "the vectors lie in a file; the core itself has none")]

use std::path::Path;

use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::{Accepts, Im, cim, framed, v1};
use keepline_proto::wire::{Codec, Decoded, Message};
use keepline_proto::{Reason, Reconnect};
use prost::Message as _;
use serde_json::Value;

use super::framing::{HELLO, LOGIN_1, LOGIN_21};
use super::vector_fields::{cim_fields, v1_fields};

fn docs(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn vectors(list: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(&docs("vectors/v1.json")).expect("the vectors are JSON");
    all[list].as_array().unwrap_or_else(|| panic!("no list {list}")).clone()
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("no text {key} in {vector}"))
}

fn bytes(vector: &Value) -> Vec<u8> {
    let byte = |hex| u8::from_str_radix(hex, 16).unwrap_or_else(|error| panic!("{hex}: {error}"));
    text(vector, "hex").split(' ').map(byte).collect()
}

/// One whole frame, as an end that already speaks hears it, and its bytes without the length.
fn hear(mut codec: Im, wire: &[u8]) -> (&'static str, Option<u32>, &[u8]) {
    let decoded = codec.decode(wire);
    let Ok(Decoded::Frame { bytes, message }) = decoded else { panic!("{decoded:?}") };
    assert_eq!(bytes, wire.len(), "more than one frame");
    let body = &wire[if wire[0] < 0x80 { 1 } else { 2 }..];
    match message {
        Message::Ping(nonce) => ("ping", nonce, body),
        Message::Pong(nonce) => ("pong", nonce, body),
        Message::Data(frame) => {
            assert_eq!(frame.body, body);
            ("data", None, body)
        }
    }
}

/// A server that has been spoken to in this dialect.
fn server(dialect: Dialect) -> Im {
    let mut codec = Im::server(Accepts { cim: true });
    let login = match dialect {
        Dialect::V1 => HELLO,
        Dialect::Cim21 => LOGIN_21,
        Dialect::Cim1 => LOGIN_1,
    };
    assert!(codec.decode(login).is_ok());
    codec
}

/// Reads one vector of version 1 and compares its fields; gives what was read.
fn read(vector: &Value) -> v1::Frame {
    let wire = bytes(vector);
    let (said, nonce, body) = hear(Im::client(), &wire);
    let frame = v1::Frame::decode(body).unwrap_or_else(|error| panic!("{error}: {vector}"));
    let (kind, fields) = v1_fields(&frame).unwrap_or_else(|| panic!("no body in {vector}"));
    assert_eq!(vector[kind], fields, "{vector}");
    assert_eq!(u64::from(frame.magic), vector["magic"].as_u64().unwrap_or(0), "{vector}");
    assert_eq!(said, if matches!(kind, "ping" | "pong") { kind } else { "data" }, "{vector}");
    assert_eq!(nonce.map(Value::from), fields.get("nonce").cloned(), "{vector}");
    frame
}

#[test]
fn every_frame_is_read_and_written_as_published() {
    let mut kinds: Vec<&str> = Vec::new();
    for vector in vectors("frames") {
        let mut frame = read(&vector);
        let (kind, _) = v1_fields(&frame).unwrap();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
        let wire = bytes(&vector);
        if frame.magic == Dialect::MAGIC {
            // The same fields in the order of their numbers, where prost writes the magic number behind hello.
            frame.magic = 0;
            let hello = [&b"\x7dKPL1"[..], &frame.encode_to_vec()].concat();
            assert_eq!(wire[1..], hello, "{vector}");
            assert_eq!(Dialect::judge(&hello), Ok(Dialect::V1), "{vector}");
            assert_eq!(usize::from(wire[0]), hello.len(), "{vector}");
        } else {
            assert_eq!(framed(&frame, Im::BEFORE_LOGIN).unwrap(), wire, "{vector}");
        }
    }
    kinds.sort_unstable();
    let all = "close deliver deliver_ack gap go_away hello ping pong read_mark reset resume send send_ack send_refused \
               terms welcome";
    assert_eq!(kinds.join(" "), all, "a vector for each body");
}

#[test]
fn other_ways_to_write_a_frame_are_read_too() {
    for vector in vectors("also_read") {
        let frame = read(&vector);
        assert!(framed(&frame, Im::BEFORE_LOGIN).is_ok());
    }
}

#[test]
fn every_stream_ends_as_published_and_at_that_byte() {
    for vector in vectors("streams") {
        let wire = bytes(&vector);
        let cim = vector["cim"].as_bool().unwrap();
        let expected = match &vector["closes"] {
            Value::Null => None,
            closes => {
                let at = usize::try_from(closes["at"].as_u64().unwrap()).unwrap();
                assert!((1..=wire.len()).contains(&at), "{vector}");
                Some((at, text(closes, "reason").to_owned()))
            }
        };
        let (mut codec, mut taken, mut frames, mut closed) = (Im::server(Accepts { cim }), 0, 0, None);
        // Byte by byte: the end is due at its byte, not sooner and not later.
        for here in 1..=wire.len() {
            match codec.decode(&wire[taken..here]) {
                Ok(Decoded::Frame { bytes, .. }) => {
                    taken += bytes;
                    frames += 1;
                }
                Ok(Decoded::Partial { .. }) => {}
                Ok(Decoded::Skip { .. }) => panic!("{vector}: nothing is skipped"),
                Err(error) => {
                    closed = Some((here, error.reason().name().to_owned()));
                    break;
                }
            }
        }
        assert_eq!(closed, expected, "{vector}");
        assert_eq!(frames, vector["frames"].as_u64().unwrap(), "{vector}");
    }
}

#[test]
fn cims_frames_are_read_and_written_as_published() {
    for vector in vectors("cim") {
        let wire = bytes(&vector);
        let dialect =
            [Dialect::Cim21, Dialect::Cim1].into_iter().find(|it| it.name() == text(&vector, "dialect")).unwrap();
        let is = text(&vector, "is");
        let (codec, mut other) = match text(&vector, "from") {
            "client" => (server(dialect), Im::client_of(dialect)),
            "server" => (Im::client_of(dialect), server(dialect)),
            other => panic!("who is {other}?"),
        };
        let (said, nonce, body) = hear(codec, &wire);
        assert_eq!((said, nonce), (if matches!(is, "ping" | "pong") { is } else { "data" }, None), "{vector}");
        let frame = cim::Frame::decode(body).unwrap();
        assert_eq!(cim_fields(&frame), vector["fields"], "{vector}");
        if text(&vector, "from") == "client" {
            // A server's message could pass for a login; a server is never the one to be judged.
            assert_eq!(Dialect::judge(body).ok(), (is == "login").then_some(dialect), "{vector}");
        }
        let mut out = Vec::new();
        if is == "pong" {
            other.pong(None, &mut out);
            assert_eq!(out, wire, "{vector}");
        } else {
            // No id is left out by cim 1, and none of these has the id 0.
            assert_eq!(framed(&frame, Im::BEFORE_LOGIN).unwrap(), wire, "{vector}");
        }
    }
}

#[test]
fn the_document_shows_the_same_bytes_and_all_close_codes() {
    let document = docs("protocol.md");
    for list in ["frames", "cim"] {
        for vector in vectors(list) {
            let hex = text(&vector, "hex");
            assert!(document.contains(&format!("`{hex}`")), "docs/protocol.md lacks {list}: {vector}");
        }
    }
    for reason in Reason::ALL {
        let again = match reason.reconnect() {
            Reconnect::Yes => "yes".to_owned(),
            Reconnect::No => "no".to_owned(),
            Reconnect::After(wait) => format!("after {} s", wait.as_millis() / 1000),
        };
        let row = format!("| {} | `{reason}` | {again} |", reason.code());
        assert!(document.contains(&row), "docs/protocol.md lacks {row}");
    }
    for limit in [Im::BEFORE_LOGIN as usize, Im::AFTER_LOGIN as usize, Im::LARGEST_BODY] {
        assert!(document.contains(&format!("{limit} bytes")), "docs/protocol.md does not name the limit of {limit}");
    }
}
