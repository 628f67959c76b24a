//! Each mutation of a good history turns exactly its counter red; the history itself is green.

use keepline_check::{Counter, Verdict};

use crate::history::good;
use crate::mutate::{self, Mutation};
use crate::random::{Random, seed};
use crate::{check, red};

const SEEDS: u64 = 40;
const STEPS: usize = 400;
/// A place is drawn, and may turn out not to fit.
const TRIES: usize = 10;

const TABLE: [(&str, Mutation, &[&str]); 18] = [
    ("drop an acknowledged delivery", mutate::drop_acked_delivery, &["lost"]),
    ("lose an acknowledged message from the store", mutate::drop_stored, &["lost"]),
    ("drop a recovered delivery", mutate::drop_recovered_delivery, &["gap"]),
    ("skip a number", mutate::skip_number, &["gap"]),
    ("tell a device that a stored message is gone", mutate::announce_falsely, &["false_gap"]),
    ("tell a device that a lost message is gone", mutate::announce_a_loss, &["lost", "false_gap"]),
    ("tell a device before retention drops", mutate::announce_too_early, &["false_gap"]),
    ("swap two deliveries", mutate::swap_two, &["order"]),
    ("double a delivery", mutate::double_one, &["dup_app"]),
    ("forge a message", mutate::forge_one, &["unexpected"]),
    ("resurrect a refused message", mutate::resurrect_one, &["resurrected"]),
    ("move a session", mutate::move_session, &["zombie"]),
    ("change a body", mutate::change_body, &["corrupt"]),
    ("leak to an outsider", mutate::leak_one, &["leak"]),
    ("fork a number", mutate::fork_one, &["fork"]),
    ("number a message twice", mutate::number_twice, &["dup_app", "fork"]),
    ("store the later message first", mutate::store_later_first, &["real_time"]),
    ("nothing", |_, _| true, &[]),
];

#[test]
fn each_mutation_turns_exactly_its_counter_red() {
    let first = seed();
    for (name, mutation, expected) in TABLE {
        let mut applied = 0;
        for seed in first..first + SEEDS {
            let mut records = good(seed, STEPS);
            let mut random = Random::new(!seed);
            if !(0..TRIES).any(|_| mutation(&mut records, &mut random)) {
                continue;
            }
            applied += 1;
            let report = check(&records);
            assert_eq!(red(&report), expected, "{name}, seed {seed}:\n{report}");
            let total: u64 = report.red().into_iter().map(|counter| report.count(counter)).sum();
            assert_eq!(total, expected.len() as u64, "{name}, seed {seed}: one event, one count\n{report}");
        }
        println!("{name}: {applied} of {SEEDS} histories had a place for it");
        assert!(applied >= SEEDS / 2, "{name}: only {applied} histories had a place for it");
    }
}

#[test]
fn good_histories_are_green_and_contain_every_fault() {
    let first = seed();
    let faults = [Counter::Cuts, Counter::Infos, Counter::DupRaw, Counter::Recovered, Counter::Announced];
    let mut seen = [0; 5];
    for seed in first..first + SEEDS {
        let report = check(&good(seed, STEPS));
        assert_eq!(report.verdict(), Verdict::Green, "seed {seed}:\n{report}");
        let totals = report.totals();
        assert!(totals.acked > 0 && totals.refused > 0 && totals.unknown > 0, "seed {seed}: {totals:?}");
        assert_eq!(totals.sent, totals.acked + totals.refused + totals.unknown);
        for (sum, fault) in seen.iter_mut().zip(faults) {
            *sum += report.count(fault);
        }
    }
    println!("{seen:?} of {:?}", faults.map(Counter::name));
    assert!(seen.iter().all(|sum| *sum >= SEEDS), "each fault is common: {seen:?}");
}
