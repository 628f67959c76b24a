//! A start that takes long, as of a large store, can be ended in order.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::keepline;
use crate::harness::{Folder, PATIENCE, Process};

/// The lock on its file takes ten seconds. Whether the server would have gone on after that, its words tell; its end is
/// kept back by strace until then.
#[test]
#[ignore = "long: waits for ten seconds"]
fn a_signal_ends_a_server_that_is_still_opening_its_store() {
    let folder = Folder::new("opening");
    let free = "--cim off --http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin 127.0.0.1:0";
    let served = keepline(&format!("serve --data data {free}"), &[]);
    // In microseconds. With -D it is the server that is our child.
    let delay = ["-e", "trace=flock", "-e", "inject=flock:delay_enter=10000000:when=1"];
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qqq", "-o/dev/null"]).args(delay).arg(served.get_program()).args(served.get_args());
    command.current_dir(folder.path());
    let server = Process::spawn("a server under strace", command);
    let by = Instant::now() + PATIENCE;
    // It is made under another name first.
    let is_opening = || fs::read_dir(folder.path().join("data")).is_ok_and(|mut files| files.next().is_some());
    while !is_opening() {
        assert!(Instant::now() < by, "{}", server.complaint());
        thread::sleep(Duration::from_millis(5));
    }
    server.signal(Signal::TERM);
    let ended = server.end();
    assert_eq!((ended.code, ended.out), (Some(0), Vec::new()), "{:?}", ended.err);
}
