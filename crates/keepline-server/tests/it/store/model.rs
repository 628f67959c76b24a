//! Model: random calls against each engine, beside a plain map that says what must come out.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keepline_server::store::{Append, Expected, Head, LogName, Outcome, Page, Record, Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::engine::{Engine, InMemory, OnBus, OnDisk, id, log};
use keepline_server::store::fake::Faults;

/// What can be done to a store.
#[derive(Clone, Debug)]
enum Call {
    /// Append this id to a log; `Some(back)`: expect a head that lies so far behind the true one.
    Append {
        log: usize,
        id: u64,
        back: Option<u64>,
        length: usize,
    },
    Read {
        log: usize,
        after: u64,
        records: usize,
        bytes: usize,
    },
    ReadBack {
        log: usize,
        before: u64,
        records: usize,
        bytes: usize,
    },
    Trim {
        log: usize,
        through: u64,
    },
    Forget {
        log: usize,
    },
    Mark {
        owner: usize,
        log: usize,
        seq: u64,
    },
    Logs {
        prefix: usize,
        after: Option<usize>,
        limit: usize,
    },
    Reopen,
}

const LOGS: [&str; 4] = ["a.ann", "m.all", "m.g.x", "m.g.xy"];
const OWNERS: [&str; 3] = ["d.ann.x", "d.ann.xy", "r.ann"];
const PREFIXES: [&str; 4] = ["", "m.", "m.g.x", "z"];

fn call() -> impl Strategy<Value = Call> {
    let log = 0..LOGS.len();
    prop_oneof![
        8 => (log.clone(), 0..40_u64, prop::option::weighted(0.3, 0..3_u64), 0..200_usize)
            .prop_map(|(log, id, back, length)| Call::Append { log, id, back, length }),
        3 => (log.clone(), 0..30_u64, 0..6_usize, 0..600_usize)
            .prop_map(|(log, after, records, bytes)| Call::Read { log, after, records, bytes }),
        3 => (log.clone(), 0..30_u64, 0..6_usize, 0..600_usize)
            .prop_map(|(log, before, records, bytes)| Call::ReadBack { log, before, records, bytes }),
        1 => (log.clone(), 0..30_u64).prop_map(|(log, through)| Call::Trim { log, through }),
        1 => log.clone().prop_map(|log| Call::Forget { log }),
        2 => (0..OWNERS.len(), log.clone(), 0..30_u64).prop_map(|(owner, log, seq)| Call::Mark { owner, log, seq }),
        1 => (0..PREFIXES.len(), prop::option::of(log), 0..5_usize)
            .prop_map(|(prefix, after, limit)| Call::Logs { prefix, after, limit }),
        1 => Just(Call::Reopen),
    ]
}

/// What must be in the store.
#[derive(Debug, Default)]
struct Model {
    /// How late a request may arrive that was made before.
    late: Duration,
    logs: BTreeMap<LogName, Log>,
    marks: BTreeMap<(String, LogName), u64>,
}

#[derive(Debug, Default)]
struct Log {
    head: u64,
    first: u64,
    records: BTreeMap<u64, Record>,
    ids: BTreeMap<u64, u64>,
}

impl Log {
    fn head(&self, epoch: u64) -> Head {
        let bytes = self.records.values().map(|record| record.body.len() as u64).sum();
        Head { epoch, seq: self.head, first: self.first + 1, bytes }
    }

    fn page(records: impl Iterator<Item: Borrow<Record>>, page: Page) -> Vec<Record> {
        let mut bytes = 0;
        let mut taken: Vec<Record> = Vec::new();
        for record in records.take(page.records.max(1)) {
            let record = record.borrow();
            bytes += record.body.len();
            if bytes > page.bytes && !taken.is_empty() {
                break;
            }
            taken.push(record.clone());
        }
        taken
    }
}

/// Repeats an append whose outcome is unknown, or which was refused, as a client does. The first sure answer, and
/// whether it was not the first.
async fn surely(store: &dyn Store, append: &Append) -> (Outcome, bool) {
    for attempt in 0..1000 {
        match store.append(append.clone()).await {
            Ok(Outcome::Unknown) | Err(StoreError::Unavailable(_)) => {}
            Ok(outcome) => return (outcome, attempt > 0),
            Err(error) => panic!("{append:?}: {error}"),
        }
    }
    panic!("a thousand times no answer");
}

