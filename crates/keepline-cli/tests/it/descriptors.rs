//! Descriptors: a server that runs out of them while it serves.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::harness::{Fleet, PATIENCE, PING, PONG, Raw, Server, ms};

/// Processor time that a process has used.
fn processor_time(pid: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).expect("it runs");
    // The name, in brackets, may hold blanks; the times are the 12th and 13th after it.
    let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks: u64 =
        rest.split_ascii_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
    ms(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// Descriptors that a process has open.
fn descriptors(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).expect("it runs").count()
}

/// Whether the server has closed the connection.
fn has_ended(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("an open socket");
    match stream.peek(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[test]
fn without_descriptors_a_server_waits_and_its_lines_go_on() {
    let server = Server::start("--reader-idle 5s");
    let pid = server.story.process().pid();
    let fleet = Fleet::start(None, server.address, 20, ms(100));
    let mut first = Raw::connect(server.address);
    assert!(first.send(&PING));
    first.expect(&PONG);
    let open = descriptors(pid);
    let limit = Rlimit { current: Some(open as u64 + 5), ..rustix::process::getrlimit(Resource::Nofile) };
    let before = prlimit(Some(pid), Resource::Nofile, limit).expect("it is our child");
    let waiting: Vec<TcpStream> =
        (0..50).map(|_| TcpStream::connect(server.address).expect("the kernel queues")).collect();
    let by = Instant::now() + PATIENCE;
    while !server.story.process().complaint().contains("accept failed") {
        assert!(Instant::now() < by, "the server has descriptors left");
        thread::sleep(ms(10));
    }

    let (used, heard) = (processor_time(pid), fleet.states());
    // The time over which its use is measured.
    thread::sleep(ms(2000));
    let used = processor_time(pid) - used;
    println!("out of descriptors: {used:?} of processor time in 2 s");
    // The rest must not wait for an answer that never comes; before the lines taken are silent for too long.
    let surplus = waiting.len() - (descriptors(pid) - open);
    let by = Instant::now() + ms(2000);
    while waiting.iter().filter(|stream| has_ended(stream)).count() < surplus {
        assert!(Instant::now() < by, "peers wait that are not told");
        thread::sleep(ms(10));
    }
    assert!(used < ms(400), "the server spins: {used:?} of processor time in 2 s");
    for (now, before) in fleet.states().iter().zip(&heard) {
        assert!(!now.lost && now.heard > before.heard, "a line stood still: {now:?}");
    }

    prlimit(Some(pid), Resource::Nofile, before).expect("it is our child");
    drop(waiting);
    let mut late = Raw::connect(server.address);
    assert!(late.send(&PING));
    late.expect(&PONG);
}
