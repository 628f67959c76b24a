//! A server whose output nobody takes: a full disk behind it, a reader that has stopped. It serves on.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, pipe};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use keepline_witness::request;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::keepline;
use crate::harness::{Folder, Host, PATIENCE};

const FREE: &str = "--cim off --http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin 127.0.0.1:0";

/// What it says at its start and at a reload can't be written anywhere; it is systemd's socket that tells how it is.
#[test]
fn a_full_disk_behind_its_output_ends_no_server() {
    let folder = Folder::new("full-output");
    let file = folder.path().join("keepline.toml");
    fs::write(&file, "").expect("a file");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    let serve = format!("serve --memory --log-filter trace --config {} {FREE}", file.display());
    let mut command = keepline(&serve, &[("NOTIFY_SOCKET", path.to_str().expect("UTF-8"))]);
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").expect("the device"));
    let mut server = command.stdin(Stdio::null()).stdout(full()).stderr(full()).spawn().expect("it starts");
    let told = |what: &str| {
        let mut words = [0; 512];
        loop {
            let length = socket.recv(&mut words).unwrap_or_else(|error| panic!("no {what}: {error}"));
            if String::from_utf8_lossy(&words[..length]).lines().any(|word| word == what) {
                return;
            }
        }
    };
    let signal = |signal| kill_process(Pid::from_child(&server), signal).expect("our own child");
    told("READY=1");
    fs::write(&file, "[log]\nrate = 11\n[server]\nname = \"east\"\n").expect("a file");
    signal(Signal::HUP);
    told("RELOADING=1");
    told("READY=1");
    signal(Signal::TERM);
    assert!(server.wait().expect("our own child").success());
}

/// As Ctrl-S on a terminal does, or a collector of logs that hangs. What it had to tell meanwhile is counted.
#[test]
fn a_reader_of_the_log_that_stands_still_holds_no_client_up() {
    let (reader, writer) = pipe().expect("a pipe");
    let mut command = keepline(&format!("serve --json --memory --log-rate off {FREE}"), &[]);
    let mut server = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(writer).spawn().expect("it starts");
    // It holds the pipe's other end too.
    drop(command);
    let mut told = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut told).expect("a line");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let admin: SocketAddr = told["admin"].as_str().and_then(|address| address.parse().ok()).expect("an address");
    // More lines than the pipe and the queue before it hold.
    let (host, by) = (Host::here(), Instant::now() + PATIENCE);
    for _ in 0..20 {
        let asked = host.run(async move {
            let asks = (0..100).map(|_| tokio::spawn(request(admin, "GET", "/sessions", Some("wrong"), None)));
            let mut refused = 0;
            for asked in asks.collect::<Vec<_>>() {
                refused += usize::from(matches!(asked.await, Ok(Ok(answer)) if answer.status == 401));
            }
            refused
        });
        assert!(asked == 100 && Instant::now() < by, "{asked} answers");
    }
    // It is read again: what was lost is told once.
    let reading = thread::spawn(move || {
        let lines = BufReader::new(reader).lines().map(|line| line.expect("text"));
        lines.filter(|line| line.contains("lines lost since the start")).last()
    });
    kill_process(Pid::from_child(&server), Signal::TERM).expect("our own child");
    assert!(server.wait().expect("our own child").success());
    let lost = reading.join().expect("it reads");
    assert!(lost.is_some_and(|line| !line.contains("lines=0 ")), "nothing was lost, so nothing was tried");
}
