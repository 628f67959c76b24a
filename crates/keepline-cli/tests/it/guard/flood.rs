//! Flood: rows B5 and B7, and bytes: pings without end, messages that are never acknowledged, and more than is read.

use std::io::Write as _;
use std::time::Instant;

use keepline_check::Expect;
use keepline_witness::{Acks, Application};

use super::place::{Word, login, place};
use crate::harness::{Cast, Host, Im, PATIENCE, People, is_closed, is_long, ms, user};

/// A ping with a number.
const PING: [u8; 8] = [0x07, 0x32, 0x05, 0x0d, 1, 2, 3, 4];

#[test]
fn b5_a_flood_of_pings_ends_its_line_and_nothing_piles_up() {
    let (people, host) = (People::crowd(10, &[]), Host::here());
    let im = Im::start(None, &people, "--limits default");
    let before = im.memory().resident;
    let pings = PING.repeat(1000);
    for reads in [false, true] {
        let begin = Instant::now();
        for i in 0..10 {
            let token = people.token(&user(i));
            let Word::Welcome(mut stream) = login(place(i as u8), &im, token, "phone") else { panic!("it is let in") };
            stream.set_write_timeout(Some(ms(10_000))).expect("an open socket");
            let mut sent = 0_u64;
            while stream.write_all(&pings).is_ok() && begin.elapsed() < ms(60_000) {
                sent += 1000;
                if reads && is_closed(&mut stream, ms(1)) {
                    break;
                }
            }
            assert!(is_closed(&mut stream, PATIENCE), "it may ping for ever");
            let end = im.session_end(PATIENCE);
            assert!(end.reason.starts_with("too_many_pings"), "after {sent} pings: {end:?}");
        }
        println!("ten floods, reading: {reads}: ended after {:?}", begin.elapsed());
    }
    assert_eq!(im.metric(&host, "keepline_connections_closed_total", "too_many_pings"), 20);
    let grew = im.memory().peak.saturating_sub(before);
    assert!(grew < 8 << 10, "{grew} KiB more");
    println!("memory grew by {grew} KiB at most");
    im.stop();
}

/// As fast as it is read, for longer than is borne: about 30 s.
#[test]
fn bytes_beyond_the_rate_are_read_later_and_half_a_minute_of_them_is_the_end() {
    let people = People::crowd(1, &[]);
    let im = Im::start(None, &people, "--limits default --ping-after 5s --silence 120s");
    let Word::Welcome(mut stream) = login(place(0), &im, people.token("u0"), "phone") else { panic!("it is let in") };
    stream.set_write_timeout(Some(ms(10_000))).expect("an open socket");
    // A frame of a later version, 60 KiB long: skipped.
    let mut frame = vec![0x84, 0xe0, 0x03, 0xa2, 0x06, 0xff, 0xdf, 0x03];
    frame.resize(3 + 0xf004, 0);
    let (begin, mut sent) = (Instant::now(), 0);
    while stream.write_all(&frame).is_ok() {
        sent += frame.len();
        assert!(begin.elapsed() < ms(90_000), "it may send for ever");
    }
    let took = begin.elapsed();
    let end = im.session_end(PATIENCE);
    assert!(end.reason.starts_with("rate_limited"), "{end:?}");
    assert!((28..60).contains(&took.as_secs()), "{took:?}");
    // The kernels' buffers take a few MiB that nobody has read.
    let read = sent as f64 / 1024.0 / took.as_secs_f64();
    println!("closed after {took:?}; {read:.0} KiB/s left the client");
    im.stop();
}

/// So many messages, or with `KEEPLINE_LONG=1` all of the row's.
fn messages() -> usize {
    if is_long() { 20_000 } else { 3_000 }
}

#[test]
fn b7_who_never_acknowledges_costs_a_window_and_gets_everything_again() {
    const BYTES: usize = 1000;
    let (people, host, mut cast) = (People::crowd(0, &["ann", "bob"]), Host::here(), Cast::new());
    let im = Im::start(None, &people, "--limits bench");
    let conversation = "p.ann.bob".to_owned();
    cast.share(&conversation, ["ann", "bob"].iter());
    let mut options = Cast::options(&im, &people, "ann");
    options.in_flight = 32;
    options.patience = PATIENCE;
    let ann = cast.enter(&host, options);
    cast.up(&host, std::slice::from_ref(&ann));
    let said = |cast: &mut Cast, count| {
        let before = im.memory().resident;
        cast.say_in(&host, &ann, std::slice::from_ref(&conversation), count, BYTES);
        cast.stored(&host);
        im.memory().resident.saturating_sub(before)
    };
    said(&mut cast, 300);
    // What it costs to store them, of which the store's cache keeps some, up to its bound.
    let alone = said(&mut cast, messages());
    let application = Application::default();
    let mut options = Cast::options(&im, &people, "bob");
    (options.acks, options.application) = (Acks::Never, application.clone());
    options.patience = PATIENCE;
    let bob = cast.enter(&host, options);
    cast.up(&host, std::slice::from_ref(&bob));
    let grew = said(&mut cast, messages());
    println!("{} messages of {BYTES} bytes, never acknowledged: {grew} KiB; to nobody: {alone} KiB", messages());
    assert!(grew < alone + (8 << 10), "{grew} KiB, and {alone} KiB while nobody was there");
    let seen = bob.seen().delivered;
    assert!(seen <= 300, "{seen} were pushed beyond the window");
    cast.kill(bob);
    let mut options = Cast::options(&im, &people, "bob");
    options.application = application;
    let again = cast.enter(&host, options);
    cast.up(&host, &[again]);
    let report = cast.judge(&im, &host, &people, Expect::default());
    println!("{report}");
    im.stop();
}
