//! Stopped: a process that stands still behind a kernel that answers for it, and one that is killed.

use std::time::Instant;

use rustix::process::Signal;

use crate::harness::{Client, Event, PATIENCE, SCHEDULING, SLOT, Server, ms};

#[test]
fn a_stopped_client_is_evicted_within_its_limit_and_comes_back() {
    let limit = ms(1500);
    let mut server = Server::start("--reader-idle 1500ms");
    let mut client = Client::start(
        server.address,
        "--all-idle 500ms --pong-timeout 500ms --messages 4 --gap 700ms..700ms --retry-base 100ms --retry-cap 300ms",
    );
    client.story.wait_for("pong", PATIENCE);
    let stopped = client.story.process().signal(Signal::STOP);
    let down = server.story.wait_for("down", PATIENCE);
    assert_eq!((down.text("reason"), down.text("side")), ("silent", "network"));
    assert!(down.number("last_in_ms") >= 1500, "early: {}", down.json);
    // Its last byte came before it was stopped.
    let took = down.at - stopped;
    assert!(took < limit + SLOT + SCHEDULING, "evicted after {took:?}");
    client.story.process().signal(Signal::CONT);
    let learned = client.story.wait_for("down", PATIENCE);
    assert!(["peer_closed", "reset"].contains(&learned.text("reason")), "{}", learned.json);
    let (closed, _) = client.finish(4);
    assert_eq!(closed.number("reconnects"), 1);
    assert_eq!(server.stop().number("evictions"), 1);
}

#[test]
fn a_stopped_server_is_left_within_the_deadline_of_a_pong() {
    let (all_idle, pong) = (ms(500), ms(500));
    let server = Server::start("");
    let mut client = Client::start(
        server.address,
        "--all-idle 500ms --pong-timeout 500ms --messages 4 --gap 700ms..700ms --retry-base 100ms --retry-cap 300ms",
    );
    client.story.wait_for("pong", PATIENCE);
    let stopped = server.story.process().signal(Signal::STOP);
    let ping = client.story.wait_for("ping", PATIENCE);
    let suspect = client.story.wait_for("suspect", PATIENCE);
    let down = client.story.wait_for("down", PATIENCE);
    assert_eq!((down.text("reason"), down.text("side")), ("silent", "network"));
    assert!(ping.at <= suspect.at && suspect.at <= down.at);
    // A message may put the ping off, to twice the quiet time and no further.
    let took = down.at - stopped;
    assert!(took < all_idle * 2 + pong + 2 * SLOT + SCHEDULING, "left after {took:?}");
    // Its pong was late by 500 ms at least; the silence began half a second before.
    assert!(down.number("last_in_ms") >= 1000, "early: {}", down.json);
    assert_eq!(down.number("pings_unanswered"), 1);
    server.story.process().signal(Signal::CONT);
    client.finish(4);
    server.stop();
}

#[test]
fn a_killed_client_is_reported_at_once() {
    let mut server = Server::start("--reader-idle 60s");
    let mut client = Client::start(server.address, QUIET);
    client.story.wait_for("echo", PATIENCE);
    let killed = client.story.process().signal(Signal::KILL);
    assert_closed_at_once(&server.story.wait_for("down", PATIENCE), killed, "client");
}

#[test]
fn a_killed_server_is_reported_at_once() {
    let server = Server::start("--reader-idle 60s");
    let mut client = Client::start(server.address, QUIET);
    client.story.wait_for("echo", PATIENCE);
    let killed = server.story.process().signal(Signal::KILL);
    assert_closed_at_once(&client.story.wait_for("down", PATIENCE), killed, "server");
}

/// One message and its echo, which has been read when it is told; then nothing is under way for a minute.
const QUIET: &str = "--messages 1 --gap 60s..60s --all-idle 60s --pong-timeout 60s";

/// Nothing under way and nothing unread, so the kernel of a killed process sends a FIN and never an RST (RFC 9293
/// 3.6.1, RFC 2525 2.17).
#[track_caller]
fn assert_closed_at_once(down: &Event, killed: Instant, who: &str) {
    assert_eq!(down.text("reason"), "peer_closed", "a killed {who}: {}", down.json);
    assert!(down.at - killed < SCHEDULING, "a killed {who} was reported after {:?}", down.at - killed);
}
