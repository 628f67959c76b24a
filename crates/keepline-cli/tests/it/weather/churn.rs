//! Churn: row C8: logins and kills without end, and what is left of them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::sessions::{End, reaches};
use crate::harness::{Host, Im, PATIENCE, People, hello, ms, user};

/// Who log in; each thread has its own.
const USERS: usize = 64;
const THREADS: usize = 4;
/// Lines that a thread holds open at one time.
const OPEN: usize = 8;

/// What a server holds when nobody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    files: usize,
    tasks: u64,
    threads: u64,
    connections: u64,
    sessions: u64,
}

impl Held {
    fn by(im: &Im, host: &Host) -> Self {
        let process = format!("/proc/{}", im.pid().as_raw_nonzero());
        let status = fs::read_to_string(format!("{process}/status")).expect("it runs");
        let threads = status.lines().find_map(|row| row.strip_prefix("Threads:")?.trim().parse().ok());
        Self {
            files: fs::read_dir(format!("{process}/fd")).expect("it runs").count(),
            tasks: im.metric(host, "keepline_tasks", ""),
            threads: threads.expect("the kernel says it"),
            connections: im.metric(host, "keepline_connections ", ""),
            sessions: im.metric(host, "keepline_sessions", ""),
        }
    }
}

/// Logs in and leaves in one of the ways there are, until it is told to stop; at most so often a second.
fn come_and_go(
    server: SocketAddr,
    hellos: &[Vec<u8>],
    rate: u64,
    mut random: u64,
    over: &AtomicBool,
    logins: &AtomicU64,
) {
    let mut open: Vec<TcpStream> = Vec::new();
    let (begin, mut count) = (Instant::now(), 0);
    while !over.load(Relaxed) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = random >> 33;
        if open.len() == OPEN {
            leave(open.swap_remove(dice as usize % OPEN), dice / 64);
        }
        let mut stream = TcpStream::connect(server).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        // Of its users any, so that some take the place of an earlier login of theirs.
        let hello = &hellos[dice as usize % hellos.len()];
        let whole = !dice.is_multiple_of(16);
        let said = if whole { hello.len() } else { hello.len() / 2 };
        stream.write_all(&hello[..said]).expect("the kernel takes it");
        if whole {
            // The length and the number of a welcome.
            let mut word = [0; 3];
            stream.read_exact(&mut word).expect("an answer");
            assert_eq!(word[1..], [0x8a, 0x01], "no welcome: {word:x?}");
            logins.fetch_add(1, Relaxed);
        }
        open.push(stream);
        count += 1;
        thread::sleep(Duration::from_secs_f64(count as f64 / rate as f64).saturating_sub(begin.elapsed()));
    }
}

/// In order, or without a word, as when its process is killed with bytes unread: the kernel says so by a reset.
fn leave(stream: TcpStream, dice: u64) {
    if dice.is_multiple_of(2) {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an open socket");
    }
    drop(stream);
}

/// Comes and goes for so long at so many logins a second; the memory after each second, in KiB.
fn churn(im: &Im, people: &People, time: Duration, rate: u64) -> (u64, Vec<(Duration, u64)>) {
    let (over, logins) = (AtomicBool::new(false), AtomicU64::new(0));
    let hellos: Vec<Vec<u8>> = (0..USERS).map(|number| hello(people.token(&user(number)))).collect();
    let server = im.server.tcp;
    let mut memory = Vec::new();
    thread::scope(|scope| {
        for (number, hellos) in hellos.chunks(USERS / THREADS).enumerate() {
            let (over, logins) = (&over, &logins);
            scope.spawn(move || come_and_go(server, hellos, rate / THREADS as u64, number as u64 + 1, over, logins));
        }
        let _end = End(&over);
        let begin = Instant::now();
        while begin.elapsed() < time {
            thread::sleep(ms(1000));
            memory.push((begin.elapsed(), im.memory().resident));
        }
    });
    (logins.into_inner(), memory)
}

/// Least squares, in KiB an hour.
fn slope(memory: &[(Duration, u64)]) -> f64 {
    let points: Vec<(f64, f64)> = memory.iter().map(|(at, kib)| (at.as_secs_f64() / 3600.0, *kib as f64)).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    above / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

/// After a while of it the server holds what it held before, and its memory has grown by no more than that.
#[track_caller]
fn leaves_nothing(warm_up: Duration, time: Duration, rate: u64, most: u64) {
    let (people, host) = (People::crowd(USERS, &[]), Host::here());
    let im = Im::start(None, &people, "--limits bench");
    // Buffers, caches and the store's own are filled.
    let (_, _) = churn(&im, &people, warm_up, rate);
    let empty = |im: &Im| reaches(im, &host, "keepline_connections ", PATIENCE, |now| now == 0);
    empty(&im);
    reaches(&im, &host, "keepline_sessions", PATIENCE, |now| now == 0);
    let (before, resident) = (Held::by(&im, &host), im.memory().resident);
    let (logins, memory) = churn(&im, &people, time, rate);
    empty(&im);
    let by = Instant::now() + PATIENCE;
    let mut after = Held::by(&im, &host);
    // The runtime's blocking threads come and go with the work, and our own question has a file and a task.
    while after.files > before.files || after.tasks > before.tasks || after.connections + after.sessions > 0 {
        assert!(Instant::now() < by, "before {before:?}, after {after:?}; {}", im.complaint());
        thread::sleep(ms(100));
        after = Held::by(&im, &host);
    }
    let grew = im.memory().resident.saturating_sub(resident);
    println!(
        "{logins} logins in {time:?}: residue 0 files, 0 tasks, {before:?} to {after:?}; {grew} KiB more; slope {:.0} \
         KiB/h over the second half",
        slope(&memory[memory.len() / 2..])
    );
    assert!(logins > rate * time.as_secs() / 4, "only {logins} logins");
    assert!(grew < most, "{grew} KiB more than before; {memory:?}");
    im.stop();
}

#[test]
fn c8_logins_and_kills_leave_nothing_behind() {
    leaves_nothing(ms(5000), ms(12_000), 400, 8 << 10);
}

/// `KEEPLINE_CHURN=7200` makes it the two hours of the row.
#[test]
#[ignore = "long: 10 minutes, or KEEPLINE_CHURN seconds"]
fn c8_logins_and_kills_leave_nothing_behind_for_long() {
    let seconds = std::env::var("KEEPLINE_CHURN").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(600);
    leaves_nothing(ms(60_000), Duration::from_secs(seconds), 50, 16 << 10);
}
