//! Cases: what every engine must do, whatever it keeps its logs in.

use std::sync::Arc;

use bytes::Bytes;
use keepline_server::store::{Append, Expected, Head, Outcome, Page};

use super::engine::{ALL, Engine, append_all, id, log, message, seqs};

/// Numbers go from 1 up without a hole, each log's for itself.
pub(crate) async fn numbers_are_gap_free_from_1(engine: &mut dyn Engine) {
    let store = engine.store();
    let (ann, bob) = (log("m.p.ann.bob"), log("m.g.team"));
    assert_eq!(append_all(&*store, &ann, 1..=5).await, [1, 2, 3, 4, 5]);
    assert_eq!(append_all(&*store, &bob, 1..=3).await, [1, 2, 3], "the same ids in another log are other messages");
    assert_eq!(append_all(&*store, &ann, 6..=7).await, [6, 7]);
    let records = store.read(&ann, 0, ALL).await.unwrap();
    for (record, number) in records.iter().zip(1..) {
        let told = (record.seq, record.id, record.body.clone());
        assert_eq!(told, (number, id(number), Bytes::from(format!("message {number}"))));
    }
    assert_eq!(records.len(), 7);
}

/// A log that was never written to has a head, in the epoch of all, and nothing in it.
pub(crate) async fn a_log_never_written_to_is_empty(engine: &mut dyn Engine) {
    let store = engine.store();
    let nobody = log("m.p.a.b");
    let head = store.head(&nobody).await.unwrap();
    assert_eq!((head.seq, head.first, head.bytes), (0, 1, 0));
    assert_ne!(head.epoch, 0);
    assert_eq!(store.read(&nobody, 0, ALL).await, Ok(Vec::new()));
    assert_eq!(store.read(&nobody, u64::MAX, ALL).await, Ok(Vec::new()));
    assert_eq!(store.read_back(&nobody, u64::MAX, ALL).await, Ok(Vec::new()));
    assert_eq!(store.read_back(&nobody, 0, ALL).await, Ok(Vec::new()));
    assert_eq!(store.trim(&nobody, 9).await, Ok(()), "trimming what is not there");
    assert_eq!(store.logs("", None, 10).await, Ok(Vec::new()), "asking does not make a log");
    append_all(&*store, &log("m.all"), 1..=1).await;
    assert_eq!(store.head(&log("m.all")).await.unwrap().epoch, head.epoch, "one epoch for all");
}

/// A message that comes again gets the number it has, and is not stored again.
pub(crate) async fn a_repetition_answers_the_first_number(engine: &mut dyn Engine) {
    let store = engine.store();
    let all = log("m.all");
    append_all(&*store, &all, 1..=4).await;
    for number in [1, 4, 2] {
        assert_eq!(store.append(message(&all, number)).await, Ok(Outcome::Duplicate(number)));
        let late = Append { expected: Expected::Head(0), ..message(&all, number) };
        assert_eq!(store.append(late).await, Ok(Outcome::Duplicate(number)), "whatever head was expected");
    }
    // At once: the second is called before the first is stored.
    let (first, second) = (store.append(message(&all, 9)), store.append(message(&all, 9)));
    assert_eq!((first.await, second.await), (Ok(Outcome::Appended(5)), Ok(Outcome::Duplicate(5))));
    store.trim(&all, 2).await.unwrap();
    assert_eq!(store.append(message(&all, 1)).await, Ok(Outcome::Duplicate(1)), "a trimmed one too");
    if engine.reopen().await {
        let store = engine.store();
        assert_eq!(store.append(message(&all, 1)).await, Ok(Outcome::Duplicate(1)));
        assert_eq!(store.append(message(&all, 9)).await, Ok(Outcome::Duplicate(5)));
    }
    assert_eq!(engine.store().head(&all).await.unwrap().seq, 5);
}

