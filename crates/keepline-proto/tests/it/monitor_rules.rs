//! Monitor: the rules beside the roles: pauses, frames, new terms, floods, pongs, stalls, and what is final.

use std::sync::Arc;

use keepline_proto::Reason::{FrameTimeout, Silent, TooManyPings};
use keepline_proto::liveness::{Action, Heartbeat, IdleKind, Monitor};
use keepline_proto::{Duration, Instant};

use super::scene::{Op, Scene, Seen, at};
use Seen::{Close, Idle, Ping, Suspect};

const KIB: u64 = 1024;

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn watch(silence: u64) -> Heartbeat {
    Heartbeat::watch(secs(silence)).expect("no contradiction")
}

fn echo_client() -> Heartbeat {
    Heartbeat::client(secs(5), secs(5)).expect("no contradiction")
}

fn open(heartbeat: Heartbeat) -> Monitor {
    Monitor::new(Arc::new(heartbeat), Instant::START, 0)
}

#[test]
fn paused_reads_are_not_idle_and_a_resume_gives_a_full_period() {
    let rows = [
        ("watcher", Scene::new(watch(10)), vec![(110_000, Idle)]),
        ("client", Scene::new(echo_client()), vec![(102_500, Ping), (105_000, Suspect), (107_500, Close(Silent))]),
        ("server", Scene::new(Heartbeat::server(secs(5), secs(10)).unwrap()), vec![(110_000, Idle)]),
        ("frame", Scene::new(Heartbeat::off()).op(8000, Op::FrameBegin(100)), vec![(110_000, Close(FrameTimeout))]),
        (
            "large frame",
            Scene::new(Heartbeat::off()).op(8000, Op::FrameBegin(1024 * KIB)),
            vec![(110_000, Close(FrameTimeout))],
        ),
    ];
    for (name, scene, expected) in rows {
        let paused = scene.op(9000, Op::Pause).op(100_000, Op::Resume).play(1_000_000);
        let after: Vec<_> = paused.into_iter().filter(|(time, _)| *time >= 9000).collect();
        assert!(after.ends_with(&expected), "{name}: {after:?}");
        let during: Vec<_> = after.into_iter().filter(|(time, _)| *time <= 100_000).collect();
        // The one before the pause at 5 s; then one each time that nothing was written for one and a half intervals.
        let pings = (12_500..100_000).step_by(7500).map(|time| (time, Ping));
        let expected: Vec<_> = pings.take_while(|_| ["client", "server"].contains(&name)).collect();
        assert_eq!(during, expected, "{name}: pings while paused, and no verdict");
    }
}

#[test]
fn a_pause_lifts_a_suspicion_and_resume_without_pause_does_nothing() {
    let paused = Scene::new(echo_client()).op(9999, Op::Pause).op(20_000, Op::Resume).play(60_000);
    let before = [(5000, Ping), (7500, Suspect), (12_500, Ping), (20_000, Ping)];
    assert_eq!(paused, [&before[..], &[(22_500, Suspect), (25_000, Close(Silent))]].concat());
    let not_paused = Scene::new(watch(10)).each((0..60_000).step_by(1000), &Op::Resume).play(60_000);
    assert_eq!(not_paused, [(10_000, Idle)]);
}

/// P5: partial bytes are life for the silence limit, but the frame has its own clock.
#[test]
fn a_dribbled_frame_is_closed_at_ten_seconds() {
    for announced in [0, 100, 64 * KIB, 64 * KIB + 1, 1 << 30] {
        let dribble = Scene::new(watch(10)).op(2000, Op::FrameBegin(announced));
        let log = dribble.each((2000..60_000).step_by(4000), &Op::FrameBytes(1)).play(60_000);
        assert_eq!(log, [(12_000, Close(FrameTimeout))], "{announced} bytes announced");
    }
}

/// P6: a large frame on a slow line survives the silence limit, and a whole one stops its clock.
#[test]
fn a_large_frame_at_a_steady_rate_survives() {
    let times = (0..20_000).step_by(50);
    let piece = 1024 * KIB / 400;
    let steady = Scene::new(watch(10)).op(0, Op::FrameBegin(1024 * KIB)).each(times, &Op::FrameBytes(piece));
    let log = steady.op(20_000, Op::FrameEnd).play(60_000);
    assert_eq!(log, [(29_950, Idle)], "only the silence after it");
}

