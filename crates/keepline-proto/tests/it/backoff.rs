//! Backoff: bounds, dispersal, the stable period, and a server's hint.

use keepline_proto::{Backoff, BackoffError, BackoffSettings, Duration, Instant, RetryHint};

const BASE: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(30);
const STABLE: Duration = Duration::from_secs(20);
const NO_HINT: RetryHint = RetryHint { after: Duration::ZERO, spread: Duration::ZERO };

fn settings() -> BackoffSettings {
    BackoffSettings::new(BASE, CAP, STABLE).expect("no contradiction")
}

/// A client that has failed so often.
fn failed(times: u32, seed: u64) -> Backoff {
    let mut backoff = Backoff::new(settings(), seed);
    for _ in 0..times {
        let _ = backoff.on_down(Instant::START, None);
    }
    backoff
}

/// How many of the waits fall into each of ten equal parts of this span; the rest is below or above it.
fn tenths(waits: &[Duration], from: Duration, to: Duration) -> [usize; 10] {
    let part = to.less(from).as_nanos() / 10;
    let mut counts = [0; 10];
    for wait in waits {
        assert!(from <= *wait && *wait <= to, "{wait} is not within {from} to {to}");
        let tenth = wait.less(from).as_nanos() / part;
        counts[usize::try_from(tenth).expect("ten or less").min(9)] += 1;
    }
    counts
}

/// Fails unless a thousand waits fill each tenth with 100, give or take five standard deviations (9.5 each).
fn assert_spread_evenly(waits: &[Duration], from: Duration, to: Duration) {
    assert_eq!(waits.len(), 1000);
    let counts = tenths(waits, from, to);
    assert!(counts.iter().all(|count| (52..=148).contains(count)), "{counts:?} of {from} to {to}");
}

