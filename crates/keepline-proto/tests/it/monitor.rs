//! Monitor: the timelines of the roles, client-driven, server-driven and watch-only, at exact times.

use keepline_proto::Duration;
use keepline_proto::Reason::Silent;
use keepline_proto::liveness::{Heartbeat, IdleKind};

use super::scene::{Log, Op, Scene, Seen};
use Seen::{Close, Idle, IdleAgain, Ping, Suspect};

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The client of the echo pair: all idle 5 s, pong within 5 s.
fn echo_client() -> Heartbeat {
    Heartbeat::client(secs(5), secs(5)).expect("no contradiction")
}

/// The client of cim: writer idle 10 s.
fn cim_client() -> Heartbeat {
    Heartbeat::builder().ping(IdleKind::Writer, secs(10)).pong_within(secs(10)).build().expect("no contradiction")
}

fn pings_at(times: impl IntoIterator<Item = u64>) -> Log {
    times.into_iter().map(|time| (time, Ping)).collect()
}

#[test]
fn a_client_pings_when_quiet_suspects_at_half_and_closes_at_the_deadline() {
    let rows = [
        (
            "deaf from the start",
            Scene::new(echo_client()),
            vec![(5000, Ping), (7500, Suspect), (10_000, Close(Silent))],
        ),
        (
            "a byte just before the ping puts it off, until we have been mute for one and a half",
            Scene::new(echo_client()).op(4999, Op::Read),
            vec![(7500, Ping), (10_000, Suspect), (12_500, Close(Silent))],
        ),
        (
            "so does a write: all idle",
            Scene::new(echo_client()).op(4999, Op::Write),
            vec![(9999, Ping), (12_499, Suspect), (14_999, Close(Silent))],
        ),
        (
            "the limit is inclusive: a byte at the deadline is in time",
            Scene::new(echo_client()).op(10_000, Op::Read),
            vec![(5000, Ping), (7500, Suspect), (12_500, Ping), (15_000, Suspect), (17_500, Close(Silent))],
        ),
        (
            "any byte answers a ping",
            Scene::new(echo_client()).op(5001, Op::Read),
            vec![(5000, Ping), (10_001, Ping), (12_501, Suspect), (15_001, Close(Silent))],
        ),
        (
            "bytes both ways each 4 s: no ping at all",
            Scene::new(echo_client())
                .each((4000..=40_000).step_by(4000), &Op::Read)
                .each((4000..=40_000).step_by(4000), &Op::Write),
            vec![(45_000, Ping), (47_500, Suspect), (50_000, Close(Silent))],
        ),
        (
            "an answering peer is pinged 5 s after each answer, up to its end",
            Scene::new(echo_client()).answers(100, 15_200),
            vec![(5000, Ping), (10_100, Ping), (15_200, Ping), (17_700, Suspect), (20_200, Close(Silent))],
        ),
    ];
    for (name, scene, expected) in rows {
        assert_eq!(scene.play(60_000), expected, "{name}");
    }
}

#[test]
fn a_writer_idle_client_pings_whatever_it_reads() {
    let reads = || Scene::new(cim_client()).each((0..60_000).step_by(700), &Op::Read);
    assert_eq!(reads().play(45_000), pings_at([10_000, 20_000, 30_000, 40_000]));
    let writes = reads().each((0..60_000).step_by(9999), &Op::Write);
    assert_eq!(writes.play(59_000), [], "one that writes itself has no need to");
    let deaf = [(10_000, Ping), (15_000, Suspect), (20_000, Close(Silent))];
    assert_eq!(Scene::new(cim_client()).play(60_000), deaf);
}

/// The article's server with the values that work (P2): it pings at T, and never closes a peer that answers.
#[test]
fn a_server_pings_at_t_and_never_closes_an_answering_peer() {
    let server = || Scene::new(Heartbeat::server(secs(60), secs(120)).unwrap());
    let answered = server().answers(250, u64::MAX).play(60_250 * 100);
    assert_eq!(answered, pings_at((0..100).map(|n| 60_000 + n * 60_250)));
    let deaf = server().play(1_000_000);
    assert_eq!(deaf, [(60_000, Ping), (120_000, Idle)], "no second ping without an interval between");
}

/// Life without a pong (P26: a peer may say other things) must not make the server ping more often.
#[test]
fn a_server_keeps_its_interval_towards_a_peer_that_never_pongs() {
    let server = Scene::new(Heartbeat::server(secs(60), secs(180)).unwrap());
    let chatty = server.each((61_000..600_000).step_by(60_000), &Op::Read).each((0..600_000).step_by(1000), &Op::Write);
    let log = chatty.play(600_000);
    for pair in log.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= 60_000, "{log:?}");
    }
}

