//! Pause: row G2: a server that stands still for longer than it bears silence, while the wall clock goes on, as under a
//! machine that is suspended.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::sessions::{all_are_there, log_in, reaches};
use crate::harness::{Faketime, Fleet, Host, Im, PATIENCE, People, hello, ms};

/// Users whose token is over in a day.
const OLD: usize = 10;
/// Of which two go by while the server stands still.
const DAYS: i64 = 2;

/// What is tried.
struct Stall {
    lines: usize,
    /// From one ping of a client to the next.
    ping: Duration,
    silence: Duration,
    stands: Duration,
    terms: &'static str,
}

#[track_caller]
fn stand_still(stall: &Stall) {
    let Some(clock) = Faketime::open() else { return };
    let old: Vec<String> = (0..OLD).map(|number| format!("old{number}")).collect();
    let names: Vec<&str> = old.iter().map(String::as_str).collect();
    let (people, host) = (People::crowd(stall.lines, &names), Host::here());
    let tokens: Vec<String> = old.iter().map(|name| people.old_token(name, 29)).collect();
    let command = clock.command(env!("CARGO_BIN_EXE_keepline"));
    let im = Im::start_by(command, &people, stall.terms);
    let fleet = log_in(&im, &host, &people, stall.lines, stall.ping);
    let hellos: Vec<Vec<u8>> = tokens.iter().map(|token| hello(token)).collect();
    let expiring = Fleet::of_sessions(im.server.tcp, &hellos, stall.ping);
    reaches(&im, &host, "keepline_sessions", PATIENCE, |now| now == (stall.lines + OLD) as u64);
    all_are_there(&im, &fleet, 0);

    let since = im.signal(Signal::STOP);
    clock.set(DAYS * 24 * 3600);
    // So long it stands: that is what is tried.
    thread::sleep(stall.stands);
    let goes_on = im.signal(Signal::CONT);
    all_are_there(&im, &fleet, 0);
    println!("{} lines hear again {:?} after a stall of {:?}", stall.lines, goes_on.elapsed(), goes_on - since);
    // Whoever was not heard of since is looked at again after the limit.
    thread::sleep((stall.silence * 2).saturating_sub(goes_on.elapsed()));
    all_are_there(&im, &fleet, 0);
    // Those whose token was over meanwhile are not among them for long: 10 s.
    let by = Instant::now() + PATIENCE;
    while expiring.states().iter().any(|state| !state.lost) {
        assert!(Instant::now() < by, "a token that is over keeps its line: {:?}", expiring.states());
        thread::sleep(ms(50));
    }
    println!("{OLD} whose token was over meanwhile closed within {:?}; alive but evicted 0", goes_on.elapsed());
    let closed = |reason| im.metric(&host, "keepline_connections_closed_total", reason);
    assert_eq!((closed("\"auth_failed\""), closed("")), (OLD as u64, OLD as u64), "{}", im.complaint());
    im.stop();
}

#[test]
fn g2_after_a_stall_longer_than_the_limit_nobody_is_evicted_and_old_tokens_end() {
    stand_still(&Stall {
        lines: 200,
        ping: ms(1200),
        silence: ms(3000),
        stands: ms(4000),
        terms: "--ping-after 1500ms --silence 3s --limits bench",
    });
}

#[test]
#[ignore = "long: 5,000 lines that log in, and a stall of 90 s"]
fn g2_five_thousand_lines_outlive_a_stall_of_90_seconds() {
    stand_still(&Stall {
        lines: 5000,
        ping: ms(20_000),
        silence: ms(60_000),
        stands: ms(90_000),
        terms: "--ping-after 25s --silence 60s --limits bench",
    });
}
