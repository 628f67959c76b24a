//! Table: what a decoder does with each kind of length, the same bytes for Netty and for us.

use std::thread;

use crate::harness::{Java, PING, PONG, Raw, Server, data, ms};

/// Both servers close a line after so long without a byte: then all that it answered is in.
const LIMIT: &str = "2500";

/// Pieces sent one read apart, and all that comes back until the line is closed for silence.
struct Row {
    what: &'static str,
    pieces: Vec<Vec<u8>>,
    answer: Vec<u8>,
}

fn row(what: &'static str, pieces: &[&[u8]], answer: &[&[u8]]) -> Row {
    Row { what, pieces: pieces.iter().map(|piece| piece.to_vec()).collect(), answer: answer.concat() }
}

fn length(length: u32) -> Vec<u8> {
    length.to_be_bytes().to_vec()
}

/// A length, and as many bytes in all as it says, less `missing`.
fn filled(length: u32, missing: usize) -> Vec<u8> {
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.resize(length as usize - missing, 7);
    bytes
}

/// In the order of the sizes. Every piece is a read of its own: behind a bad length Netty leaves the rest of a read
/// alone until more comes, which is not what is compared here (see `what_netty_leaves_until_more_comes`).
fn rows() -> Vec<Row> {
    let ping: &[u8] = &PING;
    let pong: &[u8] = &PONG;
    let after = [ping, &data(b"after")].concat();
    let answered = [pong, &data(b"after")].concat();
    let (after, answered) = (after.as_slice(), answered.as_slice());
    vec![
        row("0 is skipped", &[&length(0), after], &[answered]),
        row("1 is skipped", &[&length(1), after], &[answered]),
        row("2 is skipped", &[&length(2), after], &[answered]),
        row("3 is skipped", &[&length(3), after], &[answered]),
        row("3 in single bytes", &[&[0], &[0], &[0], &[3], after], &[answered]),
        row("4, a frame without a type, is dropped", &[&length(4), after], &[answered]),
        row("4 does not hold up what is in the same read", &[&[&length(4), ping].concat(), after], &[pong, answered]),
        row("5 is data without content", &[&data(b""), after], &[&data(b""), answered]),
        row("5 is a pong, which has no answer", &[pong, after], &[answered]),
        row(
            "other types are data",
            &[&[0, 0, 0, 5, 0], &[0, 0, 0, 6, 9, 1], &[0, 0, 0, 5, 255]],
            &[&[0, 0, 0, 5, 0], &[0, 0, 0, 6, 9, 1], &[0, 0, 0, 5, 255]],
        ),
        row("a ping's content is ignored", &[&[0, 0, 0, 7, 1, 8, 9], after], &[pong, answered]),
        row("1024 is the largest", &[&filled(1024, 0), after], &[&filled(1024, 0), answered]),
        row("1025 is discarded", &[&filled(1025, 0), after], &[answered]),
        row("1025 in two reads", &[&filled(1025, 1000), &[7; 1000], after], &[answered]),
        row(
            "1025 and frames behind it in one read of the rest",
            &[&filled(1025, 1000), &[&[7; 1000], after].concat()],
            &[answered],
        ),
        row("1025 less one byte takes the next frame's first", &[&filled(1025, 1), &[0], after], &[answered]),
        row("70000 is discarded", &[&length(70_000), &vec![7; 69_996], after], &[answered]),
        row("2^31 makes the line deaf", &[&length(1 << 31), after, after], &[]),
        row("2^32-1 makes the line deaf", &[&length(u32::MAX), after, after], &[]),
        row("a ping in single bytes", &[&[0], &[0], &[0], &[5], &[1], after], &[pong, answered]),
        row("two pings in one read", &[&[ping, ping].concat()], &[pong, pong]),
        row("a ping and half, and the other half", &[&[ping, &PING[..3]].concat(), &PING[3..]], &[pong, pong]),
    ]
}

/// Sends each row on a line of its own, all at a time, and compares what comes back.
#[track_caller]
fn play(server: std::net::SocketAddr, rows: &[Row], who: &str) -> Vec<String> {
    thread::scope(|scope| {
        let lines = rows.iter().map(|row| {
            let line = scope.spawn(move || {
                let mut raw = Raw::connect(server);
                let sent = row.pieces.iter().all(|piece| raw.send(piece));
                (sent, raw.read_to_end())
            });
            (row, line)
        });
        let lines: Vec<_> = lines.collect();
        let outcomes = lines.into_iter().filter_map(|(row, line)| {
            let (sent, got) = line.join().expect("a line does not panic");
            (!sent || got != row.answer).then(|| {
                format!("{who}, {}: got {got:02x?} instead of {:02x?}, all sent: {sent}", row.what, row.answer)
            })
        });
        outcomes.collect()
    })
}

#[test]
fn the_decoder_table_side_by_side() {
    let Some(java) = Java::open() else { return };
    let netty = java.server(&format!("--reader-idle-ms {LIMIT} --flush --workers 2"));
    let ours = Server::start(&format!("--reader-idle {LIMIT}ms --netty-compatible"));
    let rows = rows();
    let mut findings = play(netty.address, &rows, "Netty");
    findings.extend(play(ours.address, &rows, "keepline"));
    assert!(findings.is_empty(), "{} of {} rows differ:\n{}", findings.len(), 2 * rows.len(), findings.join("\n"));
    // Every line ended for silence, on either side.
    let theirs = netty.stop();
    assert_eq!(theirs["evicted"], rows.len(), "{theirs}");
    assert_eq!(ours.stop().number("evictions"), rows.len() as u64);
}

/// Where we differ from Netty, on purpose: it leaves its loop with the exception, and so the rest of that read alone.
///
/// Only with lengths that are too small: how much of 1025 bytes Netty takes in one read depends on what it read before.
#[test]
fn what_netty_leaves_until_more_comes() {
    let Some(java) = Java::open() else { return };
    let netty = java.server("--reader-idle-ms 5000 --flush");
    let ours = Server::start("--reader-idle 5s --netty-compatible");
    for bad in [0, 1, 2, 3] {
        let together = [length(bad).as_slice(), &PING].concat();
        let mut raw = Raw::connect(ours.address);
        assert!(raw.send(&together));
        raw.expect(&PONG);
        let mut raw = Raw::connect(netty.address);
        assert!(raw.send(&together));
        assert!(raw.is_quiet_for(ms(200)), "Netty answers at once by now: say so in tools/peers/README.md");
        assert!(raw.send(&PING));
        raw.expect(&[PONG, PONG].concat());
    }
}
