//! Path: row A11: packets that are lost, late, out of order or squeezed, under clients in conversation and quiet ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keepline_check::{Counter, Expect, MessageId, Op, Phase, Record};
use keepline_witness::{Witness, private};

use crate::harness::{Cast, Delay, Host, Im, Net, PATIENCE, People, Relay, ms, user};

/// Clients who talk in pairs, and clients who only ping.
const TALKING: usize = 4;
const QUIET: usize = 8;

/// What a path does to packets, and what is said over it.
#[derive(Clone, Copy)]
struct Path {
    name: &'static str,
    /// Of a hundred packets, each way.
    lost: f64,
    /// Each way.
    delay: Option<Delay>,
    /// Bits a second, each way.
    rate: Option<u32>,
    /// Of each message.
    bytes: usize,
    /// From one message of a client to his next.
    every: Duration,
}

const fn path(name: &'static str) -> Path {
    Path { name, lost: 0.0, delay: None, rate: None, bytes: 100, every: ms(100) }
}

/// A round trip of 2 s is one second each way.
const PATHS: [Path; 6] = [
    Path { lost: 1.0, ..path("1 % lost") },
    Path { lost: 5.0, ..path("5 % lost") },
    Path { lost: 10.0, ..path("10 % lost") },
    Path { delay: Some(Delay { mean: ms(50), jitter: ms(20) }), ..path("50 ms, 20 less or more") },
    Path { delay: Some(Delay { mean: ms(1000), jitter: ms(100) }), ..path("RTT 2 s, 0.2 s less or more") },
    // 32 KB/s, of which what the four hear, their own words included, takes three quarters.
    Path { rate: Some(256_000), bytes: 550, every: ms(200), ..path("256 kbit/s") },
];

/// What came of it.
struct Outcome {
    name: &'static str,
    latencies: Vec<Duration>,
    harm: String,
}

/// For how long, under which terms of the server, and how long the clients wait for an answer.
#[derive(Clone, Copy)]
struct Span {
    time: Duration,
    terms: &'static str,
    patience: Duration,
}

/// Everything at once, and each alone.
#[track_caller]
fn all(paths: &[Path], span: Span) {
    // At the same time, each in namespaces of its own.
    let outcomes: Vec<Option<Outcome>> = thread::scope(|scope| {
        let runs: Vec<_> = paths.iter().map(|path| scope.spawn(move || converse(*path, span))).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|_| panic!("see above"))).collect()
    });
    for outcome in outcomes.into_iter().flatten() {
        let Outcome { name, latencies, harm } = outcome;
        let at = |hundredths: usize| latencies[(latencies.len() - 1) * hundredths / 100];
        println!("{name}: {} deliveries, p50 {:?}, p99 {:?}; {harm}", latencies.len(), at(50), at(99));
    }
}

