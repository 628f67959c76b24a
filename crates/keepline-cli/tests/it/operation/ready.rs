//! `keepline ready`: what the check of a container is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::keepline;
use crate::harness::{PATIENCE, Process};

/// How it ended, and all that it said.
fn asked(arguments: &str) -> (Option<i32>, String) {
    let output = keepline(&format!("ready {arguments}"), &[]).output().expect("it runs");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8")).concat();
    (output.status.code(), said)
}

#[test]
fn it_says_whether_a_server_takes_work_and_why_not() {
    let free = "--cim off --http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin 127.0.0.1:0";
    let mut server = Process::spawn("serve", keepline(&format!("serve --json --memory --drain 0s {free}"), &[]));
    let line = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
    let told: Value = serde_json::from_str(&line.text).expect("JSON");
    let at = |name: &str| told[name].as_str().expect("an address").to_owned();
    let admin = format!("--admin http://{}", at("admin"));
    assert_eq!(asked(&admin), (Some(0), "ready: 0 sessions\n".to_owned()));
    // A request that never ends keeps it from its end, for ten seconds. That it is at work on it, it says itself.
    let mut half = TcpStream::connect(at("http")).expect("it listens");
    half.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    let head = "POST /v1/accounts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 100\r\nexpect: 100-continue\r\n\r\n";
    half.write_all(head.as_bytes()).expect("it reads");
    let mut word = [0; 12];
    half.read_exact(&mut word).expect("a word before the body");
    assert_eq!(&word, b"HTTP/1.1 100");
    server.signal(Signal::TERM);
    let by = Instant::now() + PATIENCE;
    let refused = loop {
        let answer = asked(&admin);
        if answer.0 != Some(0) || Instant::now() > by {
            break answer;
        }
    };
    assert_eq!(refused, (Some(1), "keepline: not ready: it lets its clients go\n".to_owned()));
    drop(half);
    assert!(server.wait(PATIENCE).success());
    let (code, said) = asked(&admin);
    assert!(code == Some(3) && said.starts_with("keepline: no server at "), "{said}");
}

#[test]
fn who_does_not_answer_is_not_ready() {
    // Connections wait in the backlog, and nobody reads them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at: SocketAddr = silent.local_addr().expect("an address");
    let (code, said) = asked(&format!("--admin http://{at} --timeout 200ms"));
    assert!(code == Some(5) && said.contains("within 200ms"), "{code:?} {said}");
}