#[test]
fn terms_agreed_late_evict_nobody_early() {
    let rows = [
        ("shorter silence", watch(60), watch(10), vec![(60_000, Idle)]),
        ("longer silence", watch(60), watch(100), vec![(150_000, Idle)]),
        (
            "pings from now on",
            watch(60),
            echo_client(),
            vec![(55_000, Ping), (57_500, Suspect), (60_000, Close(Silent))],
        ),
        ("no heartbeat any more", watch(60), Heartbeat::off(), vec![]),
    ];
    for (name, before, after, expected) in rows {
        let log = Scene::new(before).op(50_000, Op::Terms(after)).play(1_000_000);
        assert_eq!(log, expected, "{name}");
    }
    // In the middle of a probe: the peer gets a fresh one under the new terms.
    let log = Scene::new(echo_client()).op(9000, Op::Terms(Heartbeat::client(secs(2), secs(1)).unwrap()));
    let expected = [(5000, Ping), (7500, Suspect), (11_000, Ping), (11_500, Suspect), (12_000, Close(Silent))];
    assert_eq!(log.play(60_000), expected);
}

/// P38: pings within the least gap are strikes, one in good time takes a strike back, one strike too many closes.
#[test]
fn a_flood_of_pings_is_closed_at_the_strike_too_many() {
    let limit = |gap, strikes| Heartbeat::builder().silence(secs(100)).ping_limit(secs(gap), strikes).build().unwrap();
    let rows: &[(&str, u8, &[u64], Option<u64>)] = &[
        ("none in excess", 0, &[0, 10_000, 20_000, 30_000], None),
        ("no strike allowed", 0, &[5000, 14_999], Some(14_999)),
        ("two allowed, the third closes", 2, &[1000, 2000, 3000, 4000, 5000], Some(4000)),
        ("good ones in between forgive", 1, &[0, 1000, 11_000, 12_000, 22_000, 23_000], None),
        ("but not two at once", 1, &[0, 1000, 11_000, 12_000, 13_000], Some(13_000)),
    ];
    for (name, strikes, pings, closed) in rows {
        let log = Scene::new(limit(10, *strikes)).each(pings.iter().copied(), &Op::PeerPing).play(50_000);
        let expected: Vec<_> = closed.iter().map(|time| (*time, Close(TooManyPings))).collect();
        assert_eq!(log, expected, "{name}");
    }
    let shorter = Scene::new(limit(300, 0)).op(1000, Op::PeerPing).op(2000, Op::Terms(limit(10, 0)));
    let log = shorter.each((12_000..60_000).step_by(10_000), &Op::PeerPing).play(60_000);
    assert_eq!(log, [], "a peer that follows the new terms is not judged by the old");
}

/// Pings that came in a pause of ours are read all at once after it: no strikes, but no more than were welcome.
#[test]
fn a_pause_of_our_own_makes_no_flood() {
    let limit = Heartbeat::builder().silence(secs(100)).ping_limit(secs(10), 0).build().unwrap();
    let line = |pings| {
        let paused = Scene::new(limit.clone()).op(10_000, Op::PeerPing).op(15_000, Op::Pause);
        paused.op(612_000, Op::Resume).each(std::iter::repeat_n(612_000, pings), &Op::PeerPing)
    };
    // At 20 s, 30 s, and so on up to 610 s.
    let patient = line(60).each((620_000..700_000).step_by(10_000), &Op::PeerPing);
    assert_eq!(patient.play(690_000), [], "a peer that kept to the gap all the time");
    let flood = |pings| line(pings).play(690_000);
    assert_eq!(flood(61), [], "one that was to come next");
    assert_eq!(flood(62), [(612_000, Close(TooManyPings))], "and one in excess");
    let later = line(0).op(630_000, Op::PeerPing).op(631_000, Op::PeerPing).play(690_000);
    assert_eq!(later, [(631_000, Close(TooManyPings))], "what is not used at once is gone");
    // Only the pause counts, not the silence before it.
    let short = Scene::new(limit.clone()).op(90_000, Op::Pause).op(91_000, Op::Resume);
    let log = short.each(std::iter::repeat_n(91_000, 3), &Op::PeerPing).play(95_000);
    assert_eq!(log, [(91_000, Close(TooManyPings))]);
    // Many pauses shorter than the gap excuse no more than the gap allows: two each gap, and one.
    let stutter = Scene::new(limit.clone()).each((0..100_000).step_by(100), &Op::Pause);
    let stutter = stutter.each((50..100_000).step_by(100), &Op::Resume);
    let log = stutter.each((60..100_000).step_by(1000), &Op::PeerPing).play(100_000);
    assert!(matches!(log[..], [(..10_000, Close(TooManyPings))]), "{log:?}");
}

