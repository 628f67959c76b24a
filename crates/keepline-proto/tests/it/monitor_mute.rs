//! Monitor: an end that pings is never mute for long, so that a peer which only watches never cuts it.

use std::sync::Arc;

use keepline_proto::liveness::{Action, Heartbeat, IdleKind, Monitor};
use keepline_proto::{Duration, Instant};

use super::scene::{Log, Op, Scene, Seen, at};
use Seen::{Idle, Ping};

const KINDS: [IdleKind; 3] = [IdleKind::Reader, IdleKind::Writer, IdleKind::All];
const HOUR: u64 = 3_600_000;

/// Pings after `interval` ms; an answer may take as long.
fn client(kind: IdleKind, interval: u64) -> Scene {
    let interval = Duration::from_millis(interval);
    Scene::new(Heartbeat::builder().ping(kind, interval).pong_within(interval).build().expect("no contradiction"))
}

/// What a peer sees that only watches, with a limit of twice `interval` ms; a ping is half of the interval on its way,
/// less one millisecond.
fn watched(client: &Log, interval: u64, until: u64) -> Log {
    let watcher = Scene::new(Heartbeat::watch(Duration::from_millis(2 * interval)).expect("no contradiction"));
    watcher.each(client.iter().map(|(time, _)| time + interval / 2 - 1), &Op::PeerPing).play(until)
}

fn gaps(log: &Log) -> impl Iterator<Item = u64> {
    log.windows(2).map(|pair| pair[1].0 - pair[0].0)
}

#[test]
fn a_client_that_only_listens_is_never_cut() {
    for kind in KINDS {
        for interval in [5000, 60_000, 300_000] {
            let name = format!("{kind:?}, {interval} ms");
            let log = client(kind, interval).each((0..HOUR).step_by(1000), &Op::Read).play(HOUR);
            assert!(log.iter().all(|(_, seen)| *seen == Ping), "{name}: {log:?}");
            let period = if kind == IdleKind::Writer { interval } else { interval + interval / 2 };
            assert!(log.first().is_some_and(|(first, _)| *first == period), "{name}: {log:?}");
            assert!(gaps(&log).all(|gap| gap == period), "{name}: {log:?}");
            assert_eq!(watched(&log, interval, HOUR), [], "{name}");
        }
    }
    assert_eq!(watched(&Log::new(), 5000, HOUR), [(10_000, Idle)], "the contrast: one that says nothing");
}

#[test]
fn a_client_that_paused_its_reads_is_never_cut() {
    for kind in KINDS {
        for (pause, resume) in [(0, 600_000), (5_100, 605_100), (6_000, 602_000), (7_499, 607_500)] {
            let paused = client(kind, 5000).answers(50, u64::MAX).op(pause, Op::Pause).op(resume, Op::Resume);
            let log = paused.play(700_000);
            assert!(log.iter().all(|(_, seen)| *seen == Ping), "{kind:?}, paused at {pause}: {log:?}");
            assert!(gaps(&log).all(|gap| (5000..=7500).contains(&gap)), "{kind:?}, paused at {pause}: {log:?}");
            assert_eq!(watched(&log, 5000, 700_000), [], "{kind:?}, paused at {pause}");
        }
    }
}

#[test]
fn who_writes_himself_does_not_ping_beside_it() {
    for kind in KINDS {
        let both = client(kind, 5000).each((0..HOUR).step_by(1000), &Op::Read);
        let writes = both.each((0..HOUR).step_by(5000), &Op::Write).play(HOUR - 1000);
        assert_eq!(writes, [], "{kind:?}");
        let paused = client(kind, 5000).op(0, Op::Pause).each((0..HOUR).step_by(7499), &Op::Write);
        assert_eq!(paused.play(HOUR - 1000), [], "{kind:?}: in a pause");
    }
}

#[test]
fn an_end_that_never_pings_stays_mute() {
    let watcher = || Scene::new(Heartbeat::watch(Duration::from_secs(10)).unwrap());
    assert_eq!(watcher().each((0..HOUR).step_by(1000), &Op::Read).play(HOUR), []);
    assert_eq!(watcher().op(5000, Op::Pause).play(HOUR), []);
}

/// The answer lay in the socket for as long as we did not read; that is no round trip.
#[test]
fn a_pong_that_a_pause_kept_waiting_tells_no_round_trip() {
    for nonces in [false, true] {
        let heartbeat = Heartbeat::client(secs(5), secs(5)).expect("no contradiction");
        let mut line = Monitor::new(Arc::new(heartbeat), Instant::START, 0);
        let pong = |line: &mut Monitor, now, nonce| {
            line.on_read(now);
            line.on_pong(now, Some(nonce).filter(|_| nonces))
        };
        let before = ping(&mut line);
        line.pause(at(5001));
        let during = ping(&mut line);
        line.resume(at(13_000));
        assert_eq!(line.unanswered(), 2);
        assert_eq!(pong(&mut line, at(13_000), before), None);
        assert_eq!(pong(&mut line, at(13_000), during), None, "it came in the pause");
        assert_eq!(line.unanswered(), 0, "but answered they are");

        let after = ping(&mut line);
        let now = at(18_000) + Duration::from_millis(70);
        assert_eq!(pong(&mut line, now, after), Some(Duration::from_millis(70)));
        assert_eq!(line.rtt().smoothed(), Some(Duration::from_millis(70)), "the first sample");
    }
}

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Waits for the deadline, at which the line must ping; the ping's nonce.
fn ping(line: &mut Monitor) -> u32 {
    let due = line.deadline().expect("a ping is due some time");
    let Action::Ping(nonce) = line.on_timeout(due) else { panic!("no ping at {due:?}: {line:?}") };
    line.on_write(due);
    nonce
}
