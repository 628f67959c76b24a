//! Tests of the wheel, against a naive list of deadlines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keepline_proto::{Duration, Instant};
use proptest::prelude::*;

use super::{BLOCK, Due, Entry, Key, SLOT, SLOTS, Tick, Wheel};

/// A line that counts how often the wheel has come to it.
#[derive(Default)]
struct Line {
    number: usize,
    woken: AtomicU32,
}

impl Due for Line {
    fn on_due(&self) {
        self.woken.fetch_add(1, Ordering::Relaxed);
    }
}

const ROUND: Duration = SLOT.times(SLOTS as u64);

fn at(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

fn line(number: usize) -> Arc<Line> {
    Arc::new(Line { number, ..Line::default() })
}

fn wheel() -> Wheel<Line> {
    Wheel::new(Instant::START)
}

fn filed(wheel: &Wheel<Line>, number: usize, due: Instant) -> Key {
    let key = wheel.register(line(number));
    wheel.arm(key, Tick::at_or_after(due));
    key
}

/// The numbers of the lines due by `now`, in ascending order.
fn collect(wheel: &Wheel<Line>, now: Instant) -> Vec<usize> {
    let mut due = Vec::new();
    let _ = wheel.collect(now, &mut due);
    let mut numbers: Vec<_> = due.iter().map(|line| line.number).collect();
    numbers.sort_unstable();
    numbers
}

fn next(wheel: &Wheel<Line>, now: Instant) -> Option<Instant> {
    wheel.collect(now, &mut Vec::new())
}

#[test]
fn never_early_and_late_by_less_than_a_slot() {
    for due in [1, 99, 100, 101, 150, 409_599, 409_600, 409_601, 1_000_000] {
        let wheel = wheel();
        filed(&wheel, 0, at(due));
        let fired = (0..).map(|tick| at(tick * 10)).find(|&now| !collect(&wheel, now).is_empty()).unwrap();
        let late = fired.since(at(due));
        assert!(fired >= at(due) && late < SLOT, "due {due} ms, fired {fired:?}");
    }
}

#[test]
fn the_ticker_is_told_the_very_edge() {
    let wheel = wheel();
    assert_eq!(next(&wheel, at(5)), None, "an empty wheel wakes nobody");
    filed(&wheel, 0, at(1234));
    assert_eq!(next(&wheel, at(5)), Some(at(1300)));
    filed(&wheel, 1, at(200));
    assert_eq!(next(&wheel, at(5)), Some(at(200)));
    assert_eq!(collect(&wheel, at(199)), []);
    assert_eq!(collect(&wheel, at(200)), [1]);
    assert_eq!(next(&wheel, at(250)), Some(at(1300)));
}

#[test]
fn only_an_earlier_tick_moves_an_entry_and_a_past_one_comes_up_next() {
    let wheel = wheel();
    let key = filed(&wheel, 7, at(5000));
    wheel.arm(key, Tick::at_or_after(at(9000)));
    assert_eq!(next(&wheel, at(1000)), Some(at(5000)), "a later tick moves nothing: the line looks and files again");
    wheel.arm(key, Tick::at_or_after(at(3000)));
    assert_eq!(next(&wheel, at(1000)), Some(at(3000)));
    wheel.arm(key, Tick::at_or_after(at(10)));
    assert_eq!(next(&wheel, at(1000)), Some(at(1100)), "what is over comes up with the next slot");
    assert_eq!(collect(&wheel, at(1100)), [7]);
    assert_eq!(next(&wheel, at(1100)), None, "fired once, not filed again");
}

#[test]
fn entries_of_later_rounds_stay_until_theirs() {
    let wheel = wheel();
    let rounds: Vec<_> = (0..5).map(|round| at(700) + ROUND.times(round)).collect();
    for (number, due) in rounds.iter().enumerate() {
        filed(&wheel, number, *due);
    }
    for (number, due) in rounds.iter().enumerate() {
        assert_eq!(collect(&wheel, *due - Duration::from_millis(1)), [], "round {number}");
        assert_eq!(collect(&wheel, *due), [number]);
    }
    assert_eq!(wheel.fired(), 5, "passing an entry by is no check of its line");
}

#[test]
fn a_stall_longer_than_a_round_fires_everything_once() {
    let wheel = wheel();
    for number in 0..1000 {
        filed(&wheel, number, at(number as u64 * 1700));
    }
    let stalled = at(0) + ROUND.times(1000);
    assert_eq!(collect(&wheel, stalled), (0..1000).collect::<Vec<_>>());
    assert_eq!(collect(&wheel, stalled + ROUND), []);
    assert_eq!(wheel.fired(), 1000);
}

#[test]
fn a_long_stall_is_one_round_of_work() {
    let wheel = wheel();
    for number in 0..SLOTS {
        filed(&wheel, number, at(0) + ROUND.times(2_000_000) + SLOT.times(number as u64));
    }
    // A walk over every round of the stall would take minutes: 1,000,000 of them, of 4096 filled slots each.
    let begun = std::time::Instant::now();
    assert_eq!(collect(&wheel, at(0) + ROUND.times(1_000_000)), []);
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "took {:?}", begun.elapsed());
    assert_eq!(wheel.fired(), 0);
}

