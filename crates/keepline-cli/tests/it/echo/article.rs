//! `--log article`: the lines of the article's programs, to the byte, on their streams and in their order.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Process;

/// A server in the article's words on a free port, both streams in one, and where it listens.
fn merged_server(arguments: &str) -> (Process, String) {
    let server = Process::start_merged(&format!("echo serve --log article --listen 127.0.0.1:0 {arguments}"));
    let first = server.out("first line", |_| true);
    let address = first.strip_prefix("listening on ").expect("the first line").to_owned();
    (server, address)
}

/// The address of the client in `---/IP:PORT is active---`.
fn peer_in(line: &str) -> String {
    line.strip_prefix("---").and_then(|rest| rest.strip_suffix(" is active---")).expect("an active line").to_owned()
}

#[test]
fn heartbeats_read_as_in_the_article() {
    let (server, address) = merged_server("");
    let client = Process::start_merged(&format!(
        "echo connect {address} --log article --messages 0 --all-idle 1s --pong-timeout 1s"
    ));
    let pong = format!("client get pong msg from /{address}");
    client.out("first pong", |line| line == pong);
    client.out("second pong", |line| line == pong);
    client.signal(Signal::INT);
    let lines = client.end().out;
    let want = [
        format!("---/{address} is active---"),
        "---ALL_IDLE---".into(),
        format!("client sent ping msg to /{address}, count: 1"),
        pong.clone(),
        "---ALL_IDLE---".into(),
        format!("client sent ping msg to /{address}, count: 2"),
        pong,
    ];
    assert_eq!(lines[..want.len()], want);
    assert_eq!(lines[lines.len() - 2], format!("---/{address} is inactive---"));

    let peer = peer_in(&server.out("active line", |_| true));
    server.out("inactive line", |line| line == format!("---{peer} is inactive---"));
    server.signal(Signal::TERM);
    let want = [
        format!("listening on {address}"),
        format!("---{peer} is active---"),
        format!("server sent pong msg to {peer}, count: 1"),
        format!("server sent pong msg to {peer}, count: 2"),
    ];
    assert_eq!(server.end().out[..want.len()], want);
}

#[test]
fn contents_go_to_stdout_and_the_line_to_stderr() {
    let server = Process::start("echo serve --log article --listen 127.0.0.1:0");
    let first = server.err("first line", |_| true);
    let address = first.strip_prefix("listening on ").expect("the first line");
    let client = Process::start(&format!("echo connect {address} --log article --messages 2 --gap 0s..0s")).end();
    assert_eq!(client.code, Some(0));
    assert_eq!(client.out, ["client get content: client msg 0", "client get content: client msg 1"]);
    let counts = "closed: messages 2, echoes 2, pings 0, pongs 0, reconnects 0, resent 0";
    let active = format!("---/{address} is active---");
    assert_eq!(client.err, [&active, &format!("---/{address} is inactive---"), counts]);

    let peer = peer_in(&server.err("active line", |_| true));
    server.signal(Signal::TERM);
    let server = server.end();
    assert_eq!(server.out, ["server get content: client msg 0", "server get content: client msg 1"]);
    let counts = "closed: connections 1, pings 0, pongs 0, echoes 2, evictions 0";
    let inactive = format!("---{peer} is inactive---");
    assert_eq!(server.err, [&first, &format!("---{peer} is active---"), &inactive, counts]);
}

#[test]
fn a_silent_client_is_closed_in_three_lines() {
    let limit = Duration::from_millis(300);
    let (server, address) = merged_server("--reader-idle 300ms");
    let start = Instant::now();
    let mut stream = TcpStream::connect(&address).unwrap();
    let peer = format!("/{}", stream.local_addr().unwrap());
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert!(start.elapsed() >= limit, "closed early, after {:?}", start.elapsed());
    let inactive = format!("---{peer} is inactive---");
    server.out("inactive line", |line| line == inactive);
    server.signal(Signal::TERM);
    let want = [
        format!("listening on {address}"),
        format!("---{peer} is active---"),
        "---READER_IDLE---".into(),
        format!("---client {peer} reader timeout, close it---"),
        inactive,
        "closed: connections 1, pings 0, pongs 0, echoes 0, evictions 1".into(),
    ];
    assert_eq!(server.end().out, want);
}

#[test]
fn heartbeats_that_come_the_other_way_are_told_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = Process::start(&format!("echo connect {address} --log article --messages 0"));
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"\0\0\0\x05\x01").unwrap();
    client.out("pong line", |line| line == format!("client sent pong msg to /{address}, count: 1"));

    let (server, address) = merged_server("");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"\0\0\0\x05\x02").unwrap();
    let peer = stream.local_addr().unwrap();
    server.out("pong line", |line| line == format!("server get pong msg from /{peer}"));
}
