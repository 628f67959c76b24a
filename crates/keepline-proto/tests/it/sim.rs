//! Simulation: many lines over a network that delays, loses and swallows, in virtual time and from seeds.

use std::sync::Arc;

use keepline_proto::liveness::{Action, Heartbeat, IdleKind, Monitor};
use keepline_proto::{Duration, Instant, Reason};

use super::link::{CLIENT, Link, Rng, SERVER, Weather};

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn at(span: Duration) -> Instant {
    Instant::START + span
}

fn shared(built: Result<Heartbeat, keepline_proto::liveness::HeartbeatError>) -> Arc<Heartbeat> {
    Arc::new(built.expect("no contradiction"))
}

/// Ten thousand phones for a day, each pinging after five quiet minutes over a network that loses one segment in a
/// hundred: nobody is evicted, and the pings are as many as the delays say, no more and no less.
#[test]
fn a_day_of_ten_thousand_lines_without_one_false_eviction() {
    const LINES: u64 = 10_000;
    let interval = secs(300);
    let day = at(secs(86_400));
    let client = shared(Heartbeat::client(interval, secs(10)));
    let server = shared(Heartbeat::watch(secs(600)));
    let (mut pings, mut predicted) = (0, 0);
    for seed in 0..LINES {
        let mut link = Link::new(&client, &server, Weather::FINE, seed);
        link.play(day);
        for (end, name) in [(CLIENT, "client"), (SERVER, "server")] {
            assert_eq!(link.ends[end].ended, None, "seed {seed}: {name}");
        }
        pings += link.ends[CLIENT].pings;
        predicted += predict(interval, day, Rng(seed));
    }
    assert_eq!(pings, predicted);
    assert!(pings > LINES * 280, "{pings} pings are too few for a test");
}

/// A ping leaves when the interval is over; its answer begins the next interval.
fn predict(interval: Duration, day: Instant, mut network: Rng) -> u64 {
    let mut due = Instant::START + interval;
    let mut pings = 0;
    while due <= day {
        pings += 1;
        let there = Weather::FINE.transit(&mut network);
        let back = Weather::FINE.transit(&mut network);
        due = due + there + back + interval;
    }
    pings
}

/// Lines that talk at random, until at a random moment nothing arrives any more. Both ends know in the time agreed,
/// counted from the last byte that truly arrived, and not a nanosecond before.
#[test]
fn a_black_hole_is_found_in_time_and_never_early() {
    for seed in 0..3000 {
        let mut rng = Rng(seed ^ 0x00b1_ac40);
        let kind = [IdleKind::Reader, IdleKind::Writer, IdleKind::All][(rng.next() % 3) as usize];
        let interval = secs(5 + rng.next() % 25);
        let pong = secs(3 + rng.next() % 3);
        let silence = interval.times(2) + secs(5);
        let client = shared(Heartbeat::builder().ping(kind, interval).pong_within(pong).build());
        // It asks before it evicts: a client that only listens has no reason to ping, but must not seem dead.
        let server = shared(Heartbeat::builder().ping(IdleKind::Reader, interval).silence(silence).build());
        let talks_within = [0, 1].map(|_| (!rng.next().is_multiple_of(3)).then(|| secs(1 + rng.next() % 60)));
        let black_hole = at(secs(60) + rng.below(secs(600)));
        let mut link = Link::new(&client, &server, Weather { talks_within, black_hole, ..Weather::FINE }, seed);
        link.play(at(secs(3600)));

        let [client, server] = &link.ends;
        let (when, action) = client.ended.expect("the client must find out");
        assert_eq!(action, Action::Close(Reason::Silent), "seed {seed}");
        let known_after = when.since(client.last_byte);
        // Own writes put the probe off by one interval at most; reads alone do not.
        let at_last = if kind == IdleKind::Reader { interval } else { interval.times(2) };
        assert!(known_after <= at_last + pong, "seed {seed}: {kind:?} known after {known_after}");
        // A client that writes seldom may just have pinged because of that; the pong's time it gives in any case.
        let seldom = talks_within[CLIENT].is_none_or(|within| within.times(2) > interval.times(3));
        let least = if seldom || kind == IdleKind::Writer { pong } else { interval + pong };
        assert!(known_after >= least, "seed {seed}: {kind:?} known after {known_after}");
        assert!(when >= black_hole, "seed {seed}: evicted before the black hole");

        let (when, action) = server.ended.expect("the server must find out");
        assert!(matches!(action, Action::Idle(event) if event.first), "seed {seed}: {action:?}");
        assert_eq!(when.since(server.last_byte), silence, "seed {seed}");
    }
}

