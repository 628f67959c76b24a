//! Fake: each fault that it is asked for happens, and no other; so that a test on it tests what it says.

use std::time::Duration;

use keepline_server::store::fake::{Fake, Faults};
use keepline_server::store::{Outcome, Store as _, StoreError};

use super::engine::{append_all, log, message, seqs};

const ALWAYS: u16 = 1000;

#[tokio::test(start_paused = true)]
async fn each_fault_does_what_it_says() {
    let none = Faults::default();
    let refused = Err(StoreError::Unavailable("the bus refuses".into()));
    for (what, faults, answer, stored) in [
        ("none", none, Ok(Outcome::Appended(1)), 1),
        ("refused", Faults { refused: ALWAYS, ..none }, refused, 0),
        ("doubled", Faults { doubled: ALWAYS, ..none }, Ok(Outcome::Duplicate(1)), 1),
        ("unanswered", Faults { unanswered: ALWAYS, ..none }, Ok(Outcome::Unknown), 1),
        ("lost", Faults { lost: ALWAYS, ..none }, Ok(Outcome::Unknown), 0),
    ] {
        let fake = Fake::new(1, faults);
        assert_eq!(fake.append(message(&log("m.all"), 1)).await, answer, "{what}");
        assert_eq!(fake.head(&log("m.all")).await.unwrap().seq, stored, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_one_is_stored_behind_later_ones_or_dies_with_a_crash() {
    let faults = Faults { late: 500, delay: Duration::from_secs(1), ..Faults::default() };
    for crash in [false, true] {
        let fake = Fake::new(7, faults);
        let mut feed = fake.subscribe();
        let mut unknown = Vec::new();
        for number in 1..=20 {
            match fake.append(message(&log("m.all"), number)).await.unwrap() {
                Outcome::Unknown => unknown.push(number),
                outcome => assert!(matches!(outcome, Outcome::Appended(_)), "{outcome:?}"),
            }
        }
        assert!((3..17).contains(&unknown.len()), "{unknown:?}");
        let last = fake.append(message(&log("m.all"), 99)).await.unwrap();
        let before = fake.head(&log("m.all")).await.unwrap().seq;
        if crash {
            fake.crash();
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let after = fake.head(&log("m.all")).await.unwrap().seq;
        assert!(after <= 21 && (crash || after == 21), "{after} of 21, the last answer was {last:?}");
        assert!(!crash || after == before, "what was under way arrived after the crash");
        for told in 1..=after {
            assert_eq!(feed.recv().await.unwrap().record.seq, told, "told late, and in order");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_overtake_each_other() {
    let fake = Fake::new(3, Faults { delay: Duration::from_millis(20), ..Faults::default() });
    let (sender, mut order) = tokio::sync::mpsc::channel(20);
    for number in 1..=20 {
        let (call, sender) = (fake.append(message(&log("m.all"), number)), sender.clone());
        tokio::spawn(async move { sender.send(call.await).await.unwrap() });
    }
    drop(sender);
    let mut answers = Vec::new();
    while let Some(answer) = order.recv().await {
        let Ok(Outcome::Appended(seq)) = answer else { panic!("{answer:?}") };
        answers.push(seq);
    }
    assert_eq!(answers.len(), 20);
    assert!(!answers.is_sorted(), "{answers:?}");
}

/// A lazy one loses what it acknowledged: the control for every test that says nothing is lost.
#[tokio::test]
async fn a_crash_loses_what_a_lazy_one_acknowledged() {
    for (lazy, kept) in [(false, 5), (true, 3)] {
        let fake = Fake::new(1, Faults { lazy, ..Faults::default() });
        append_all(&*fake, &log("m.all"), 1..=3).await;
        fake.sync();
        append_all(&*fake, &log("m.all"), 4..=5).await;
        let epoch = fake.head(&log("m.all")).await.unwrap().epoch;
        fake.put_mark("d.ann.x", &log("m.all"), 5).await.unwrap();
        fake.crash();
        assert_eq!(seqs(&*fake, &log("m.all"), 0).await.unwrap().len(), kept, "lazy: {lazy}");
        assert_eq!(fake.head(&log("m.all")).await.unwrap().epoch, epoch);
        assert_eq!(fake.marks("d.ann.x").await, Ok(Vec::new()), "marks are not synced at once");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_meets_the_same_faults() {
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let fake = Fake::new(seed, Faults::wild());
        let mut answers = Vec::new();
        for number in 1..=100 {
            answers.push(fake.append(message(&log("m.all"), number)).await);
        }
        runs.push(answers);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[1], runs[2]);
}
