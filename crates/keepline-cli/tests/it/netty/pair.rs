//! Pair: whole conversations of one end of ours with one of theirs, and what both have counted.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Client, Event, Java, PATIENCE, Raw, SCHEDULING, SLOT, Server, ms};

/// The quiet time after which a client pings.
const QUIET: Duration = ms(400);

/// What a process's own stamps may say too little: it stamps what it did before when it comes to write that down.
const STAMPS: Duration = ms(100);

/// Fails if a ping came less than the quiet time after what was before it on the line.
#[track_caller]
fn assert_pings_in_quiet_gaps(events: &[Event]) {
    let mut last = None;
    let mut pings = 0;
    for event in events.iter().filter(|event| ["up", "ping", "pong", "message", "echo"].contains(&event.name())) {
        if event.name() == "ping" {
            pings += 1;
            let quiet = last.map_or(QUIET, |last| event.own_time() - last);
            assert!(quiet + STAMPS >= QUIET, "a ping after only {quiet:?}: {events:?}");
        }
        last = Some(event.own_time());
    }
    assert!(pings > 0, "not one ping in {events:?}");
}

/// Fails unless both ends saw the same frames.
#[track_caller]
fn assert_counts_agree(ours: &Value, theirs: &Value, names: &[&str]) {
    for name in names {
        assert_eq!(ours[name], theirs[name], "{name}: we say {ours}, Netty says {theirs}");
    }
    for name in ["reversed", "evicted", "failed", "errors"] {
        assert_eq!(theirs[name], 0, "{theirs}");
    }
}

#[test]
fn our_server_and_nettys_client() {
    let Some(java) = Java::open() else { return };
    let mut server = Server::start("--reader-idle 4s");
    // Gaps on both sides of the quiet time; at the end there is time for two pings at least.
    let client = java.client(
        server.address,
        "--messages 6 --gap-ms 0..700 --all-idle-ms 400 --linger-ms 1000 --quiet-ms 100 --seed 3",
    );
    let theirs = client.finish();
    let down = server.story.wait_for("down", PATIENCE);
    assert_eq!(down.text("reason"), "peer_closed");
    assert_pings_in_quiet_gaps(server.story.events());
    let ours = server.stop().json;
    assert_eq!((&theirs["messages"], &theirs["echoes"]), (&6.into(), &6.into()), "{theirs}");
    assert_counts_agree(&ours, &theirs, &["connections", "pings", "pongs", "echoes"]);
    assert_eq!(ours["evictions"], 0);
}

/// Runs our client against their server: our events, our counts and theirs.
fn our_client(java: &Java, server: &str, client: &str) -> (Vec<Event>, Value) {
    let server = java.server(&format!("--reader-idle-ms 4000 {server}"));
    let client = Client::start(server.address, &format!("--all-idle 400ms --pong-timeout 400ms {client}"));
    let (closed, events) = client.finish(6);
    let theirs = server.stop();
    assert_eq!((closed.number("reconnects"), closed.number("resent")), (0, 0));
    assert_counts_agree(&closed.json, &theirs, &["pings", "pongs", "messages", "echoes"]);
    assert_pings_in_quiet_gaps(&events);
    (events, theirs)
}

fn times(events: &[Event], name: &str) -> Vec<Duration> {
    events.iter().filter(|event| event.name() == name).map(Event::own_time).collect()
}

#[test]
fn nettys_server_that_flushes_and_our_client() {
    let Some(java) = Java::open() else { return };
    let (events, _) = our_client(&java, "--flush", "--messages 6 --gap 600ms..600ms");
    // Each echo is there before the next message, and before any ping.
    for (message, echo) in times(&events, "message").into_iter().zip(times(&events, "echo")) {
        assert!(echo - message < QUIET, "an echo after {:?}", echo - message);
    }
}

#[test]
fn nettys_server_that_does_not_flush_and_our_client() {
    let Some(java) = Java::open() else { return };
    let (events, theirs) = our_client(&java, "", "--messages 6 --gap 100ms..100ms");
    // No echo before the first pong: it is the pong that flushes them.
    let (pongs, echoes) = (times(&events, "pong"), times(&events, "echo"));
    assert!(echoes[0] + STAMPS >= pongs[0], "an echo at {:?}, the first pong at {:?}", echoes[0], pongs[0]);
    assert!(times(&events, "message")[3] < echoes[0], "no message was sent while an echo was owed");
    assert_eq!(theirs["connections"], 1);
}

#[test]
fn a_silent_client_is_closed_at_the_limit_and_never_before() {
    let limit = ms(1500);
    let mut server = Server::start("--reader-idle 1500ms");
    let connecting = Instant::now();
    let mut never = Raw::connect(server.address);
    let mut once = Raw::connect(server.address);
    let sending = Instant::now();
    assert!(once.send(&[0]), "a byte is life, though no frame");
    // Our stamps come before the server's, so its limit is never over before ours.
    for (raw, since) in [(&mut never, connecting), (&mut once, sending)] {
        raw.read_to_end();
        let silent = since.elapsed();
        assert!(silent >= limit, "closed after {silent:?}");
        assert!(silent < limit + SLOT + SCHEDULING, "closed after {silent:?}");
    }
    for _ in 0..2 {
        let down = server.story.wait_for("down", SCHEDULING);
        assert_eq!((down.text("reason"), down.text("side")), ("silent", "network"));
        assert!(down.number("last_in_ms") >= 1500, "{}", down.json);
    }
    assert_eq!(server.stop().number("evictions"), 2);
}

#[test]
fn a_killed_netty_client_is_reported_at_once() {
    let Some(java) = Java::open() else { return };
    let mut server = Server::start("--reader-idle 30s");
    let client = java.client(server.address, "--all-idle-ms 400 --gap-ms 10000..10000");
    server.story.wait_for("ping", PATIENCE);
    let killed = client.process.signal(Signal::KILL);
    let down = server.story.wait_for("down", PATIENCE);
    assert!(["peer_closed", "reset"].contains(&down.text("reason")), "{}", down.json);
    assert!(down.at - killed < SCHEDULING, "reported after {:?}", down.at - killed);
}
