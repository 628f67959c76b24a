//! Retention: what is over a limit is dropped from the front, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keepline_server::clock::Clock;
use keepline_server::id::MessageId;
use keepline_server::message::{Kind, Message};
use keepline_server::retention::{Limits, Retention};
use keepline_server::store::fake::{Fake, Faults};
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, LogName, Outcome, Page, Store, StoreError};
use tokio_util::sync::CancellationToken;

const DAY: u64 = 24 * 3600 * 1000;
/// Now, in days.
const TODAY: u64 = 20_000;

struct Wall;

impl Clock for Wall {
    fn now_ms(&self) -> u64 {
        TODAY * DAY
    }
}

/// Appends messages of these ages, in days, with bodies of this length.
async fn fill(store: &dyn Store, log: &str, ages: &[u64], length: usize) -> LogName {
    let log = LogName::new(log);
    for (age, number) in ages.iter().zip(1_u128..) {
        let sender = "ann".parse().unwrap();
        let at_ms = (TODAY - age) * DAY;
        let body = Message { sender, kind: Kind::Text, body: Bytes::from(vec![b'x'; length]), at_ms }.to_record();
        let append =
            Append { log: log.clone(), expected: Expected::Any, id: MessageId::new(number.to_be_bytes()), body };
        // A bus that misbehaves is asked until it answers.
        while !matches!(store.append(append.clone()).await, Ok(Outcome::Appended(_) | Outcome::Duplicate(_))) {}
    }
    log
}

fn limits(records: u64, bytes: u64, days: u64) -> Limits {
    let mut limits = Limits::default();
    (limits.records, limits.bytes, limits.age) = (records, bytes, Duration::from_millis(days * DAY));
    limits
}

fn retention(store: Arc<dyn Store>, limits: Limits) -> Retention {
    Retention::new(store, Arc::new(Wall), limits)
}

#[tokio::test]
async fn each_limit_drops_from_the_front() {
    const MANY: u64 = 1 << 40;
    // A record of 100 bytes has 5 for the sender, 2 before the body, and 7 for the time.
    let record = 114;
    for (what, limits, ages, first) in [
        ("nothing over", limits(5, 5 * record, 30), [5, 4, 3, 2, 1], 1),
        ("records", limits(3, MANY, 30), [5, 4, 3, 2, 1], 3),
        ("one record", limits(1, MANY, 30), [5, 4, 3, 2, 1], 5),
        ("no record at all is one", limits(0, MANY, 30), [5, 4, 3, 2, 1], 5),
        ("bytes", limits(100, 2 * record, 30), [5, 4, 3, 2, 1], 4),
        ("one byte less", limits(100, 2 * record - 1, 30), [5, 4, 3, 2, 1], 5),
        ("the last is kept, however long", limits(100, 1, 30), [5, 4, 3, 2, 1], 5),
        ("age", limits(100, MANY, 3), [5, 4, 3, 2, 1], 3),
        ("all too old", limits(100, MANY, 3), [9, 8, 7, 6, 5], 6),
        ("an old one behind a young one stays", limits(100, MANY, 3), [5, 1, 9, 1, 1], 2),
        ("the strictest wins", limits(4, 3 * record, 2), [9, 1, 1, 1, 1], 3),
    ] {
        let store = Memory::new();
        let log = fill(&*store, "m.all", &ages, 100).await;
        let before = store.head(&log).await.unwrap();
        assert_eq!(before.bytes, 5 * record);
        let pass = retention(store.clone(), limits).pass().await.unwrap();
        let head = store.head(&log).await.unwrap();
        assert_eq!((head.first, head.seq, head.epoch), (first, 5, before.epoch), "{what}");
        assert_eq!(pass.records, first - 1, "{what}");
        assert_eq!(retention(store.clone(), limits).pass().await.unwrap().records, 0, "{what}: a second pass");
    }
}

#[tokio::test]
async fn only_conversations_are_trimmed_each_for_itself() {
    let store = Memory::new();
    let ages = [9; 4];
    let entities = ["a.ann", "g.team", "t.00", "s.x", "n.1", "mx"];
    for name in entities {
        fill(&*store, name, &ages, 10).await;
    }
    fill(&*store, "m.g.team", &ages, 10).await;
    fill(&*store, "m.p.ann.bob", &ages[..1], 10).await;
    let pass = retention(store.clone(), limits(2, 1 << 40, 30)).pass().await.unwrap();
    assert_eq!((pass.conversations, pass.records, pass.failed), (1, 2, 0));
    for name in entities {
        assert_eq!(store.head(&LogName::new(name)).await.unwrap().first, 1, "{name}");
    }
}

#[tokio::test]
async fn more_than_a_page_of_records_and_of_logs() {
    let store = Memory::new();
    fill(&*store, "m.all", &vec![1; 3500], 1).await;
    for n in 0..1500 {
        fill(&*store, &format!("m.g.{n}"), &[1, 1], 1).await;
    }
    let pass = retention(store.clone(), limits(1, 1 << 40, 30)).pass().await.unwrap();
    assert_eq!((pass.conversations, pass.records), (1501, 3499 + 1500));
    assert_eq!(store.head(&LogName::new("m.all")).await.unwrap().first, 3500);
}

/// What can't be read now is trimmed by a later pass; what was never over stays through all of them.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_now_and_then_ends_up_trimmed() {
    let fake = Fake::new(11, Faults { unreadable: 300, ..Faults::default() });
    let mut logs = Vec::new();
    for n in 0..20 {
        logs.push(fill(&*fake, &format!("m.g.{n}"), &[9, 9, 1, 1], 10).await);
    }
    let mut failures = 0;
    for _ in 0..40 {
        failures += retention(fake.clone(), limits(100, 1 << 40, 3)).pass().await.map_or(1, |pass| pass.failed);
    }
    assert!(failures > 0, "nothing failed");
    for log in logs {
        let records = loop {
            match fake.read(&log, 0, Page { records: 10, bytes: 1000 }).await {
                Ok(records) => break records,
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_))),
            }
        };
        assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [3, 4], "{log}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_runs_until_it_is_stopped() {
    let store = Memory::new();
    let log = fill(&*store, "m.all", &[1; 3], 10).await;
    let stop = CancellationToken::new();
    let mut limits = limits(2, 1 << 40, 30);
    limits.every = Duration::from_secs(300);
    let run = tokio::spawn(retention(store.clone(), limits).run(stop.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(store.head(&log).await.unwrap().first, 2);
    fill(&*store, "m.all", &[1; 5], 10).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(store.head(&log).await.unwrap().first, 4);
    stop.cancel();
    run.await.unwrap();
}
