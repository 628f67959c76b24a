//! Frames: what our server, as it is by default, does with frames that Netty would live with.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::harness::{PATIENCE, PING, PONG, Raw, SCHEDULING, SLOT, Server, ms};

/// The lengths that are none, and why the line is closed.
const BAD: [(u32, &str); 9] = [
    (0, "protocol_error"),
    (1, "protocol_error"),
    (2, "protocol_error"),
    (3, "protocol_error"),
    (4, "protocol_error"),
    (1025, "too_large"),
    (70_000, "too_large"),
    (1 << 31, "too_large"),
    (u32::MAX, "too_large"),
];

/// The figures that may not grow, and the KiB they may not grow by: memory in use, and the most addresses ever taken,
/// which shows a length that was reserved and given back.
const FIGURES: [(&str, u64); 2] = [("RssAnon", 64), ("VmPeak", 1024)];

/// What the kernel says of a process's memory: the figure with this name, in KiB.
fn memory(pid: Pid, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).expect("it runs");
    let figure = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
    figure.trim_start_matches(':').trim_end_matches("kB").trim().parse().expect("a number")
}

#[test]
fn p08_strict_closes_on_each_bad_length_and_takes_no_memory_for_it() {
    let mut server = Server::start("--reader-idle 60s");
    let (address, pid) = (server.address, server.story.process().pid());
    let mut close = |(length, reason): (u32, &str)| {
        let mut raw = Raw::connect(address);
        assert!(raw.send(&PING));
        raw.expect(&PONG);
        raw.send(&length.to_be_bytes());
        let took = raw.time_to_end();
        assert!(took < SCHEDULING, "{length}: closed after {took:?}");
        // The server waits a second for the end of a peer that has not seen its own.
        drop(raw);
        let down = server.story.wait_for("down", PATIENCE);
        assert_eq!(down.text("reason"), reason, "{length}");
    };
    let mut rounds = |count: usize| BAD.into_iter().cycle().take(count * BAD.len()).for_each(&mut close);
    // The first ones make the pools that all later ones share.
    rounds(5);
    let before = FIGURES.map(|(name, _)| memory(pid, name));
    rounds(20);
    for ((name, most), before) in FIGURES.into_iter().zip(before) {
        let grown = memory(pid, name).saturating_sub(before);
        println!("180 bad lengths: {name} grew by {grown} KiB");
        assert!(grown < most, "180 bad lengths: {name} grew by {grown} KiB");
    }
    assert_eq!(server.stop().number("evictions"), 0);
}

/// Netty takes every byte for life, so that a frame which never ends keeps its line for ever.
#[test]
fn a_dribbled_frame_is_closed_by_its_own_clock() {
    let limit = Duration::from_secs(10);
    let mut server = Server::start("--reader-idle 2s");
    let mut raw = Raw::connect(server.address);
    let begin = Instant::now();
    assert!(raw.send(&1000_u32.to_be_bytes()));
    while raw.is_quiet_for(ms(300)) {
        assert!(begin.elapsed() < limit + SLOT + SCHEDULING, "still open");
        raw.send(&[7]);
    }
    assert!(begin.elapsed() >= limit, "closed after {:?}", begin.elapsed());
    let down = server.story.wait_for("down", PATIENCE);
    assert_eq!((down.text("reason"), down.text("side")), ("frame_timeout", "server"));
}
