//! `--json`: each event with exactly its fields, each field with its type.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;
use serde_json::Value;

use super::process::Ended;
use super::{Process, Server};

/// Letters for types: `s` string, `n` number, `b` true or false, `?` before a type: or null.
const CLIENT: &[(&str, &str)] = &[
    ("begin", "gap:s messages:n seed:n"),
    ("connecting", "attempt:n endpoint:s"),
    ("failed", "endpoint:s error:s next_try_ms:n"),
    ("up", "endpoint:s peer:s"),
    ("ping", "count:?n peer:s sent:b"),
    ("pong", "count:?n peer:s round_trip_us:?n sent:b"),
    ("message", "peer:s text:s"),
    ("echo", "peer:s text:s"),
    ("suspect", "peer:s"),
    (
        "down",
        "age_ms:n cause:?s code:n last_in_ms:n next_try_ms:?n peer:s pings_unanswered:n reason:s rtt_us:?n side:s",
    ),
    ("closed", "echoes:n messages:n pings:n pongs:n reason:?s reconnects:n resent:n"),
];

const SERVER: &[(&str, &str)] = &[
    ("listening", "address:s"),
    ("up", "peer:s"),
    ("ping", "count:?n peer:s sent:b"),
    ("pong", "count:?n peer:s sent:b"),
    ("message", "peer:s text:s"),
    ("echo", "peer:s text:s"),
    ("timeout", "peer:s"),
    (
        "down",
        "age_ms:n cause:?s code:n last_in_ms:n next_try_ms:?n peer:s pings_unanswered:n reason:s rtt_us:?n side:s",
    ),
    ("closed", "connections:n echoes:n evictions:n pings:n pongs:n reason:?s"),
];

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "s" => value.is_string(),
        "n" => value.is_u64(),
        "b" => value.is_boolean(),
        other => value.is_null() || other.strip_prefix('?').is_some_and(|kind| fits(kind, value)),
    }
}

/// Holds each line to its row, and says how often each event came.
fn check(table: &[(&str, &str)], ended: &Ended) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for line in ended.events() {
        let name = line["event"].as_str().expect("an event's name");
        let row = table.iter().find(|(event, _)| *event == name).unwrap_or_else(|| panic!("no row for {line}"));
        let fields: BTreeMap<_, _> = row.1.split(' ').map(|field| field.split_once(':').expect("a type")).collect();
        for (field, kind) in fields.iter().chain([(&"at_ms", &"n")]) {
            assert!(fits(kind, &line[*field]), "{field} of {line} is not {kind}");
        }
        assert_eq!(line.as_object().expect("an object").len(), fields.len() + 2, "fields beside {fields:?} in {line}");
        *seen.entry(name.to_owned()).or_default() += 1;
    }
    seen
}

#[test]
fn every_event_of_a_pair_has_its_fields() {
    let server = Server::start("--reader-idle 2s");
    let silent = TcpStream::connect(server.address).unwrap();
    let client = Process::start(&format!(
        "echo connect {} --json --messages 1 --gap 1h..1h --all-idle 1s --pong-timeout 1s",
        server.address
    ));
    client.event("echo");
    client.event("pong");
    server.process.event("timeout");
    client.signal(Signal::INT);
    let client = check(CLIENT, &client.end());
    drop(silent);
    let server = check(SERVER, &server.stop());
    for (name, _) in CLIENT.iter().filter(|(name, _)| !["failed", "suspect"].contains(name)) {
        assert!(client.contains_key(*name), "the client never said {name}: {client:?}");
    }
    for (name, _) in SERVER {
        assert!(server.contains_key(*name), "the server never said {name}: {server:?}");
    }
}

#[test]
fn a_black_hole_is_suspect_and_then_down_at_the_deadline() {
    // Its kernel takes connections and bytes; nobody ever answers.
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = hole.local_addr().unwrap();
    // A time for the pong that nobody typed is no longer than the quiet time that somebody did.
    let client = Process::start(&format!(
        "echo connect {address} --json --messages 0 --all-idle 300ms --retry-base 10ms --retry-cap 20ms"
    ));
    client.event("suspect");
    let down = client.event("down");
    assert_eq!(
        (&down["reason"], &down["code"], &down["side"], &down["pings_unanswered"]),
        (&"silent".into(), &1102.into(), &"network".into(), &1.into())
    );
    assert!(down["age_ms"].as_u64() >= Some(600), "the ping and all of its pong's time: {down}");
    drop(hole);
    client.event("failed");
    client.signal(Signal::INT);
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    let seen = check(CLIENT, &client);
    for name in ["ping", "suspect", "down", "failed"] {
        assert!(seen.contains_key(name), "the client never said {name}: {seen:?}");
    }
}
