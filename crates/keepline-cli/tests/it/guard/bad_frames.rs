//! Bad frames: row B11: what a flood of garbage leaves in the log.

use std::io::Write as _;
use std::time::Instant;

use super::place::{connect, place};
use crate::harness::{Host, Im, PATIENCE, People, is_closed, is_long};

/// Each with an opening of its own, so that no single reason takes them all.
const GARBAGE: [&[u8]; 7] = [
    // No dialect's first frame.
    b"\x10garbage \x1b[31m\r\nroot",
    // A length that never ends.
    &[0xff; 16],
    // More than a login may have.
    &[0x80, 0x80, 0x80, 0x40],
    b"GET / HTTP/1.1\r\n\r\n",
    &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3],
    // A login of cim's with a name that would clear a screen.
    b"\x08\x0a\x04\x1b[2J\x10\x07",
    // A hello whose token is of nobody, with bytes that a terminal would obey.
    b"\x19\x7d\x4b\x50\x4c\x31\x82\x01\x11\x12\x0a\x1b]0;x\x07\n\rab\x1a\x03dev",
];

/// The log's default: ten lines a second of one kind.
#[test]
fn b11_a_flood_of_bad_frames_is_a_bounded_log() {
    let count: usize = if is_long() { 100_000 } else { 5_000 };
    let (people, host) = (People::crowd(0, &[]), Host::here());
    let im =
        Im::start(None, &people, "--limits bench --log-rate 10 --log-filter info,keepline=debug,keepline_server=debug");
    let (before, begin) = (im.log().len(), Instant::now());
    for i in 0..count {
        let mut stream = connect(place(u8::try_from(i % 200).expect("few")), im.server.tcp);
        let _ = stream.write_all(GARBAGE[i % GARBAGE.len()]);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        assert!(is_closed(&mut stream, PATIENCE), "garbage of kind {} keeps its line", i % GARBAGE.len());
    }
    let seconds = begin.elapsed().as_secs() + 1;
    // The last one is counted when it is over here, a moment after its end was heard there.
    im.wait_for_metric(&host, "keepline_connections_closed_total", "", |ended| ended >= count as u64);
    let log = im.log();
    let (bytes, lines) = (log.len() - before, log.lines().count());
    println!(
        "{count} bad frames in {seconds} s: {lines} lines, {bytes} bytes of log; {} for 100,000",
        bytes * 100_000 / count
    );
    assert!(lines > 1, "nothing was logged, so nothing was tried");
    let control = log.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "a control character of others is in the log");
    // Kinds are places in the code with their reasons, each of ten lines and a count of the rest.
    let kinds = GARBAGE.len() as u64 + 4;
    assert!((bytes as u64) < seconds * kinds * 11 * 300, "{bytes} bytes in {seconds} s: {log}");
    im.stop();
}
