//! Signals: the first lets a server go in order, the second at once.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{PATIENCE, Process, SCHEDULING, ms};

/// A request that never ends holds the first signal's order up for ten seconds, and the second's for one.
#[test]
fn a_second_signal_ends_a_server_whatever_a_client_holds_open() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepline"));
    command.args(["serve", "--json", "--memory", "--drain", "0s"]);
    for listener in ["--http", "--tcp", "--admin", "--cim-http"] {
        command.args([listener, "127.0.0.1:0"]);
    }
    let mut server = Process::spawn("keepline serve", command);
    let line = server.next_line(Instant::now() + PATIENCE).expect("it says where it listens");
    let told: Value = serde_json::from_str(&line.text).expect("a line of JSON");
    let http: SocketAddr = told["http"].as_str().expect("an address").parse().expect("an address");
    let mut half = TcpStream::connect(http).expect("it listens");
    half.write_all(b"POST /v1/accounts HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        .expect("it is read");
    server.signal(Signal::TERM);
    // It has gone from its listener: the first signal has been taken.
    let by = Instant::now() + PATIENCE;
    while TcpStream::connect(http).is_ok() {
        assert!(Instant::now() < by, "it still listens");
    }
    let second = server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).success());
    // A second for what is being written, and one for the runtime's last threads.
    let took = second.elapsed();
    assert!(took < ms(2000) + SCHEDULING, "it ended {took:?} after the second signal");
}
