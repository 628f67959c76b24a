//! Heartbeat: each contradiction is refused with its sentence, and each boundary is accepted at the exact value.

use keepline_proto::Duration;
use keepline_proto::liveness::{Heartbeat, HeartbeatBuilder, IdleKind};

const NANO: Duration = Duration::from_nanos(1);
const MILLI: Duration = Duration::from_millis(1);

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn pings_every(seconds: u64) -> HeartbeatBuilder {
    Heartbeat::builder().ping(IdleKind::All, secs(seconds))
}

#[test]
fn every_refusal_says_which_settings_and_what_to_change() {
    let watch = || Heartbeat::builder().silence(secs(10));
    let probing = || pings_every(5).pong_within(secs(5));
    let rows = [
        (
            Heartbeat::builder(),
            "neither a ping nor a silence limit: a dead peer would never be noticed; set one, or ask for no heartbeat \
             at all",
        ),
        (
            pings_every(5),
            "pings without a pong timeout or a silence limit: a missing answer would have no consequence; set one",
        ),
        (
            watch().pong_within(secs(5)),
            "a pong timeout or allowed misses without pings of our own: set a ping interval, or drop them",
        ),
        (
            watch().max_missed(2),
            "a pong timeout or allowed misses without pings of our own: set a ping interval, or drop them",
        ),
        (
            pings_every(5).silence(secs(30)).max_missed(2),
            "allowed misses without a pong timeout: say how long a pong may take before it is missed",
        ),
        (
            pings_every(5).pong_within(secs(5) + NANO),
            "pong timeout 5.000000001s is over the ping interval 5s: lower the timeout or ping less often",
        ),
        (
            pings_every(5).silence(secs(9)),
            "silence limit 9s is below twice the ping interval 5s: allow at least 10s, or ping more often",
        ),
        (
            watch().peer_pings_every(secs(6)),
            "silence limit 10s is below twice the ping interval 6s: allow at least 12s, or ping more often",
        ),
        (
            probing().max_missed(2).silence(secs(19)),
            "silence limit 19s strikes before 2 missed pings can be: allow at least 20s, or fewer misses",
        ),
    ];
    for (builder, sentence) in rows {
        assert_refused(&builder, sentence);
    }
}

#[test]
fn a_time_below_a_millisecond_is_refused_by_name() {
    let short = MILLI.less(NANO);
    let watch = || Heartbeat::builder().silence(secs(10));
    let rows = [
        (watch().ping(IdleKind::All, short), "ping interval"),
        (pings_every(5).pong_within(short), "pong timeout"),
        (Heartbeat::builder().silence(Duration::ZERO), "silence limit"),
        (watch().peer_pings_every(short), "peer's ping interval"),
        (watch().ping_limit(Duration::ZERO, 2), "least gap between pings"),
        (watch().stall(short), "stall tolerance"),
    ];
    for (builder, setting) in rows {
        assert_refused(&builder, &format!("{setting} is below 1ms: give it at least that, or leave it out"));
    }
}

fn assert_refused(builder: &HeartbeatBuilder, sentence: &str) {
    match builder.clone().build() {
        Err(error) => assert_eq!(error.to_string(), sentence, "{builder:?}"),
        Ok(built) => panic!("{built:?} was built, but: {sentence}"),
    }
}

/// Each row is at its limit; one nanosecond on the wrong side of it is refused.
#[test]
fn every_boundary_is_accepted_at_the_exact_value() {
    type Row = (&'static str, fn(Duration) -> HeartbeatBuilder, Duration, Wrong);
    enum Wrong {
        Less,
        More,
    }
    let rows: &[Row] = &[
        ("silence is twice our interval (P1)", |at| pings_every(5).silence(at), secs(10), Wrong::Less),
        (
            "silence is twice the peer's interval (P1)",
            |at| Heartbeat::builder().peer_pings_every(secs(5)).silence(at),
            secs(10),
            Wrong::Less,
        ),
        ("pong within the interval", |at| pings_every(5).pong_within(at), secs(5), Wrong::More),
        (
            "silence holds every miss",
            |at| pings_every(5).pong_within(secs(4)).max_missed(2).silence(at),
            secs(17),
            Wrong::Less,
        ),
        (
            "the shortest ping interval",
            |at| Heartbeat::builder().ping(IdleKind::Reader, at).silence(secs(1)),
            MILLI,
            Wrong::Less,
        ),
        ("the shortest pong timeout", |at| pings_every(5).pong_within(at), MILLI, Wrong::Less),
        ("the shortest silence", |at| Heartbeat::builder().silence(at), MILLI, Wrong::Less),
        ("the shortest gap", |at| Heartbeat::builder().silence(secs(1)).ping_limit(at, 0), MILLI, Wrong::Less),
        ("the shortest stall", |at| Heartbeat::builder().silence(secs(1)).stall(at), MILLI, Wrong::Less),
    ];
    for (name, builder, limit, wrong) in rows {
        assert!(builder(*limit).build().is_ok(), "{name}: {limit} is the limit and must build");
        let beyond = match wrong {
            Wrong::Less => limit.less(NANO),
            Wrong::More => *limit + NANO,
        };
        assert!(builder(beyond).build().is_err(), "{name}: {beyond} must not build");
    }
}

/// The article's server has one `MAX_IDLE_TIME` for all three timers: it closes before its first heartbeat (P2).
#[test]
fn one_value_for_ping_and_silence_is_refused() {
    for kind in [IdleKind::Reader, IdleKind::Writer, IdleKind::All] {
        let same = Heartbeat::builder().ping(kind, secs(60)).silence(secs(60)).build();
        assert!(same.is_err(), "{kind:?}");
    }
}

#[test]
fn the_longest_times_do_not_overflow() {
    for kind in [IdleKind::Reader, IdleKind::Writer, IdleKind::All] {
        let longest = Heartbeat::builder().ping(kind, Duration::MAX).pong_within(Duration::MAX);
        assert!(longest.max_missed(u8::MAX).silence(Duration::MAX).build().is_ok(), "{kind:?}");
    }
}

#[test]
fn what_was_set_can_be_read_back() {
    let built = pings_every(5).pong_within(secs(4)).silence(secs(10)).build().unwrap();
    assert_eq!(built.ping(), Some((IdleKind::All, secs(5))));
    assert_eq!(built.pong_within(), Some(secs(4)));
    assert_eq!(built.silence(), Some(secs(10)));
    let off = Heartbeat::off();
    assert_eq!((off.ping(), off.pong_within(), off.silence()), (None, None, None));
}

#[test]
fn the_presets_take_the_standard_librarys_durations_as_the_builder_does() {
    use std::time::Duration as Std;
    let (five, ten) = (Std::from_secs(5), Std::from_secs(10));
    assert_eq!(Heartbeat::client(five, five), Heartbeat::client(secs(5), secs(5)));
    assert_eq!(Heartbeat::server(five, ten), Heartbeat::server(secs(5), secs(10)));
    assert_eq!(Heartbeat::watch(ten), Heartbeat::watch(secs(10)));
}
