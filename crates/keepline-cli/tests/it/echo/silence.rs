//! Silence that no FIN announces, and the end that one does.

use std::time::Instant;

use rustix::process::Signal;

use super::{Process, Server};
use crate::harness::SCHEDULING;

#[test]
fn p26_stop_is_silent_and_kill_is_peer_closed() {
    let server = Server::start("");
    // Silence could only be found after 20 s: what is told sooner was told by the kernel.
    let client = Process::start(&format!(
        "echo connect {} --json --messages 4 --gap 100ms..100ms --all-idle 20s --pong-timeout 20s \
         --retry-base 50ms --retry-cap 100ms",
        server.address
    ));
    client.event("echo");
    let address = server.address;
    let killed = Instant::now();
    server.process.kill();
    let down = client.event("down");
    assert!(killed.elapsed() < SCHEDULING, "told after {:?}", killed.elapsed());
    // A message may be under way, and be answered by a reset; where none is, silence/stopped.rs takes nothing but a FIN.
    assert!(["peer_closed", "reset"].contains(&down["reason"].as_str().unwrap()), "{down}");
    assert_eq!(down["side"], "client", "{down}");

    let server = Server::start_at(address, "");
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    let counts = client.closed();
    assert_eq!((&counts["messages"], &counts["echoes"], &counts["reconnects"]), (&4.into(), &4.into(), &1.into()));
    assert!(client.events().iter().all(|line| line["event"] != "suspect"), "{client:#?}");
    assert_eq!(server.stop().closed()["connections"], 1);
}

#[test]
fn a_stopped_server_is_suspect_then_silent_and_is_used_again_when_it_goes_on() {
    let server = Server::start("");
    let client = Process::start(&format!(
        "echo connect {} --json --messages 5 --gap 200ms..200ms --all-idle 400ms --pong-timeout 400ms \
         --retry-base 50ms --retry-cap 200ms",
        server.address
    ));
    client.event("echo");
    server.process.signal(Signal::STOP);
    client.event("suspect");
    let down = client.event("down");
    assert_eq!((&down["reason"], &down["side"]), (&"silent".into(), &"network".into()), "{down}");
    assert_eq!(down["pings_unanswered"], 1, "{down}");
    assert!(down["next_try_ms"].as_u64() <= Some(200), "{down}");
    server.process.signal(Signal::CONT);
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    let counts = client.closed();
    assert_eq!((&counts["messages"], &counts["echoes"]), (&5.into(), &5.into()));
    assert!(counts["reconnects"].as_u64() >= Some(1), "{counts}");
}

#[test]
fn a_stopped_client_is_evicted_as_silent() {
    let server = Server::start("--reader-idle 2s");
    let client =
        Process::start(&format!("echo connect {} --json --messages 0 --all-idle 1s --pong-timeout 1s", server.address));
    client.event("pong");
    client.signal(Signal::STOP);
    let down = server.process.event("down");
    assert_eq!((&down["reason"], &down["side"]), (&"silent".into(), &"network".into()), "{down}");
    assert!(down["last_in_ms"].as_u64() >= Some(2000), "never early: {down}");
    client.signal(Signal::CONT);
    client.event("down");
    client.event("up");
    client.signal(Signal::INT);
    assert_eq!(client.end().closed()["reconnects"], 1);
    let counts = server.stop().closed();
    assert_eq!((&counts["evictions"], &counts["connections"]), (&1.into(), &2.into()));
}