#[test]
fn the_farthest_deadline_is_no_overflow() {
    let wheel = wheel();
    let never = Tick::at_or_after(Instant::START + Duration::MAX);
    assert!(never < Tick::NEVER);
    let key = wheel.register(line(0));
    wheel.arm(key, never);
    assert_eq!(collect(&wheel, at(0) + ROUND.times(100)), []);
    wheel.release(key);
    assert_eq!(next(&wheel, at(0) + ROUND.times(101)), None);
}

#[test]
fn release_unlinks_and_drops_the_owner() {
    let wheel = wheel();
    let owner = line(1);
    let keys: Vec<_> = (0..3).map(|_| wheel.register(Arc::clone(&owner))).collect();
    for key in &keys {
        wheel.arm(*key, Tick::at_or_after(at(500)));
    }
    // In the middle, at the head and at the tail of one slot's list.
    for key in [keys[1], keys[2], keys[0]] {
        wheel.release(key);
    }
    assert_eq!(Arc::strong_count(&owner), 1);
    assert_eq!(next(&wheel, at(100)), None, "no slot is held by what has gone");
    assert_eq!(collect(&wheel, at(1000)), []);
}

#[test]
fn a_storm_of_lines_that_come_and_go_does_not_grow() {
    let wheel = wheel();
    for round in 0..100_000_u64 {
        let key = filed(&wheel, 0, at(10_000 + round % 7919));
        wheel.release(key);
    }
    assert_eq!(wheel.lock().blocks.len(), 1, "one line at a time needs one entry");
    let keys: Vec<_> = (0..BLOCK + 1).map(|number| filed(&wheel, number, at(400))).collect();
    keys.into_iter().for_each(|key| wheel.release(key));
    assert_eq!(wheel.lock().blocks.len(), 2);
    assert_eq!(collect(&wheel, at(100_000)), []);
}

#[test]
fn a_million_entries_are_24_bytes_each() {
    let wheel = Wheel::<Line>::new(Instant::START);
    let owner = line(0);
    for number in 0..1_000_000_u64 {
        let key = wheel.register(Arc::clone(&owner));
        wheel.arm(key, Tick::at_or_after(at(number)));
    }
    let state = wheel.lock();
    let entries: usize = state.blocks.iter().map(|block| size_of_val(&**block)).sum();
    let directory = state.blocks.capacity() * size_of::<Box<[Entry<Line>]>>();
    assert!(entries <= (1_000_000 + BLOCK) * 24, "{entries} bytes");
    assert!(directory <= 1_000_000 / 4, "{directory} bytes: a quarter of a byte a line");
}