/// Round trips of up to two seconds and random talk either way: a pong timeout of five seconds evicts nobody.
#[test]
fn long_round_trips_and_random_talk_evict_nobody() {
    let pinging =
        |kind| shared(Heartbeat::builder().ping(kind, secs(10)).pong_within(secs(5)).silence(secs(30)).build());
    let ends = [pinging(IdleKind::Reader), pinging(IdleKind::Writer), pinging(IdleKind::All)];
    let slow = Weather { delay: Duration::from_millis(1), jitter: Duration::from_millis(999), ..Weather::FINE };
    let mut pings = 0;
    for seed in 0..1000 {
        let mut rng = Rng(seed ^ 0x0de1_a5ed);
        let talks_within = [0, 1].map(|_| (!rng.next().is_multiple_of(3)).then(|| secs(1 + rng.next() % 40)));
        let weather = Weather { talks_within, loses_one_in: u64::MAX, ..slow };
        let [client, server] = [0, 1].map(|_| &ends[(rng.next() % 3) as usize]);
        let mut link = Link::new(client, server, weather, seed);
        link.play(at(secs(3600)));
        for end in &link.ends {
            assert_eq!(end.ended, None, "seed {seed}, talk {talks_within:?}");
            pings += end.pings;
        }
    }
    assert!(pings > 100_000, "{pings} pings are too few for a test");
}

/// P37: ten thousand lines open and log in within one second. Spread, their pings stay within three times the mean in
/// each 100 ms, after three periods as well; without, they would come all in the same second of each period.
#[test]
fn lines_that_open_together_do_not_ping_together() {
    let busiest = busiest_bucket(true, 10_000);
    assert!(busiest <= 3.0, "spread: {busiest:.1} times the mean");
    let herd = busiest_bucket(false, 10_000);
    assert!(herd > 10.0, "the contrast: {herd:.1} times the mean without a spread");
}

/// The most pings in 100 ms of the fourth, fifth and sixth period, in multiples of their mean.
fn busiest_bucket(spread: bool, lines: u64) -> f64 {
    const BUCKET: u64 = 100_000_000;
    let interval = secs(30);
    let round_trip = Duration::from_millis(50);
    let settings = Heartbeat::builder().ping(IdleKind::All, interval).pong_within(secs(10));
    let heartbeat = shared(if spread { settings.spread_first_ping() } else { settings }.build());
    let (from, to) = (3 * interval.as_nanos() / BUCKET, 6 * interval.as_nanos() / BUCKET);
    let mut buckets = vec![0_u32; usize::try_from(to - from).expect("few")];
    let mut rng = Rng(37);
    for id in 0..lines {
        let opened = at(rng.below(secs(1)));
        let mut line = Monitor::new(Arc::clone(&heartbeat), opened, id);
        line.on_read(opened + round_trip);
        line.on_write(opened + round_trip);
        while let Some(due) = line.deadline().filter(|due| due.as_nanos() / BUCKET < to) {
            assert!(matches!(line.on_timeout(due), Action::Ping(_)), "line {id} at {due:?}");
            line.on_write(due);
            line.on_read(due + round_trip);
            line.on_pong(due + round_trip, None);
            let bucket = (due.as_nanos() / BUCKET).checked_sub(from).and_then(|n| usize::try_from(n).ok());
            bucket.and_then(|n| buckets.get_mut(n)).into_iter().for_each(|count| *count += 1);
        }
    }
    let mean = f64::from(buckets.iter().sum::<u32>()) / buckets.len() as f64;
    f64::from(buckets.iter().copied().max().unwrap_or(0)) / mean
}
