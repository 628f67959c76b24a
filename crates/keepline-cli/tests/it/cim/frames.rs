//! Frames: the Java peer writes and reads cim's reference bytes, so that what it says of a server can be trusted.

use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{Java, PATIENCE, Process};

/// The dialect, the frame, and its bytes for the client 1547028929407 "zs".
const WRITTEN: [[&str; 3]; 4] = [
    ["2.1", "login", "0b 0a 02 7a 73 10 ff b6 f0 90 83 2d"],
    ["2.1", "ping", "0f 0a 04 70 69 6e 67 10 ff b6 f0 90 83 2d 18 02"],
    ["1.x", "login", "0d 0a 02 7a 73 10 ff b6 f0 90 83 2d 18 01"],
    ["1.x", "ping", "0f 0a 04 70 69 6e 67 10 ff b6 f0 90 83 2d 18 03"],
];

/// `receiveUserId: "2"`, one of the entries of the properties.
const TO_2: &str = "22 12 0a 0d 72 65 63 65 69 76 65 55 73 65 72 49 64 12 01 32";
/// `receiveUserId: "3"`.
const TO_3: &str = "22 12 0a 0d 72 65 63 65 69 76 65 55 73 65 72 49 64 12 01 33";

/// An event, and the members that tell it from others.
type Told = (&'static str, Value);

/// The dialect, bytes to the client 2, and what it says of them, in turn.
fn read() -> Vec<(&'static str, String, Vec<Told>)> {
    let message = |text: &str, index: Value, of: usize| {
        ("message", json!({"text": text, "index": index, "of": of, "properties": {"receiveUserId": "2"}}))
    };
    let error = |what: &str| ("error", json!({ "what": what }));
    let bare = |text: &str| ("message", json!({"text": text, "index": null, "of": 0, "properties": {}}));
    vec![
        ("2.1", "08 0a 04 70 6f 6e 67 18 02".into(), vec![("pong", json!({"hex": "0a04706f6e671802"}))]),
        ("1.x", "0a 0a 04 70 6f 6e 67 10 00 18 03".into(), vec![("pong", json!({"hex": "0a04706f6e6710001803"}))]),
        ("2.1", format!("1b 0a 01 61 10 02 18 01 {TO_2}"), vec![message("a", Value::Null, 0)]),
        (
            "2.1",
            format!("1e 10 02 18 03 {TO_2} 2a 01 61 2a 01 62"),
            vec![message("a", 0.into(), 2), message("b", 1.into(), 2)],
        ),
        // Two frames in one piece, and one that needs no minimal length.
        ("1.x", "07 0a 01 61 10 02 18 02 87 00 0a 01 62 10 02 18 02".into(), vec![bare("a"), bare("b")]),
        // What the real clients throw at.
        ("2.1", "07 0a 01 61 10 02 18 01".into(), vec![error("receiveUserId is null")]),
        ("2.1", format!("1b 0a 01 61 10 03 18 01 {TO_3}"), vec![error("receiveUserId is 3")]),
        ("2.1", format!("1b 0a 01 61 10 03 18 01 {TO_2}"), vec![error("the frame is for 3")]),
        ("1.x", "08 0a 04 70 6f 6e 67 18 03".into(), vec![error("missing required fields: id")]),
        // What only we must not send: a field of another protocol.
        ("1.x", format!("1b 0a 01 61 10 02 18 02 {TO_2}"), vec![error("fields that cim does not have: [4]")]),
    ]
}

fn without_spaces(hex: &str) -> String {
    hex.replace(' ', "")
}

#[track_caller]
fn next(peer: &Process) -> Value {
    let line =
        peer.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("an early end; {}", peer.complaint()));
    serde_json::from_str(&line.text).unwrap_or_else(|error| panic!("{error}: {:?}", line.text))
}

/// Whether it has each of these members; of `what`, the text has only to be in it.
fn has(line: &Value, members: &Value) -> bool {
    members.as_object().expect("an object").iter().all(|(name, value)| match (name.as_str(), value) {
        ("what", Value::String(part)) => line["what"].as_str().is_some_and(|what| what.contains(part.as_str())),
        _ => line[name] == *value,
    })
}

#[test]
fn the_java_peer_writes_and_reads_cims_bytes() {
    let Some(java) = Java::open() else { return };
    let mut peer = java.spawn("CimPeer", "--self-check");
    for [dialect, frame, bytes] in WRITTEN {
        let line = next(&peer);
        let wanted = json!({"as": dialect, "event": "wrote", "frame": frame, "hex": without_spaces(bytes)});
        assert!(has(&line, &wanted), "{line} is not {wanted}");
    }
    for (dialect, bytes, told) in read() {
        peer.say(&format!("{dialect} {}", without_spaces(&bytes)));
        for (event, members) in told {
            let line = next(&peer);
            assert_eq!(line["event"], event, "{dialect} {bytes}: {line}");
            assert!(has(&line, &members), "{dialect} {bytes}: {line} is not {members}");
        }
        let line = next(&peer);
        assert_eq!(line["event"], "read", "{dialect} {bytes}: more was told: {line}");
    }
    peer.close_input();
    assert_eq!(peer.end().code, Some(0));
}