/// What a program may do with a wheel.
#[derive(Clone, Debug)]
enum Step {
    Register(u64),
    Arm(usize, u64),
    Release(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly within a round, sometimes far beyond it; spans in ms.
    let span = || prop_oneof![4 => 0_u64..5_000, 2 => 0_u64..500_000, 1 => 0_u64..5_000_000];
    prop_oneof![
        3 => span().prop_map(Step::Register),
        3 => (any::<usize>(), span()).prop_map(|(which, span)| Step::Arm(which, span)),
        1 => any::<usize>().prop_map(Step::Release),
        4 => span().prop_map(Step::Pass),
    ]
}

proptest! {
    /// The same lines fire at the same moments as in a sorted list, whatever is asked of both.
    #[test]
    fn does_what_a_sorted_list_does(steps in prop::collection::vec(step(), 1..200)) {
        let wheel = wheel();
        let mut model: BTreeMap<usize, (Key, Option<u64>)> = BTreeMap::new();
        let (mut now, mut numbers) = (0_u64, 0..);
        let edge = |millis: u64| millis.div_ceil(100);
        for step in steps {
            let pick = |which: usize, model: &BTreeMap<usize, _>| model.keys().nth(which % model.len().max(1)).copied();
            // A tick that is over comes up with the next.
            let file = |span: u64| edge(now + span).max(now / 100 + 1);
            match step {
                Step::Register(span) => {
                    let number = numbers.next().unwrap();
                    model.insert(number, (filed(&wheel, number, at(now + span)), Some(file(span))));
                }
                Step::Arm(which, span) => if let Some(number) = pick(which, &model) {
                    let (key, due) = model.get_mut(&number).unwrap();
                    wheel.arm(*key, Tick::at_or_after(at(now + span)));
                    *due = Some(due.unwrap_or(u64::MAX).min(file(span)));
                },
                Step::Release(which) => if let Some(number) = pick(which, &model) {
                    wheel.release(model.remove(&number).unwrap().0);
                },
                Step::Pass(span) => {
                    now += span;
                    let due: Vec<_> = model.iter().filter(|(_, (_, due))| due.is_some_and(|due| due <= now / 100))
                        .map(|(number, _)| *number).collect();
                    prop_assert_eq!(collect(&wheel, at(now)), due.clone());
                    for number in due {
                        model.get_mut(&number).unwrap().1 = None;
                    }
                }
            }
        }
    }

    /// A line that files its true deadline whenever it is looked at costs two looks in the length of its limit at the
    /// most, however it is read, and is found silent within a slot.
    #[test]
    fn two_checks_in_a_limit_for_any_reads(
        reads in prop::collection::vec(0_u64..3_000, 0..300),
        limit in 300_u64..20_000,
    ) {
        let wheel = wheel();
        let key = filed(&wheel, 0, at(limit));
        let reads: Vec<u64> = reads.iter().scan(0, |sum, gap| { *sum += gap; Some(*sum) }).collect();
        let mut reads = reads.into_iter().peekable();
        let (mut last_read, mut looks, mut now) = (0, Vec::new(), 0);
        let silent_at = loop {
            now += 100;
            while let Some(read) = reads.next_if(|read| *read <= now) {
                last_read = read;
            }
            if collect(&wheel, at(now)).is_empty() {
                continue;
            }
            looks.push(now);
            if now >= last_read + limit {
                break now;
            }
            wheel.arm(key, Tick::at_or_after(at(last_read + limit)));
        };
        prop_assert!(silent_at - (last_read + limit) < 100, "late by {}", silent_at - last_read - limit);
        for look in &looks {
            let within = looks.iter().filter(|other| (*look..*look + limit).contains(*other)).count();
            prop_assert!(within <= 2, "{within} looks within {limit} ms of {look}: {looks:?}");
        }
        prop_assert_eq!(wheel.fired(), looks.len() as u64);
    }
}