#[test]
fn settings_that_contradict_themselves_do_not_build() {
    let rows = [
        (Duration::ZERO, CAP, STABLE, BackoffError::ZeroBase, "retry base is zero"),
        (
            CAP,
            BASE,
            STABLE,
            BackoffError::CapBelowBase { base: CAP, cap: BASE },
            "cap (1s) is below the retry base (30s)",
        ),
        (BASE, CAP, Duration::ZERO, BackoffError::ZeroStable, "stable period is zero"),
    ];
    for (base, cap, stable, expected, words) in rows {
        let error = BackoffSettings::new(base, cap, stable).unwrap_err();
        assert_eq!(error, expected);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(BackoffSettings::new(BASE, BASE, STABLE).is_ok(), "a cap at the base is a constant window");
}

#[test]
fn the_window_doubles_up_to_the_cap() {
    let rows = [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (63, 30), (64, 30), (u32::MAX, 30)];
    for (failures, seconds) in rows {
        assert_eq!(settings().window(failures), Duration::from_secs(seconds), "after {failures}");
    }
}

/// P15: with no luck needed, a thousand clients that lose their server in one instant don't come back in one.
#[test]
fn every_retry_is_spread_over_its_whole_window_from_the_first() {
    for failures in [0, 1, 2, 3, 4, 5, 20] {
        // Neighbouring seeds, as a driver that counts its clients would give.
        let waits: Vec<_> = (0..1000).map(|seed| failed(failures, seed).on_down(Instant::START, None)).collect();
        assert_spread_evenly(&waits, Duration::ZERO, settings().window(failures));
    }
}

#[test]
fn the_same_seed_gives_the_same_waits_and_another_seed_others() {
    let waits = |seed| {
        let mut backoff = Backoff::new(settings(), seed);
        [(); 20].map(|()| backoff.on_down(Instant::START, None))
    };
    assert_eq!(waits(7), waits(7));
    assert_ne!(waits(7), waits(8));
}

/// P13, P14 and P15: ten minutes without a server, every attempt fails; then it is back.
#[test]
fn a_long_outage_is_ridden_out_at_the_pace_of_the_cap() {
    let outage = Instant::START + Duration::from_secs(600);
    for seed in 0..100 {
        let mut backoff = Backoff::new(settings(), seed);
        let mut now = Instant::START;
        let mut attempts = 0;
        while now < outage {
            now = now + backoff.on_down(now, None);
            attempts += 1;
        }
        assert!(now <= outage + CAP, "seed {seed}: back {} after the server", now.since(outage));
        // 600 s at a mean of 15 s is 40, and 5 before the cap is reached.
        assert!((25..=75).contains(&attempts), "seed {seed}: {attempts} attempts");
    }
}

/// P43: a server that accepts and then closes is no success; only the stable period is. The twin never got a
/// connection at all; both draw the same random numbers.
#[test]
fn only_a_stable_connection_begins_anew() {
    let nanosecond = Duration::from_nanos(1);
    let rows = [
        ("closed at once", Duration::ZERO, false),
        ("closed a nanosecond too early", STABLE.less(nanosecond), false),
        ("closed when just stable", STABLE, true),
        ("up for a day", Duration::from_secs(86_400), true),
    ];
    for (name, up_for, begins_anew) in rows {
        for seed in 0..100 {
            let (mut backoff, mut twin) = (failed(10, seed), failed(10, seed));
            let up = Instant::START + CAP;
            backoff.on_up(up);
            assert_eq!(backoff.failures(), 10, "being up alone says nothing");
            let wait = backoff.on_down(up + up_for, None);
            if begins_anew {
                assert!(wait <= BASE, "{name}, seed {seed}: {wait}");
                assert_eq!(backoff.failures(), 1, "{name}");
            } else {
                assert_eq!(wait, twin.on_down(up, None), "{name}, seed {seed}");
                assert_eq!(backoff.failures(), 11, "{name}");
            }
        }
    }
}

#[test]
fn many_short_connections_do_not_add_up_to_a_stable_one() {
    let mut backoff = Backoff::new(settings(), 1);
    let mut now = Instant::START;
    for failures in 1..=10 {
        backoff.on_up(now);
        now = now + STABLE.less(Duration::from_secs(1));
        now = now + backoff.on_down(now, None);
        assert_eq!(backoff.failures(), failures);
    }
}

#[test]
fn stable_counts_from_the_first_word_of_being_up_to_the_end() {
    let mut backoff = failed(10, 1);
    backoff.on_up(Instant::START);
    backoff.on_up(Instant::START + STABLE.less(Duration::from_secs(1)));
    let end = Instant::START + STABLE;
    let _ = backoff.on_down(end, None);
    assert_eq!(backoff.failures(), 1, "a second word does not start the period again");
    let _ = backoff.on_down(end + STABLE, None);
    assert_eq!(backoff.failures(), 2, "a failed attempt long after is no end of a stable connection");
}

#[test]
fn a_hint_is_obeyed_and_never_hurries() {
    let secs = Duration::from_secs;
    let limit = Backoff::HINT_LIMIT;
    // Failures before, asked: after and spread, expected: from and to.
    let rows = [
        (0, secs(5), secs(60), secs(5), secs(65)),
        (0, secs(5), secs(0), secs(5), secs(6)), // not all at once: over the own window
        (0, secs(0), secs(60), secs(0), secs(60)),
        (4, secs(5), secs(2), secs(5), secs(21)), // the own window is wider
        (4, NO_HINT.after, NO_HINT.spread, secs(0), secs(16)),
        (9, secs(300), secs(60), secs(300), secs(360)), // past the cap, which is for guesses
        (0, limit, limit, limit, limit.times(2)),
        (0, Duration::MAX, Duration::MAX, limit, limit.times(2)),
    ];
    for (failures, after, spread, from, to) in rows {
        let hint = RetryHint { after, spread };
        let wait = |seed| failed(failures, seed).on_down(Instant::START, Some(hint));
        let waits: Vec<_> = (0..1000).map(wait).collect();
        assert_spread_evenly(&waits, from, to);
    }
}

#[test]
fn a_hint_holds_for_one_wait() {
    let hint = RetryHint { after: Duration::from_secs(100), spread: Duration::ZERO };
    let mut backoff = Backoff::new(settings(), 1);
    assert!(backoff.on_down(Instant::START, Some(hint)) >= hint.after);
    assert_eq!(backoff.failures(), 1);
    assert!(backoff.on_down(Instant::START, None) <= settings().window(1));
}

#[test]
fn extreme_settings_do_not_overflow() {
    let settings = BackoffSettings::new(Duration::MAX, Duration::MAX, Duration::MAX).unwrap();
    let mut backoff = Backoff::new(settings, 1);
    let far_end = Instant::from_nanos(u64::MAX);
    let _ = backoff.on_down(far_end, None);
    let wait = backoff.on_down(far_end, Some(RetryHint { after: Duration::MAX, spread: Duration::MAX }));
    assert!(wait >= Backoff::HINT_LIMIT);
    backoff.on_up(Instant::START);
    let _ = backoff.on_down(far_end, None);
    assert_eq!(backoff.failures(), 1, "584 years are as long as the stable period");
}
