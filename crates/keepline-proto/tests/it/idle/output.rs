//! Output: the signs of progress that hold back an idle event, their order, and their memory.

use keepline_proto::Duration;
use keepline_proto::liveness::{Idle, IdleEvent, IdleSettings, OutputSnapshot};

use super::rig::at;

const PERIOD: Duration = Duration::from_secs(5);
const START: OutputSnapshot = OutputSnapshot { head: Some(1), pending: 100, progress: 0 };

/// Runs a detector that has told its first event, and so holds back; gives what each later period told.
fn later_periods(
    settings: IdleSettings,
    touch_after_first: bool,
    outputs: &[OutputSnapshot],
) -> Vec<Option<IdleEvent>> {
    let mut idle = Idle::new(settings.observe_output());
    idle.start(at(0, 0), START);
    let mut now = at(0, 0) + PERIOD;
    assert!(idle.on_timeout(now, START).is_some_and(|event| event.first));
    if touch_after_first {
        idle.touch_write(now);
    }
    let period = |output: &OutputSnapshot| {
        now = now + PERIOD;
        assert_eq!(idle.deadline(), Some(now), "held back or told, the clock goes on");
        idle.on_timeout(now, *output)
    };
    outputs.iter().map(period).collect()
}

/// Each sign alone holds back once; several are taken one a look, as a look stops at the first sign that moved.
#[test]
fn each_sign_holds_back_once_and_those_behind_it_wait() {
    let head = OutputSnapshot { head: Some(2), ..START };
    let pending = OutputSnapshot { pending: 50, ..START };
    let progress = OutputSnapshot { progress: 7, ..START };
    let all_three = OutputSnapshot { head: Some(2), pending: 50, progress: 7 };
    let rows = [
        ("nothing moved", false, START, 0),
        ("a write ended (by touch)", true, START, 1),
        ("another head", false, head, 1),
        ("queue emptied", false, OutputSnapshot::default(), 1),
        ("other amount in the queue", false, pending, 1),
        ("progress of the head", false, progress, 1),
        ("head, amount and progress", false, all_three, 2),
        ("write, head, amount and progress", true, all_three, 3),
    ];
    for settings in [IdleSettings::new().writer(PERIOD), IdleSettings::new().all(PERIOD)] {
        for (name, touch, output, held_back) in rows {
            let told = later_periods(settings, touch, &[output; 5]);
            let expected: Vec<_> = (0..5).map(|period| period >= held_back).collect();
            let told_at: Vec<_> = told.iter().map(Option::is_some).collect();
            assert_eq!(told_at, expected, "{name}");
            assert!(told.iter().flatten().all(|event| !event.first), "{name}: none of them is a first one");
        }
    }
}

/// A later sign that goes back to what it was before its turn came has never moved.
#[test]
fn signs_are_looked_at_in_netty_s_order() {
    let progress = OutputSnapshot { progress: 7, ..START };
    let head = OutputSnapshot { head: Some(2), ..START };
    let rows = [
        ("the head before progress", false, [OutputSnapshot { progress: 7, ..head }, head]),
        ("a write before the head", true, [head, START]),
        ("a write before progress", true, [progress, START]),
    ];
    for (name, touch, outputs) in rows {
        let told = later_periods(IdleSettings::new().writer(PERIOD), touch, &outputs);
        assert!(told[0].is_none() && told[1].is_some(), "{name}: {told:?}");
    }
}

#[test]
fn a_first_event_is_never_held_back_and_takes_in_every_sign() {
    let mut idle = Idle::new(IdleSettings::new().writer(PERIOD).observe_output());
    idle.start(at(0, 0), OutputSnapshot::default());
    idle.on_written(at(1000, 0));
    assert_eq!(idle.on_timeout(at(5000, 0), START), None, "not idle yet");
    let moved = OutputSnapshot { head: Some(9), pending: 1, progress: 1 };
    let first = idle.on_timeout(at(6000, 0), moved).unwrap();
    assert!(first.first);
    let second = idle.on_timeout(at(11_000, 0), moved).unwrap();
    assert!(!second.first, "no sign was left over for it");
}

#[test]
fn progress_never_holds_back_reader_events() {
    let outputs = [1, 2, 3].map(|progress| OutputSnapshot { progress, ..START });
    let told = later_periods(IdleSettings::new().reader(PERIOD), true, &outputs);
    assert!(told.iter().all(Option::is_some), "{told:?}");
}

/// Writer and all share one memory, as in Netty: the first to look takes the sign, and the other tells.
#[test]
fn writer_and_all_share_the_memory() {
    let mut idle = Idle::new(IdleSettings::new().writer(PERIOD).all(PERIOD).observe_output());
    idle.start(at(0, 0), START);
    let mut told = |secs: u64, output| {
        let now = at(secs * 1000, 0);
        let calls = [idle.on_timeout(now, output), idle.on_timeout(now, output)];
        calls.into_iter().flatten().map(|event| event.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told(5, START), ["IdleStateEvent(WRITER_IDLE, first)", "IdleStateEvent(ALL_IDLE, first)"]);
    let moved = OutputSnapshot { progress: 1, ..START };
    assert_eq!(told(10, moved), ["IdleStateEvent(ALL_IDLE)"]);
    assert_eq!(told(15, moved), ["IdleStateEvent(WRITER_IDLE)", "IdleStateEvent(ALL_IDLE)"]);
}
