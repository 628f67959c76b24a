//! Pause: a connection whose reads we stopped ourselves is not idle.

use keepline_proto::Duration;

use super::rig::Step::{Pause, Read, ReadBegin, ReadEnd, Resume, TouchRead};
use super::rig::{adv, due, every, play};

const PERIOD: Duration = Duration::from_secs(10);

#[test]
fn while_paused_only_the_writer_is_idle() {
    let steps = [
        (adv(9), "", due(10)),
        (Pause, "", due(10)),
        (adv(1), "W1", due(20)),
        (adv(10), "W", due(30)),
        (adv(100), "W", due(130)),
    ];
    play("paused", every(PERIOD), &steps);
}

#[test]
fn after_a_resume_there_is_a_full_period() {
    let steps = [
        (adv(9), "", due(10)),
        (Pause, "", due(10)),
        (adv(26), "W1", due(45)), // at 35
        (Resume, "", due(45)),
        (adv(9), "", due(45)),
        (adv(1), "R1 W A1", due(55)),
    ];
    play("resumed", every(PERIOD), &steps);
    let steps = [
        (adv(4), "", due(10)),
        (Pause, "", due(10)),
        (adv(1), "", due(10)),
        (Resume, "", due(10)), // at 5, before the timer looked
        (adv(5), "W1", due(15)),
        (adv(5), "R1 A1", due(20)),
    ];
    play("a short pause", every(PERIOD), &steps);
}

#[test]
fn a_resume_without_a_pause_moves_nothing() {
    let steps = [(adv(4), "", due(10)), (Resume, "", due(10)), (adv(6), "R1 W1 A1", due(20))];
    play("resume alone", every(PERIOD), &steps);
}

#[test]
fn a_pause_makes_no_first_event() {
    let steps =
        [(adv(10), "R1 W1 A1", due(20)), (Pause, "", due(20)), (Resume, "", due(20)), (adv(10), "R W A", due(30))];
    play("our own act", every(PERIOD), &steps);
}

#[test]
fn a_pause_from_within_a_read_outlives_its_end() {
    let steps = [
        (ReadBegin, "", due(10)),
        (Pause, "", due(10)), // by the handler
        (ReadEnd, "", due(10)),
        (adv(10), "W1", due(20)),
        (TouchRead, "", due(20)),
        (Read, "", due(20)), // what was already in our buffer
        (adv(10), "W", due(30)),
        (Resume, "", due(30)),
        (adv(10), "R1 W A1", due(40)),
    ];
    play("paused by the handler", every(PERIOD), &steps);
    let steps = [
        (ReadBegin, "", due(10)),
        (Pause, "", due(10)),
        (Resume, "", due(10)), // the turn of reading still goes on
        (adv(10), "W1", due(20)),
        (ReadEnd, "", due(20)),
        (adv(10), "R1 W A1", due(30)),
    ];
    play("resumed before the turn ended", every(PERIOD), &steps);
}
