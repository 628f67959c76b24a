//! Timelines: every case of Netty's own test of its detector, with the times of the events and of the next deadline.

use keepline_proto::liveness::{IdleEvent, IdleKind, IdleSettings};
use keepline_proto::{Duration, Instant};

use super::rig::Step::{Adv, Hold, Part, Read, Take, TouchRead, TouchWrite, Write};
use super::rig::{Rig, Step, adv, at, due, play};

const SECOND: Duration = Duration::from_secs(1);
const HALF: Duration = Duration::from_millis(500);
const HALF_AND_A_BIT: Duration = Duration::from_nanos(500_000_001);

/// Rows 1 to 3: an event each period while nothing happens.
#[test]
fn an_event_each_period_of_quiet() {
    let rows = [
        ("testReaderIdle", IdleSettings::new().reader(SECOND), "R"),
        ("testWriterIdle", IdleSettings::new().writer(SECOND), "W"),
        ("testAllIdle", IdleSettings::new().all(SECOND), "A"),
    ];
    for (name, settings, kind) in rows {
        let first = format!("{kind}1");
        play(name, settings, &[(adv(1), &first, due(2)), (adv(1), kind, due(3)), (adv(1), kind, due(4))]);
    }
}

/// Rows 4 to 8: activity moves the event to a full period after it; the timer finds out when it comes due.
#[test]
fn activity_moves_the_event() {
    let reader = IdleSettings::new().reader(SECOND);
    let writer = IdleSettings::new().writer(SECOND);
    let all = IdleSettings::new().all(SECOND);
    let rows = [
        ("testResetReader", reader, TouchRead, "R1"),
        ("testResetWriter", writer, TouchWrite, "W1"),
        ("testReaderNotIdle", reader, Read, "R1"),
        ("testWriterNotIdle", writer, Write, "W1"),
        ("testAllNotIdle, read", all, Read, "A1"),
        ("testAllNotIdle, write", all, Write, "A1"),
    ];
    for (name, settings, activity, event) in rows {
        let steps = [
            (Adv(HALF_AND_A_BIT), "", due(1)),
            (activity, "", due(1)),
            (Adv(HALF), "", Some(at(1500, 1))),
            (Adv(SECOND), event, Some(at(3000, 1))),
        ];
        play(name, settings, &steps);
    }
}

/// Rows 9 and 10: timeline O, with output observed. An X stands for the kind.
#[test]
fn observed_output_holds_back_all_but_first_events() {
    let period = Duration::from_secs(5);
    let rows = [
        ("testObserveWriterIdle", IdleSettings::new().writer(period).observe_output(), "W"),
        ("testObserveAllIdle", IdleSettings::new().all(period).observe_output(), "A"),
    ];
    for (name, settings, kind) in rows {
        let mut rig = Rig::new(settings);
        [1, 1, 1, 5120].into_iter().for_each(|bytes| rig.act(Hold(bytes)));
        for (step, (advance, act, end, events, next)) in TIMELINE_O {
            let told = rig.step(adv(*advance));
            act.iter().for_each(|act| rig.act(*act));
            assert_eq!(rig.now, at(end * 1000, 0), "{name} {step}: the table's own clock");
            assert_eq!(told, events.replace('X', kind), "{name} {step}: events");
            assert_eq!(rig.idle.deadline(), due(*next), "{name} {step}: next due");
        }
    }
}

/// Seconds to advance, what then happens, the time, the events, the next deadline.
type Row = (u64, &'static [Step], u64, &'static str, u64);

const TIMELINE_O: &[(&str, Row)] = &[
    ("O1", (5, &[], 5, "X1", 10)),
    ("O2", (4, &[Take], 9, "", 10)),
    ("O3", (2, &[], 11, "", 14)),
    ("O4", (2, &[Take], 13, "", 14)),
    ("O5", (4, &[], 17, "", 18)),
    ("O6", (5, &[], 22, "X1", 27)),
    ("O7", (2, &[Take], 24, "", 27)),
    ("O8", (1, &[], 25, "", 27)),
    ("O9", (2, &[Part(1024)], 27, "", 29)),
    ("O10", (2, &[Part(1024)], 29, "X1", 34)),
    ("O11", (1, &[], 30, "", 34)),
    ("O12", (2, &[Part(1024)], 32, "", 34)),
    ("O13", (2, &[Part(1024)], 34, "", 39)),
    ("O14", (1, &[], 35, "", 39)),
    ("O15", (2, &[Part(1024)], 37, "", 39)),
    ("O16", (3, &[Take], 40, "", 42)),
    ("O17", (2, &[], 42, "X1", 47)),
];

/// The control of timeline O: without observing, the event at 34 is told.
#[test]
fn unobserved_output_holds_back_nothing() {
    let mut rig = Rig::new(IdleSettings::new().writer(Duration::from_secs(5)));
    [1, 1, 1, 5120].into_iter().for_each(|bytes| rig.act(Hold(bytes)));
    let mut told = Vec::new();
    for (_, (advance, act, end, ..)) in TIMELINE_O {
        let events = rig.step(adv(*advance));
        act.iter().for_each(|act| rig.act(*act));
        if !events.is_empty() {
            told.push(format!("{events}@{end}"));
        }
    }
    assert_eq!(told, ["W1@5", "W1@22", "W1@29", "W@34", "W1@42"]);
}

/// The one case of Netty's test of its event.
#[test]
fn events_are_written_as_netty_writes_them() {
    let rows = [
        (IdleKind::Reader, true, "IdleStateEvent(READER_IDLE, first)"),
        (IdleKind::Reader, false, "IdleStateEvent(READER_IDLE)"),
        (IdleKind::Writer, true, "IdleStateEvent(WRITER_IDLE, first)"),
        (IdleKind::Writer, false, "IdleStateEvent(WRITER_IDLE)"),
        (IdleKind::All, true, "IdleStateEvent(ALL_IDLE, first)"),
        (IdleKind::All, false, "IdleStateEvent(ALL_IDLE)"),
    ];
    for (kind, first, expected) in rows {
        assert_eq!(IdleEvent { kind, first }.to_string(), expected);
    }
}

/// Guards the rig: a timer runs at the end of an advance, not at the time it was due.
#[test]
fn the_rig_runs_timers_at_the_end_of_an_advance() {
    let mut rig = Rig::new(IdleSettings::new().reader(SECOND));
    rig.now = Instant::START + Duration::from_millis(2500);
    let told = rig.run_timers();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].at, rig.idle.deadline()), (at(2500, 0), Some(at(3500, 0))));
}