/// Who expects another head learns the head, and nothing is stored.
pub(crate) async fn a_conflict_tells_the_head(engine: &mut dyn Engine) {
    let store = engine.store();
    let name = log("a.ann");
    let at = |head, number| Append { expected: Expected::Head(head), ..message(&name, number) };
    assert_eq!(store.append(at(1, 1)).await, Ok(Outcome::Conflict { head: 0 }));
    assert_eq!(store.append(at(0, 1)).await, Ok(Outcome::Appended(1)));
    assert_eq!(store.append(at(0, 2)).await, Ok(Outcome::Conflict { head: 1 }), "the name is taken");
    assert_eq!(store.append(at(1, 2)).await, Ok(Outcome::Appended(2)));
    store.trim(&name, 2).await.unwrap();
    assert_eq!(store.append(at(0, 3)).await, Ok(Outcome::Conflict { head: 2 }), "an emptied log is not a new one");
    assert_eq!(store.append(at(2, 3)).await, Ok(Outcome::Appended(3)));
    // Of many who saw the same head, one wins.
    let rivals: Vec<_> = (10..30).map(|number| store.append(at(3, number))).collect();
    let mut won = 0;
    for rival in rivals {
        match rival.await {
            Ok(Outcome::Appended(4)) => won += 1,
            other => assert_eq!(other, Ok(Outcome::Conflict { head: 4 })),
        }
    }
    assert_eq!(won, 1);
}

/// Of two calls for one log, the first is the first stored, awaited or not, in whatever order.
pub(crate) async fn the_order_of_calls_is_the_order_of_numbers(engine: &mut dyn Engine) {
    let store = engine.store();
    let all = log("m.all");
    let calls: Vec<_> = (1..=200).map(|number| (number, store.append(message(&all, number)))).collect();
    for (number, call) in calls.into_iter().rev() {
        assert_eq!(call.await, Ok(Outcome::Appended(number)));
    }
    // Not polled at all, it is stored all the same, in its place.
    drop(store.append(message(&all, 201)));
    assert_eq!(store.append(message(&all, 202)).await, Ok(Outcome::Appended(202)));
}

/// Writers at once: every number is given once, and each writer's are in his order.
pub(crate) async fn writers_at_once_share_one_sequence(engine: &mut dyn Engine) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 50;
    let store = engine.store();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            let numbers = (writer * EACH + 1)..=((writer + 1) * EACH);
            tokio::spawn(async move { append_all(&*store, &log("m.all"), numbers).await })
        })
        .collect();
    let mut given = Vec::new();
    for task in tasks {
        let seqs = task.await.unwrap();
        assert!(seqs.is_sorted(), "an answered message is before those that its sender sent afterwards");
        given.extend(seqs);
    }
    given.sort_unstable();
    assert_eq!(given, (1..=WRITERS * EACH).collect::<Vec<_>>());
    assert_eq!(seqs(&*store, &log("m.all"), 0).await.unwrap(), given);
}

/// Pages: as many as allowed, at least one, without a hole, from both ends.
pub(crate) async fn pages_are_full_and_bounded(engine: &mut dyn Engine) {
    let store = engine.store();
    let all = log("m.all");
    for number in 1..=10 {
        let append = Append { body: Bytes::from(vec![7; 100]), ..message(&all, number) };
        assert_eq!(store.append(append).await, Ok(Outcome::Appended(number)));
    }
    append_all(&*store, &log("m.alm"), 1..=3).await;
    let page = |records, bytes| Page { records, bytes };
    let big = 1 << 20;
    for (after, size, expected) in [
        (0, page(3, big), vec![1, 2, 3]),
        (3, page(3, big), vec![4, 5, 6]),
        (9, page(3, big), vec![10]),
        (10, page(3, big), vec![]),
        (0, page(100, 250), vec![1, 2]),
        (0, page(100, 300), vec![1, 2, 3]),
        (4, page(100, 1), vec![5]),
        (4, page(0, 0), vec![5]),
    ] {
        let read: Vec<_> = store.read(&all, after, size).await.unwrap().iter().map(|record| record.seq).collect();
        assert_eq!(read, expected, "behind {after}, {size:?}");
    }
    for (before, size, expected) in [
        (u64::MAX, page(3, big), vec![10, 9, 8]),
        (8, page(3, big), vec![7, 6, 5]),
        (2, page(3, big), vec![1]),
        (1, page(3, big), vec![]),
        (u64::MAX, page(100, 250), vec![10, 9]),
        (5, page(100, 1), vec![4]),
        (5, page(0, 0), vec![4]),
    ] {
        let read: Vec<_> = store.read_back(&all, before, size).await.unwrap().iter().map(|record| record.seq).collect();
        assert_eq!(read, expected, "before {before}, {size:?}");
    }
    assert_eq!(store.head(&all).await.unwrap().bytes, 1000);
}

