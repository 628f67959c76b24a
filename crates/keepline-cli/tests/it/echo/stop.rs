//! The ends of both programs: signals, and readers who go away.

use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;

use super::{Process, Server};

#[test]
fn sigterm_drains_the_server_and_its_clients_hear_of_it() {
    let server = Server::start("");
    let client = Process::start(&format!("echo connect {} --json --messages 0 --retry-base 1s", server.address));
    client.event("up");
    let address = server.address;
    let server = server.stop();
    assert_eq!(server.code, Some(0), "{server:#?}");
    let down = server.events().into_iter().find(|line| line["event"] == "down").expect("the line's end");
    assert_eq!((&down["reason"], &down["side"]), (&"draining".into(), &"server".into()), "{down}");
    assert_eq!(client.event("down")["reason"], "peer_closed");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_second_signal_ends_a_slow_drain_at_once() {
    let server = Server::start("--drain 1h --reader-idle 1h");
    let streams = [TcpStream::connect(server.address).unwrap(), TcpStream::connect(server.address).unwrap()];
    server.process.event("up");
    server.process.event("up");
    server.process.signal(Signal::TERM);
    server.process.event("down");
    server.process.signal(Signal::TERM);
    let ended = server.process.end();
    drop(streams);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.closed()["connections"], 2);
}

#[test]
fn ctrl_c_in_the_middle_of_a_run_tells_what_is_missing() {
    let server = Server::start("");
    let client = Process::start(&format!("echo connect {} --json --gap 1h..1h", server.address));
    client.event("echo");
    client.signal(Signal::INT);
    let client = client.end();
    assert_eq!(client.code, Some(1), "one of ten: {client:#?}");
    let counts = client.closed();
    assert_eq!((&counts["messages"], &counts["echoes"], &counts["reason"]), (&1.into(), &1.into(), &"bye".into()));
}

#[test]
fn a_client_that_never_got_through_ends_with_3() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Process::start(&format!("echo connect {address} --json --retry-base 1ms --retry-cap 10ms"));
    for _ in 0..3 {
        client.event("failed");
    }
    client.signal(Signal::INT);
    let client = client.end();
    assert_eq!(client.code, Some(3), "{client:#?}");
    assert_eq!(client.closed()["messages"], 0);
}

#[test]
fn a_reader_who_goes_away_ends_the_client_but_not_the_server() {
    // In the article's words the first line goes to stderr, which is still read.
    let server = Process::start_unread("echo serve --log article --listen 127.0.0.1:0");
    let first = server.err("first line", |_| true);
    let address = first.strip_prefix("listening on ").expect("the first line");
    for round in 1..=2 {
        let client = Process::start(&format!("echo connect {address} --log quiet --messages 3 --gap 0s..0s")).end();
        assert_eq!(client.code, Some(0), "round {round}: {client:#?}");
        server.err("inactive line", |line| line.ends_with(" is inactive---"));
    }
    server.signal(Signal::TERM);
    let ended = server.end();
    let counts = "closed: connections 2, pings 0, pongs 0, echoes 6, evictions 0";
    assert_eq!((ended.code, ended.err.len(), ended.err[5].as_str()), (Some(0), 6, counts), "{ended:#?}");

    let server = Server::start("");
    let client = Process::start_unread(&format!("echo connect {} --gap 1h..1h", server.address)).end();
    // 3 if it found out before it was connected.
    assert!([Some(1), Some(3)].contains(&client.code), "{client:#?}");
    assert!(client.err.is_empty(), "no panic, no complaint: {client:#?}");
}