#[test]
fn a_watcher_raises_idle_at_the_limit_and_each_full_period_after() {
    let watch = || Scene::new(Heartbeat::watch(secs(10)).unwrap());
    let rows = [
        ("closes by default", watch(), vec![(10_000, Idle)]),
        (
            "a handler may keep the line",
            watch().keeps_idle(),
            vec![(10_000, Idle), (20_000, IdleAgain), (30_000, IdleAgain), (40_000, IdleAgain)],
        ),
        (
            "a byte makes the next event a first one",
            watch().keeps_idle().op(25_000, Op::Read),
            vec![(10_000, Idle), (20_000, IdleAgain), (35_000, Idle), (45_000, IdleAgain)],
        ),
        ("writes are no life", watch().each((0..60_000).step_by(100), &Op::Write), vec![(10_000, Idle)]),
        ("pings of the peer are", watch().each((0..60_000).step_by(10_000), &Op::PeerPing), vec![]),
        ("a pong nobody asked for is", watch().op(9999, Op::Pong(Some(7))), vec![(19_999, Idle)]),
    ];
    for (name, scene, expected) in rows {
        assert_eq!(scene.play(49_000), expected, "{name}");
    }
}

/// A peer that went deaf while we write each second must be found all the same (P4).
#[test]
fn own_writes_do_not_starve_the_probe() {
    let writing = |heartbeat| Scene::new(heartbeat).each((0..600_000).step_by(1000), &Op::Write);
    let with = |kind| Heartbeat::builder().ping(kind, secs(5)).pong_within(secs(5)).build().unwrap();
    let found = [(5000, Ping), (7500, Suspect), (10_000, Close(Silent))];
    assert_eq!(writing(with(IdleKind::Reader)).play(600_000), found);
    for kind in [IdleKind::Writer, IdleKind::All] {
        // These kinds let writes put the ping off, by one interval at most.
        let found = [(10_000, Ping), (12_500, Suspect), (15_000, Close(Silent))];
        assert_eq!(writing(with(kind)).play(600_000), found, "{kind:?}");
    }
}

/// A server that pushes all the time to a client that only listens: the silence limit must not strike before a probe
/// had its time, whatever the pushes do to the ping.
#[test]
fn own_writes_do_not_make_the_silence_limit_strike_unasked() {
    for kind in [IdleKind::Reader, IdleKind::Writer, IdleKind::All] {
        for silence in [120, 150, 180, 600] {
            let heartbeat = Heartbeat::builder().ping(kind, secs(60)).silence(secs(silence)).build().unwrap();
            let pushing = Scene::new(heartbeat).each((0..3_600_000).step_by(1000), &Op::Write);
            let log = pushing.answers(59_999, u64::MAX).play(3_600_000);
            assert!(log.iter().all(|(_, seen)| *seen == Ping), "{kind:?}, silence {silence} s: {log:?}");
            assert!(log.len() > 15, "{kind:?}, silence {silence} s: {} pings in an hour", log.len());
        }
    }
}

#[test]
fn own_writes_leave_the_allowed_misses_their_time() {
    let heartbeat = Heartbeat::builder().ping(IdleKind::All, secs(10)).pong_within(secs(5)).max_missed(3);
    let heartbeat = heartbeat.silence(secs(31)).build().unwrap();
    let log = Scene::new(heartbeat).each((0..60_000).step_by(1000), &Op::Write).play(60_000);
    let pings = log.iter().filter(|(_, seen)| *seen == Ping).count();
    assert_eq!(pings, 4, "the first and three more before any verdict: {log:?}");
    assert_eq!(log.last(), Some(&(31_000, Idle)), "{log:?}");
}

#[test]
fn misses_are_pinged_again_and_any_byte_ends_the_count() {
    let heartbeat = || {
        let probing = Heartbeat::builder().ping(IdleKind::Reader, secs(10)).pong_within(secs(4));
        Scene::new(probing.max_missed(2).build().unwrap())
    };
    let deaf = [(10_000, Ping), (12_000, Suspect), (14_000, Ping), (18_000, Ping), (22_000, Close(Silent))];
    assert_eq!(heartbeat().play(60_000), deaf);
    let saved = heartbeat().op(21_999, Op::Read).play(46_000);
    let after = [(31_999, Ping), (33_999, Suspect), (35_999, Ping), (39_999, Ping), (43_999, Close(Silent))];
    assert_eq!(saved, [&deaf[..4], &after[..]].concat());
}

#[test]
fn a_line_without_a_heartbeat_is_left_alone() {
    let scene = Scene::new(Heartbeat::off()).each([1000, 2000], &Op::Read).op(3000, Op::PeerPing);
    assert_eq!(scene.play(u64::MAX / 1_000_000), []);
}