async fn readable<T>(read: impl AsyncFn() -> Result<T, StoreError>) -> T {
    for _ in 0..1000 {
        match read().await {
            Ok(value) => return value,
            Err(StoreError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("a thousand times unreadable");
}

impl Model {
    /// One call on both; what differs is the error.
    async fn step(&mut self, store: &dyn Store, epoch: u64, call: &Call) -> Result<(), TestCaseError> {
        match *call {
            Call::Append { log: which, id, back, length } => self.append(store, which, id, back, length).await,
            Call::Read { log: which, after, records, bytes } => {
                let (name, page) = (log(LOGS[which]), Page { records, bytes });
                let read = readable(async || store.read(&name, after, page).await).await;
                let records =
                    self.logs.get(&name).map(|log| Log::page(log.records.range(after + 1..).map(|it| it.1), page));
                prop_assert_eq!(read, records.unwrap_or_default());
                Ok(())
            }
            Call::ReadBack { log: which, before, records, bytes } => {
                let (name, page) = (log(LOGS[which]), Page { records, bytes });
                let read = readable(async || store.read_back(&name, before, page).await).await;
                let records =
                    self.logs.get(&name).map(|log| Log::page(log.records.range(..before).rev().map(|it| it.1), page));
                prop_assert_eq!(read, records.unwrap_or_default());
                Ok(())
            }
            Call::Trim { log: which, through } => {
                store.trim(&log(LOGS[which]), through).await.unwrap();
                if let Some(log) = self.logs.get_mut(&log(LOGS[which])) {
                    log.records.retain(|seq, _| *seq > through);
                    log.first = log.first.max(through.min(log.head));
                }
                Ok(())
            }
            Call::Forget { log: which } => {
                // No request may be on its way to the log any more.
                tokio::time::sleep(self.late).await;
                store.forget(&log(LOGS[which])).await.unwrap();
                self.logs.remove(&log(LOGS[which]));
                Ok(())
            }
            Call::Mark { owner, log: which, seq } => {
                store.put_mark(OWNERS[owner], &log(LOGS[which]), seq).await.unwrap();
                let mark = self.marks.entry((OWNERS[owner].to_owned(), log(LOGS[which]))).or_default();
                *mark = seq.max(*mark);
                let marks = readable(async || store.marks(OWNERS[owner]).await).await;
                let of_owner = self.marks.iter().filter(|((of, _), _)| of == OWNERS[owner]);
                prop_assert_eq!(marks, of_owner.map(|((_, log), seq)| (log.clone(), *seq)).collect::<Vec<_>>());
                Ok(())
            }
            Call::Logs { prefix, after, limit } => {
                let after = after.map(|which| log(LOGS[which]));
                let found = readable(async || store.logs(PREFIXES[prefix], after.as_ref(), limit).await).await;
                let logs = self.logs.iter().filter(|(name, _)| name.as_str().starts_with(PREFIXES[prefix]));
                let logs = logs.filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after)).take(limit);
                prop_assert_eq!(found, logs.map(|(name, log)| (name.clone(), log.head(epoch))).collect::<Vec<_>>());
                Ok(())
            }
            Call::Reopen => Ok(()),
        }
    }

    async fn append(
        &mut self,
        store: &dyn Store,
        which: usize,
        number: u64,
        back: Option<u64>,
        length: usize,
    ) -> Result<(), TestCaseError> {
        let name = log(LOGS[which]);
        let head = self.logs.get(&name).map_or(0, |log| log.head);
        let expected = back.map_or(Expected::Any, |back| Expected::Head(head.saturating_sub(back)));
        let body = Bytes::from(vec![u8::try_from(number).unwrap(); length]);
        let append = Append { log: name.clone(), expected, id: id(number), body };
        let (outcome, repeated) = surely(store, &append).await;
        if let Some(seq) = self.logs.get(&name).and_then(|log| log.ids.get(&number)) {
            prop_assert_eq!(outcome, Outcome::Duplicate(*seq));
        } else if matches!(expected, Expected::Head(expected) if expected != head) {
            prop_assert_eq!(outcome, Outcome::Conflict { head });
        } else {
            let first = outcome == Outcome::Appended(head + 1);
            // Delivered twice, or said twice by us: the second time it is a repetition.
            let again = outcome == Outcome::Duplicate(head + 1);
            prop_assert!(first || again, "{:?} after head {}, repeated: {}", outcome, head, repeated);
            let log = self.logs.entry(name).or_default();
            log.head += 1;
            log.ids.insert(number, log.head);
            log.records.insert(log.head, Record { seq: log.head, id: append.id, body: append.body });
        }
        Ok(())
    }
}

async fn run(mut engine: Box<dyn Engine>, late: Duration, calls: Vec<Call>) -> Result<(), TestCaseError> {
    let mut model = Model { late, ..Model::default() };
    let mut store: Arc<dyn Store> = engine.store();
    let epoch = readable(async || store.head(&log("none")).await).await.epoch;
    for call in &calls {
        if matches!(call, Call::Reopen) {
            engine.reopen().await;
            store = engine.store();
        }
        model.step(&*store, epoch, call).await?;
    }
    for (name, log) in &model.logs {
        let head = readable(async || store.head(name).await).await;
        prop_assert_eq!(head, log.head(epoch));
        let all = readable(async || store.read(name, 0, super::engine::ALL).await).await;
        prop_assert_eq!(all, log.records.values().cloned().collect::<Vec<_>>());
    }
    store.close().await;
    Ok(())
}

/// No request is later than that on any bus; on the disk none is late, and there time is not paused.
const LATE: Duration = Duration::from_secs(1);

/// proptest prints the seed and the calls of a failure, shrunk, and takes its seed from PROPTEST_RNG_SEED.
fn check(cases: u32, paused: bool, engine: impl Fn(u64) -> Box<dyn Engine>) {
    let config = Config {
        cases: Config::default().cases.min(cases),
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..Config::default()
    };
    let script = (any::<u64>(), prop::collection::vec(call(), 1..80));
    let result = TestRunner::new(config).run(&script, |(seed, calls)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(paused).build().unwrap();
        let late = if paused { LATE } else { Duration::ZERO };
        runtime.block_on(run(engine(seed), late, calls))
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn in_memory_follows_the_model() {
    check(256, true, |_| Box::new(InMemory::new()));
}

#[test]
fn on_disk_follows_the_model() {
    check(24, false, |_| Box::new(OnDisk::new()));
}

#[test]
#[ignore = "long: as many random runs on the disk as proptest is told"]
fn on_disk_follows_the_model_for_long() {
    check(u32::MAX, false, |_| Box::new(OnDisk::new()));
}

#[test]
fn on_a_calm_bus_follows_the_model() {
    check(256, true, |seed| Box::new(OnBus::new(seed, Faults::default())));
}

#[test]
fn on_a_wild_bus_follows_the_model() {
    check(256, true, |seed| Box::new(OnBus::new(seed, Faults::wild())));
}