/// Logs are found by how their names begin, in order, page by page.
pub(crate) async fn logs_are_found_by_prefix(engine: &mut dyn Engine) {
    let store = engine.store();
    for (name, records) in [("m.g.b", 2), ("a.ann", 1), ("m.g.a", 3), ("m.p.x.y", 1), ("m.g", 1), ("n.1", 1)] {
        append_all(&*store, &log(name), 1..=records).await;
    }
    for (prefix, after, limit, expected) in [
        ("m.g.", None, 10, vec!["m.g.a", "m.g.b"]),
        ("m.g", None, 10, vec!["m.g", "m.g.a", "m.g.b"]),
        ("m.", Some("m.g.a"), 10, vec!["m.g.b", "m.p.x.y"]),
        ("m.", Some("a.ann"), 2, vec!["m.g", "m.g.a"]),
        ("m.", Some("m.p.x.y"), 10, vec![]),
        ("m.", Some("z"), 10, vec![]),
        ("", None, 3, vec!["a.ann", "m.g", "m.g.a"]),
        ("", None, 0, vec![]),
        ("x", None, 10, vec![]),
    ] {
        let after = after.map(log);
        let found = store.logs(prefix, after.as_ref(), limit).await.unwrap();
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{prefix:?} behind {after:?}, {limit}");
        for (name, head) in found {
            assert_eq!(store.head(&name).await, Ok(head));
        }
    }
}

/// Trimming drops from the front; the head stays, also of an emptied log, also when the store is opened again.
pub(crate) async fn trimming_keeps_the_head(engine: &mut dyn Engine) {
    let all = log("m.all");
    let before = {
        let store = engine.store();
        append_all(&*store, &all, 1..=10).await;
        let before = store.head(&all).await.unwrap();
        store.trim(&all, 4).await.unwrap();
        assert_eq!(seqs(&*store, &all, 0).await.unwrap(), [5, 6, 7, 8, 9, 10], "starts behind what was trimmed");
        store.trim(&all, 2).await.unwrap();
        store.trim(&all, 4).await.unwrap();
        let back: Vec<_> = store.read_back(&all, 8, ALL).await.unwrap().iter().map(|record| record.seq).collect();
        assert_eq!(back, [7, 6, 5]);
        before
    };
    let length =
        |numbers: std::ops::RangeInclusive<u64>| numbers.map(|n| format!("message {n}").len() as u64).sum::<u64>();
    let expected = Head { first: 5, bytes: length(5..=10), ..before };
    assert_eq!(engine.store().head(&all).await, Ok(expected));
    engine.reopen().await;
    assert_eq!(engine.store().head(&all).await, Ok(expected));
    engine.store().trim(&all, u64::MAX).await.unwrap();
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(store.head(&all).await, Ok(Head { first: 11, bytes: 0, ..before }));
    assert_eq!(seqs(&*store, &all, 0).await.unwrap(), [0; 0]);
    assert_eq!(append_all(&*store, &all, 11..=12).await, [11, 12], "numbers are never given again");
    assert_eq!(store.logs("m.", None, 9).await.unwrap().len(), 1);
}

/// A large log is trimmed as a whole, and appends go on meanwhile.
pub(crate) async fn trimming_much_holds_up_nobody(engine: &mut dyn Engine) {
    let store = engine.store();
    let (all, other) = (log("m.all"), log("m.g.x"));
    let calls: Vec<_> = (1..=2500).map(|number| store.append(message(&all, number))).collect();
    for call in calls {
        assert!(matches!(call.await, Ok(Outcome::Appended(_))));
    }
    let trim = store.trim(&all, 2400);
    assert_eq!(append_all(&*store, &other, 1..=3).await, [1, 2, 3]);
    trim.await.unwrap();
    assert_eq!(seqs(&*store, &all, 0).await.unwrap(), (2401..=2500).collect::<Vec<_>>());
    assert_eq!(store.append(message(&all, 7)).await, Ok(Outcome::Duplicate(7)));
}