#[test]
fn a_pong_gives_a_round_trip_only_when_it_is_known_which_ping_it_answers() {
    let probing = Heartbeat::builder().ping(IdleKind::All, secs(5)).pong_within(secs(4)).max_missed(9).build();
    let mut line = open(probing.unwrap());
    let ping = |line: &mut Monitor| {
        for _ in 0..9 {
            let now = line.deadline().unwrap();
            if let Action::Ping(nonce) = line.on_timeout(now) {
                line.on_write(now);
                return (now, nonce);
            }
        }
        panic!("no ping: {line:?}");
    };
    let millis = Duration::from_millis;

    let (sent, _) = ping(&mut line);
    assert_eq!(line.on_pong(sent + millis(30), None), Some(millis(30)), "one outstanding, no nonce");
    assert_eq!(line.rtt().smoothed(), Some(millis(30)));
    assert_eq!(line.on_pong(sent + millis(40), None), None, "nothing outstanding");
    line.on_read(sent + millis(40));

    let (_, old) = ping(&mut line);
    let (sent, new) = ping(&mut line);
    assert_eq!(line.unanswered(), 2);
    assert_eq!(line.on_pong(sent + millis(1), None), None, "two outstanding: which one?");
    assert_eq!(line.on_pong(sent + millis(50), None), Some(millis(50)), "one left, so the last");

    assert_ne!(old, new);
    line.on_read(sent + millis(50));
    let (_, old) = ping(&mut line);
    let (sent, new) = ping(&mut line);
    for foreign in [old.wrapping_sub(1), new.wrapping_add(1), new.wrapping_add(1 << 16), !new] {
        assert_eq!(line.on_pong(sent + millis(1), Some(foreign)), None, "{foreign} answers no ping of ours");
        assert_eq!(line.unanswered(), 2, "{foreign} answers no ping of ours");
    }
    assert_eq!(line.on_pong(sent + millis(1), Some(old)), None, "a late answer is no round trip of the last ping");
    assert_eq!(line.unanswered(), 1);
    assert_eq!(line.on_pong(sent + millis(2), Some(old)), None, "the same one twice");
    assert_eq!(line.on_pong(sent + millis(70), Some(new)), Some(millis(70)));
    assert_eq!(line.on_pong(sent + millis(80), Some(new)), None, "answered already");
    assert_eq!(line.unanswered(), 0);
}

/// A timer 10 s late is our own doing: a fresh probe, or a fresh silence limit, comes before any verdict.
#[test]
fn a_stall_of_our_own_evicts_nobody_without_a_fresh_probe() {
    let deaf = [(20_000, Ping), (22_500, Suspect), (25_000, Close(Silent))];
    let before = [(5000, Ping), (7500, Suspect)];
    let fresh_probe = [&before[..], &deaf[..]].concat();
    let large = || Scene::new(Heartbeat::off()).op(500, Op::FrameBegin(1024 * KIB));
    let rows = [
        ("before the verdict", Scene::new(echo_client()).stall(9900, 20_000), fresh_probe.clone()),
        ("before the suspicion", Scene::new(echo_client()).stall(7400, 20_000), [&before[..1], &deaf].concat()),
        ("before the ping", Scene::new(echo_client()).stall(4900, 20_000), deaf.to_vec()),
        ("a watcher", Scene::new(watch(10)).stall(9900, 20_000), vec![(30_000, Idle)]),
        ("a frame", large().stall(9900, 20_000), vec![(30_000, Close(FrameTimeout))]),
        ("late within the tolerance", Scene::new(watch(10)).stall(9900, 11_000), vec![(11_000, Idle)]),
        ("late beyond it", Scene::new(watch(10)).stall(9900, 11_001), vec![(21_001, Idle)]),
        (
            "an answer that waited in the socket is life",
            Scene::new(echo_client()).op(12_000, Op::Pong(None)).op(12_000, Op::Write).stall(9900, 20_000),
            [&before[..], &[(25_000, Ping), (27_500, Suspect), (30_000, Close(Silent))]].concat(),
        ),
    ];
    for (name, scene, expected) in rows {
        assert_eq!(scene.play(60_000), expected, "{name}");
    }
    let server = Scene::new(Heartbeat::server(secs(5), secs(10)).unwrap()).stall(9900, 20_000).play(60_000);
    assert_eq!(server, [(5000, Ping), (20_000, Ping), (25_000, Ping), (30_000, Idle)], "server-driven");
}

