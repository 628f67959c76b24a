//! Rules: periods, start and stop, reads, writes, the limit, repeats, stalls and resets of the idle detector.

use keepline_proto::liveness::{Idle, IdleKind, IdleSettings, OutputSnapshot};
use keepline_proto::{Duration, Instant};

use super::rig::Step::{Adv, Hold, Read, ReadBegin, ReadEnd, Stop, Take, TouchRead, TouchWrite, Write};
use super::rig::{Rig, adv, at, due, every, play};

const PERIOD: Duration = Duration::from_secs(10);

#[test]
fn a_period_is_off_at_zero_and_at_least_a_millisecond() {
    let millisecond = Duration::from_millis(1);
    let rows = [
        (Duration::ZERO, None),
        (Duration::from_nanos(1), Some(millisecond)),
        (millisecond, Some(millisecond)),
        (Duration::from_nanos(1_000_001), Some(Duration::from_nanos(1_000_001))),
    ];
    for (asked, applied) in rows {
        let settings = every(asked);
        for kind in IdleKind::ALL {
            assert_eq!(settings.period(kind), applied, "{kind} of {asked}");
        }
        assert_eq!(Rig::new(settings).idle.deadline(), applied.map(|period| Instant::START + period), "{asked}");
    }
    assert_eq!(IdleSettings::new().period(IdleKind::All), None, "off until asked for");
    assert_eq!(every(PERIOD).all(Duration::ZERO).period(IdleKind::All), None, "can be turned off again");
}

#[test]
fn a_period_past_the_end_of_time_never_comes() {
    for period in [Duration::MAX, Duration::from_nanos(u64::MAX - 1)] {
        let mut idle = Idle::new(every(period));
        idle.start(at(1, 0), OutputSnapshot::default());
        assert_eq!(idle.deadline(), None, "{period}");
        assert_eq!(idle.on_timeout(Instant::from_nanos(u64::MAX), OutputSnapshot::default()), None);
    }
}

#[test]
fn it_starts_once() {
    let mut rig = Rig::new(every(PERIOD));
    rig.step(adv(4));
    rig.idle.start(rig.now, OutputSnapshot::default());
    assert_eq!(rig.step(adv(6)), "R1 W1 A1", "a second start moves nothing");
}

#[test]
fn nothing_counts_before_the_start() {
    let mut idle = Idle::new(every(PERIOD));
    idle.on_read_begin();
    idle.pause();
    assert_eq!(idle.deadline(), None);
    assert_eq!(idle.on_timeout(at(60_000, 0), OutputSnapshot::default()), None);

    idle.start(at(60_000, 0), OutputSnapshot::default());
    assert_eq!(idle.deadline(), due(70), "the clocks run from the start");
    let event = idle.on_timeout(at(70_000, 0), OutputSnapshot::default()).unwrap();
    assert_eq!(event.kind, IdleKind::Reader, "neither the read nor the pause was seen");
}

#[test]
fn it_stops_for_ever() {
    let mut rig = Rig::new(every(PERIOD));
    rig.act(Stop);
    rig.idle.start(rig.now, OutputSnapshot::default());
    [Read, Write, TouchRead, TouchWrite].into_iter().for_each(|act| rig.act(act));
    assert_eq!(rig.idle.deadline(), None);
    rig.now = at(100_000, 0);
    assert_eq!(rig.idle.on_timeout(rig.now, OutputSnapshot::default()), None);

    let mut early = Idle::new(every(PERIOD));
    early.stop();
    early.start(at(0, 0), OutputSnapshot::default());
    assert_eq!(early.deadline(), None, "stopped before the start: never starts");
}

#[test]
fn a_stop_in_the_middle_of_a_batch_ends_it() {
    let mut rig = Rig::new(every(PERIOD));
    rig.now = at(10_000, 0);
    let event = rig.idle.on_timeout(rig.now, rig.output()).unwrap();
    assert_eq!(event.kind, IdleKind::Reader);
    assert_eq!(rig.idle.deadline(), due(10), "two kinds are still due");
    rig.act(Stop);
    assert_eq!(rig.idle.on_timeout(rig.now, rig.output()), None);
}

#[test]
fn a_turn_of_reading_counts_from_its_end_and_only_if_it_began() {
    let reader = IdleSettings::new().reader(PERIOD);
    play("an end without a begin", reader, &[(adv(4), "", due(10)), (ReadEnd, "", due(10)), (adv(6), "R1", due(20))]);
    let steps = [
        (adv(4), "", due(10)),
        (ReadBegin, "", due(10)),
        (adv(6), "", due(20)), // not idle: armed for a full period, as nothing is known of the end
        (adv(5), "", due(20)),
        (ReadEnd, "", due(20)), // at 15
        (adv(5), "", due(25)),
        (ReadEnd, "", due(25)), // a second end says nothing
        (adv(5), "R1", due(35)),
    ];
    play("a long turn", reader, &steps);
    let steps = [(ReadBegin, "", due(10)), (adv(10), "W1", due(20)), (adv(10), "W", due(30))];
    play("a turn without end", every(PERIOD), &steps);
}