/// A forgotten log was never there: not its head, not its ids, also when the store is opened again. Others are untouched.
pub(crate) async fn a_forgotten_log_was_never_there(engine: &mut dyn Engine) {
    let (gone, other, never) = (log("t.5f"), log("t.5f0"), log("t.00"));
    let store = engine.store();
    append_all(&*store, &gone, 1..=5).await;
    append_all(&*store, &other, 1..=2).await;
    let kept = store.head(&other).await.unwrap();
    store.trim(&gone, 2).await.unwrap();
    for _ in 0..2 {
        let store = engine.store();
        for log in [&gone, &never] {
            assert_eq!(store.forget(log).await, Ok(()));
        }
        let nothing = Head { epoch: kept.epoch, seq: 0, first: 1, bytes: 0 };
        assert_eq!(store.head(&gone).await, Ok(nothing));
        assert_eq!(store.read(&gone, 0, ALL).await, Ok(Vec::new()));
        assert_eq!(store.read_back(&gone, u64::MAX, ALL).await, Ok(Vec::new()));
        assert_eq!(store.logs("t.", None, 9).await, Ok(vec![(other.clone(), kept)]));
        engine.reopen().await;
    }
    let store = engine.store();
    assert_eq!(seqs(&*store, &other, 0).await.unwrap(), [1, 2]);
    let late = Append { expected: Expected::Head(5), ..message(&gone, 6) };
    assert_eq!(store.append(late).await, Ok(Outcome::Conflict { head: 0 }), "who saw the log can't change it");
    assert_eq!(append_all(&*store, &gone, 1..=3).await, [1, 2, 3], "nothing is left of its ids");
    assert_eq!(store.append(message(&other, 1)).await, Ok(Outcome::Duplicate(1)));
}

/// A large log is forgotten as a whole, and appends go on meanwhile.
pub(crate) async fn forgetting_much_holds_up_nobody(engine: &mut dyn Engine) {
    let store = engine.store();
    let (gone, other) = (log("s.much"), log("m.g.x"));
    let calls: Vec<_> = (1..=2500).map(|number| store.append(message(&gone, number))).collect();
    for call in calls {
        assert!(matches!(call.await, Ok(Outcome::Appended(_))));
    }
    let forget = store.forget(&gone);
    assert_eq!(append_all(&*store, &other, 1..=3).await, [1, 2, 3]);
    forget.await.unwrap();
    assert_eq!(store.logs("s.", None, 9).await, Ok(Vec::new()));
    assert_eq!(append_all(&*store, &gone, [2500, 1]).await, [1, 2], "ids of the first and of the last part");
}

/// The highest mark stays, each owner's and each log's for itself, also when the store is closed and opened again.
pub(crate) async fn marks_only_rise(engine: &mut dyn Engine) {
    let (a, b) = (log("m.all"), log("m.g.x"));
    let store = engine.store();
    for (owner, name, seq) in
        [("d.ann.x", &a, 5), ("d.ann.x", &a, 3), ("d.ann.x", &b, 1), ("d.ann", &a, 9), ("d.ann.xy", &a, 7)]
    {
        store.put_mark(owner, name, seq).await.unwrap();
    }
    for round in 0..3 {
        let store = engine.store();
        let marks = store.marks("d.ann.x").await.unwrap();
        assert_eq!(marks, [(a.clone(), 5 + round), (b.clone(), 1)], "round {round}");
        assert_eq!(store.marks("d.ann").await.unwrap(), [(a.clone(), 9)]);
        assert_eq!(store.marks("r.nobody").await, Ok(Vec::new()));
        // A lower one, alone: what is kept is higher.
        store.put_mark("d.ann.x", &a, 2).await.unwrap();
        engine.reopen().await;
        let store = engine.store();
        assert_eq!(store.marks("d.ann.x").await.unwrap(), [(a.clone(), 5 + round), (b.clone(), 1)], "round {round}");
        store.put_mark("d.ann.x", &a, 6 + round).await.unwrap();
        engine.reopen().await;
    }
}