/// Pairs talk over a path and others are quiet: nobody loses his line, and the checker finds nothing.
fn converse(path: Path, span: Span) -> Option<Outcome> {
    let net = Net::open()?;
    let people = People::crowd(TALKING + QUIET, &[]);
    let im = Im::start(Some(&net.far), &people, span.terms);
    let (home, abroad) = (Host::of(&net.far), Host::of(&net.near));
    let mut cast = Cast::new();
    let witnesses: Vec<Arc<Witness>> = (0..TALKING + QUIET)
        .map(|number| {
            let mut options = Cast::options(&im, &people, &user(number));
            options.server = im.by_cable;
            options.in_flight = 64;
            // The kernel's time-outs, each twice the one before it, are what an answer may be late by.
            options.patience = span.patience;
            cast.enter(&abroad, options)
        })
        .collect();
    cast.up(&home, &witnesses);
    // From here on: how a path makes it hard to log in is said by nobody's silence.
    let relay = path.delay.map(|delay| Relay::start(&net, delay, 7));
    for end in [&net.near, &net.far] {
        if path.lost > 0.0 {
            end.lose(path.lost / 100.0);
        }
        if let Some(bits) = path.rate {
            end.narrow(bits);
        }
    }
    let talking = &witnesses[..TALKING];
    let convs: Vec<String> = (0..TALKING).map(|number| private(&user(number), &user(number ^ 1))).collect();
    for (number, conv) in convs.iter().enumerate() {
        cast.share(conv, [user(number)].iter());
    }
    let begin = Instant::now();
    while begin.elapsed() < span.time {
        for (witness, conv) in talking.iter().zip(&convs) {
            cast.say_in(&abroad, witness, std::slice::from_ref(conv), 1, path.bytes);
        }
        // The pace of the conversation.
        thread::sleep(path.every);
    }
    cast.stored(&home);
    let report = cast.judge(&im, &home, &people, Expect::default());
    assert_eq!(report.count(Counter::Cuts), 0, "{}: a line was lost: {report}; {}", path.name, im.complaint());
    assert!(witnesses.iter().all(|witness| witness.seen().logins == 1), "{}: a line was lost", path.name);
    let silent = im.metric(&home, "keepline_connections_closed_total", "");
    assert_eq!(silent, 0, "{}: {}", path.name, im.complaint());
    let harm = harm(path, &net, relay.as_ref());
    let latencies = latencies(&cast.records());
    im.stop();
    Some(Outcome { name: path.name, latencies, harm })
}

/// What the path did; a path that did nothing says nothing.
#[track_caller]
fn harm(path: Path, net: &Net, relay: Option<&Relay>) -> String {
    let lost = net.near.lost() + net.far.lost();
    if path.lost > 0.0 {
        assert!(lost > 0, "{}: no packet was lost", path.name);
        return format!("{lost} packets lost");
    }
    let Some(relay) = relay else { return "false evictions 0".to_owned() };
    let (packets, overtaken) = relay.counts();
    assert!(overtaken > 0, "{}: of {packets} packets none overtook another", path.name);
    format!("{packets} packets, {overtaken} overtaken")
}

/// From the first attempt to send a message to the other's taking it, sorted.
fn latencies(records: &[Record]) -> Vec<Duration> {
    let mut sent: HashMap<MessageId, (u64, &str)> = HashMap::new();
    let mut latencies = Vec::new();
    for record in records {
        let Some(id) = record.id else { continue };
        match (record.op, record.phase) {
            (Op::Send, Phase::Invoke) => {
                sent.entry(id).or_insert((record.mono, &record.user));
            }
            (Op::Deliver, Phase::Ok) => {
                if let Some((at, _)) = sent.get(&id).filter(|(_, sender)| *sender != record.user) {
                    latencies.push(Duration::from_nanos(record.mono - at));
                }
            }
            _ => {}
        }
    }
    assert!(!latencies.is_empty(), "nothing was delivered");
    latencies.sort_unstable();
    latencies
}

/// A ping may be late by 8 s: a packet is sent again after 0.2, 0.6, 1.4, 3.0 and 6.2 s, so that with 10 % lost one in a
/// million is too late.
#[test]
fn a11_bad_paths_lose_and_disorder_nothing_and_evict_nobody() {
    let terms = "--ping-after 2s --silence 10s --limits bench";
    all(&PATHS, Span { time: ms(6000), terms, patience: PATIENCE });
}

/// A quarter of an hour, and all of it on one path too.
#[test]
#[ignore = "long: 5 minutes of each kind of path, and of all kinds at once on one"]
fn a11_bad_paths_for_minutes() {
    let worst = Path {
        lost: 10.0,
        delay: Some(Delay { mean: ms(1000), jitter: ms(100) }),
        every: ms(1000),
        ..path("RTT 2 s and 10 % lost")
    };
    // With a round trip of 2 s a packet is sent again after some 3, 9, 21, 45 and 93 s: whoever gives up after less, as
    // a client that waits for 30 s, is wrong in one of ten thousand.
    let paths: Vec<Path> = PATHS.into_iter().chain([worst]).collect();
    let terms = "--ping-after 10s --silence 120s --limits bench";
    all(&paths, Span { time: ms(300_000), terms, patience: ms(100_000) });
}
