//! The ends of both programs: signals, and readers who go away.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{Process, Server};

#[test]
fn sigterm_drains_the_server_and_its_clients_hear_of_it() {
    let server = Server::start("");
    let mut client = Process::start(&format!("echo connect {} --json --messages 0 --retry-base 1s", server.address));
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
    let mut server = Server::start("--drain 1h");
    let streams = [TcpStream::connect(server.address).unwrap(), TcpStream::connect(server.address).unwrap()];
    server.process.event("up");
    server.process.event("up");
    server.process.signal(Signal::TERM);
    server.process.event("down");
    server.process.signal(Signal::TERM);
    drop(streams);
    let ended = server.process.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.closed()["connections"], 2);
}

#[test]
fn ctrl_c_in_the_middle_of_a_run_tells_what_is_missing() {
    let server = Server::start("");
    let mut client = Process::start(&format!("echo connect {} --json --gap 1h..1h", server.address));
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
    let mut client = Process::start(&format!("echo connect {address} --json --retry-base 1ms --retry-cap 10ms"));
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
    let binary = env!("CARGO_BIN_EXE_keepline");
    let mut server = Command::new(binary)
        .args(["echo", "serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    // The reader is dropped with the statement: the server's next line meets a closed pipe.
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim_end().strip_prefix("listening on ").unwrap();

    let client = Process::start(&format!("echo connect {address} --log quiet --messages 3 --gap 0s..0s")).end();
    assert_eq!(client.code, Some(0), "the server goes on: {client:#?}");

    let mut client = Command::new(binary)
        .args(["echo", "connect", address, "--gap", "1h..1h"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(client.stdout.take());
    let (mut ours, mut theirs) = (String::new(), String::new());
    client.stderr.take().unwrap().read_to_string(&mut ours).unwrap();
    let code = client.wait().unwrap().code();
    // 3 if it found out before it was connected.
    assert!([Some(1), Some(3)].contains(&code), "{code:?}: {ours}");

    server.kill().unwrap();
    server.wait().unwrap();
    server.stderr.take().unwrap().read_to_string(&mut theirs).unwrap();
    assert_eq!((ours, theirs), (String::new(), String::new()), "no panic, no complaint");
}