#[test]
fn a_read_makes_the_next_event_a_first_one_as_soon_as_it_begins() {
    let steps = [
        (adv(10), "R1 W1 A1", due(20)),
        (adv(10), "R W A", due(30)),
        (ReadBegin, "", due(30)),
        (TouchRead, "", due(30)), // ends the turn and touches no flag
        (adv(10), "R1 W A1", due(40)),
    ];
    play("read", every(PERIOD), &steps);
}

#[test]
fn a_write_counts_when_it_ends() {
    let steps = [
        (adv(10), "R1 W1 A1", due(20)),
        (Hold(100), "", due(20)),
        (adv(10), "R W A", due(30)), // queued is not written
        (Take, "", due(30)),
        (adv(10), "R W1 A1", due(40)),
        (adv(10), "R W A", due(50)),
    ];
    play("write", every(PERIOD), &steps);
}

#[test]
fn exactly_one_period_is_idle_and_a_nanosecond_less_is_not() {
    let almost = Duration::from_nanos(PERIOD.as_nanos() - 1);
    let steps = [(Adv(almost), "", due(10)), (Adv(Duration::from_nanos(1)), "R1 W1 A1", due(20))];
    play("limit", every(PERIOD), &steps);
}

#[test]
fn a_call_before_the_deadline_changes_nothing() {
    let mut rig = Rig::new(every(PERIOD));
    rig.step(adv(4));
    rig.act(Read); // so that a look too early would show: it would move the clock to 14
    for (millis, nanos) in [(4000, 0), (5000, 0), (9999, 999_999)] {
        rig.now = at(millis, nanos);
        assert_eq!(rig.idle.on_timeout(rig.now, rig.output()), None);
        assert_eq!(rig.idle.deadline(), due(10));
    }
    rig.now = at(10_000, 0);
    assert_eq!(rig.run_timers().len(), 1, "only the writer");
    assert_eq!(rig.idle.deadline(), due(14));
}

#[test]
fn a_stall_gives_one_event_a_kind_and_a_full_period_after_it() {
    let steps = [(adv(107), "R1 W1 A1", due(117)), (adv(9), "", due(117)), (adv(1), "R W A", due(127))];
    play("stall", every(PERIOD), &steps);
}

#[test]
fn clocks_go_by_deadline_and_then_by_the_order_of_arming() {
    let settings = IdleSettings::new().reader(Duration::from_secs(4)).writer(Duration::from_secs(2));
    play("the earlier deadline first", settings, &[(adv(5), "W1 R1", due(7))]);

    let settings = IdleSettings::new().all(Duration::from_secs(10)).writer(Duration::from_secs(5));
    let steps = [(adv(5), "W1", due(10)), (adv(5), "A1 W", due(15))];
    play("all was armed at 0 and writer at 5", settings, &steps);
}

#[test]
fn a_touch_moves_the_clock_but_makes_no_first_event() {
    let steps = [
        (adv(10), "R1 W1 A1", due(20)),
        (adv(5), "", due(20)),
        (TouchRead, "", due(20)), // at 15
        (adv(5), "W", due(25)),
        (adv(3), "", due(25)),
        (TouchWrite, "", due(25)), // at 23
        (adv(2), "R", due(30)),
        (adv(5), "", due(33)),
        (adv(3), "A W", due(35)), // all was armed at 25, writer at 30
    ];
    play("touch", every(PERIOD), &steps);
    let steps = [(ReadBegin, "", due(10)), (TouchRead, "", due(10)), (adv(10), "R1", due(20))];
    play("touch ends a turn of reading", IdleSettings::new().reader(PERIOD), &steps);
}

#[test]
fn kinds_keep_their_own_flags_and_clocks() {
    let settings =
        IdleSettings::new().reader(Duration::from_secs(3)).writer(Duration::from_secs(4)).all(Duration::from_secs(5));
    let steps = [
        (adv(3), "R1", due(4)),
        (Read, "", due(4)), // at 3
        (adv(1), "W1", due(5)),
        (adv(1), "", due(6)), // all looks, and moves to 8
        (adv(1), "R1", due(8)),
        (Write, "", due(8)),  // at 6
        (adv(2), "", due(9)), // writer moves to 10, all to 11
        (adv(1), "R", due(10)),
        (adv(1), "W1", due(11)),
        (adv(1), "A1", due(12)),
    ];
    play("kinds", settings, &steps);
}
