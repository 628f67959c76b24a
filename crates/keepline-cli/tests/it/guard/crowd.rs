//! Crowd: row C4: one address that takes all it can get, and fifty that log in beside it.

use std::process::Command;
use std::thread;
use std::time::Instant;

use super::place::{Word, connect, login, place};
use crate::harness::{Host, Im, PATIENCE, People, SCHEDULING, is_closed, ms, user};

/// Connections of the one address.
const GREEDY: u64 = 400;

#[test]
fn c4_one_address_can_not_take_the_places_of_fifty_others() {
    let (people, host) = (People::crowd(50, &[]), Host::here());
    let im = Im::start(None, &people, "--limits default");
    let begin = Instant::now();
    let mut silent: Vec<_> = (0..GREEDY).map(|_| connect(place(200), im.server.tcp)).collect();
    let mut inside = Vec::new();
    for i in 0..50 {
        match login(place(i), &im, people.token(&user(i.into())), "phone") {
            Word::Welcome(stream) => inside.push(stream),
            other => panic!("honest {i}: {other:?}"),
        }
    }
    let refused = |reason: &str| im.metric(&host, "keepline_connections_refused_total", &format!("\"{reason}\""));
    im.wait_for_metric(&host, "keepline_connections_refused_total", "rate_limited", |count| count >= GREEDY - 64);
    let took = begin.elapsed();
    let admitted = GREEDY - refused("rate_limited");
    assert!((50..=64).contains(&admitted), "{admitted} of one address, in {took:?}");
    assert_eq!(refused("server_full"), 0);
    // The refused are closed within a second, the others at the deadline.
    let by = begin + took + ms(10_000) + SCHEDULING + ms(2000);
    for stream in &mut silent {
        let left = by.saturating_duration_since(Instant::now());
        assert!(is_closed(stream, left), "a silent line after its deadline");
    }
    assert!(!inside.iter_mut().any(|stream| is_closed(stream, ms(1))), "who is in stays");
    println!("of {GREEDY} connections of one address {admitted} were let in, of 50 others 50 logged in");
    im.stop();
}

/// So few that it shows on a slow machine too, where 20 more a second are let in while the others knock.
#[test]
fn c4_one_address_comes_no_faster_than_its_rate() {
    const BURST: usize = 5;
    const KNOCKS: usize = 40;
    let people = People::crowd(KNOCKS + 1, &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepline"));
    command.env("KEEPLINE_LIMITS__NEW_PER_ADDRESS", format!("1/s burst {BURST}"));
    let im = Im::start_by(command, &people, "--limits default");
    let begin = Instant::now();
    let mut inside = Vec::new();
    for i in 0..KNOCKS {
        match login(place(1), &im, people.token(&user(i)), "phone") {
            Word::Welcome(stream) => inside.push(stream),
            Word::Close(reason, _) => assert_eq!(reason, "rate_limited"),
            Word::End => {}
        }
    }
    let most = BURST + 1 + usize::try_from(begin.elapsed().as_secs()).expect("few seconds");
    assert!((BURST..=most).contains(&inside.len()), "{} of {KNOCKS} in {:?}", inside.len(), begin.elapsed());
    assert!(matches!(login(place(2), &im, people.token(&user(KNOCKS)), "phone"), Word::Welcome(_)), "another address");
    im.stop();
}

#[test]
fn c4_strangers_have_a_tenth_of_the_places_and_no_more() {
    let (people, host) = (People::crowd(1, &[]), Host::here());
    let im = Im::start(None, &people, "--limits default --max-connections 700");
    let Word::Welcome(mut inside) = login(place(0), &im, people.token("u0"), "phone") else { panic!("there is room") };
    let _silent: Vec<_> =
        (1..=4).flat_map(|from| (0..30).map(move |_| from)).map(|from| connect(place(from), im.server.tcp)).collect();
    im.wait_for_metric(&host, "keepline_connections_refused_total", "server_full", |count| count >= 120 - 70);
    assert_eq!(im.metric(&host, "keepline_connections_refused_total", ""), 50, "70 of 700 may be without a login");
    assert!(!is_closed(&mut inside, ms(1)), "who is in stays");
    let by = Instant::now() + PATIENCE;
    while !matches!(login(place(9), &im, people.token("u0"), "phone"), Word::Welcome(_)) {
        assert!(Instant::now() < by, "the deadline makes room again");
        thread::sleep(ms(200));
    }
    im.stop();
}