#[test]
fn closed_is_final() {
    let limited = Heartbeat::builder().ping(IdleKind::All, secs(5)).pong_within(secs(5)).ping_limit(secs(1), 0);
    let mut line = open(limited.build().unwrap());
    let mut actions = Vec::new();
    while let Some(due) = line.deadline().filter(|_| actions.len() < 9) {
        actions.push(line.on_timeout(due));
    }
    assert_eq!(actions.last(), Some(&Action::Close(Silent)));
    for time in 11_000..11_100 {
        let now = at(time * 1000);
        line.on_read(now);
        line.pause(now);
        line.resume(now);
        line.on_frame_begin(now, 10);
        line.on_write(now);
        assert_eq!(line.on_ping(now), Action::None);
        assert_eq!(line.on_ping(now), Action::None, "no second close, of another reason");
        line.set_terms(now, Arc::new(echo_client()));
        assert_eq!((line.deadline(), line.on_timeout(now)), (None, Action::None));
        line.set_terms(now, Arc::new(Heartbeat::builder().silence(secs(9)).ping_limit(secs(1), 0).build().unwrap()));
    }
}

#[test]
fn there_is_a_deadline_only_when_something_is_watched() {
    let mut off = open(Heartbeat::off());
    assert_eq!(off.deadline(), None);
    off.on_frame_begin(at(1000), 0);
    assert_eq!(off.deadline(), Some(at(11_000)), "a frame has its clock in any case");
    off.on_frame_end(at(2000));
    assert_eq!(off.deadline(), None);
    let mut paused = open(watch(10));
    assert_eq!(paused.deadline(), Some(at(10_000)));
    paused.pause(at(1000));
    assert_eq!((paused.deadline(), paused.on_timeout(at(60_000))), (None, Action::None));
}

#[test]
fn two_things_due_at_once_come_one_a_call() {
    let both = Heartbeat::builder().ping(IdleKind::All, secs(5)).pong_within(secs(5)).silence(secs(10));
    let mut line = open(both.build().unwrap());
    assert!(matches!(line.on_timeout(at(5000)), Action::Ping(_)));
    assert_eq!(line.on_timeout(at(7500)), Action::Suspect);
    assert_eq!(line.deadline(), Some(at(10_000)));
    let actions: Vec<_> = (0..3).map(|_| line.on_timeout(at(10_000))).collect();
    assert!(matches!(actions[..], [Action::Idle(_), Action::Close(Silent), Action::None]), "{actions:?}");

    let mut late = open(echo_client());
    assert!(matches!(late.on_timeout(at(5000)), Action::Ping(_)));
    let actions: Vec<_> = (0..3).map(|_| late.on_timeout(at(8400))).collect();
    assert_eq!(actions, [Action::Suspect, Action::None, Action::None], "its deadline is still ahead");
    assert_eq!(late.deadline(), Some(at(10_000)));
}

#[test]
fn a_timeout_before_the_deadline_changes_nothing() {
    let mut line = open(echo_client());
    for (from, to) in [(0, 5000), (5000, 7500), (7500, 10_000)] {
        for time in (from..to).step_by(250) {
            assert_eq!(line.deadline(), Some(at(to)));
            assert_eq!(line.on_timeout(at(time)), Action::None, "{time} ms");
        }
        assert_ne!(line.on_timeout(at(to)), Action::None, "{to} ms");
    }
}
