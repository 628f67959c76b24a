//! redb: what this engine promises beyond the suite.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use keepline_server::metrics::{Metered, Metrics};
use keepline_server::store::redb::{FILE, OpenError, Options, Redb};
use keepline_server::store::{Durability, Outcome, Store as _, StoreError};

use super::engine::{ALL, Folder, OnDisk, log, message};

#[tokio::test]
async fn the_data_directory_is_made_for_its_owner_alone() {
    let folder = Folder::new();
    let data = folder.path().join("deep/data");
    let store = Redb::open(&data, Options::default()).unwrap();
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(data.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(store.durability(), Durability::Disk);
    store.close().await;
}

#[tokio::test]
async fn a_second_store_on_one_directory_is_refused_with_the_reason() {
    let engine = OnDisk::new();
    let refused = Redb::open(engine.folder.path(), Options::default());
    assert!(
        matches!(&refused, Err(OpenError::InUse { path }) if path.starts_with(engine.folder.path())),
        "{refused:?}"
    );
    let said = refused.map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("in use by another process"), "{said}");
    engine.redb().close().await;
    Redb::open(engine.folder.path(), Options::default()).expect("after the first is closed").close().await;
}

#[tokio::test]
async fn each_commit_is_timed_once_and_a_question_is_none() {
    let (engine, metrics) = (OnDisk::new(), Arc::new(Metrics::new()));
    let store = Metered::over(Arc::clone(engine.redb()) as _, Arc::clone(&metrics));
    let commits = || {
        let text = metrics.render();
        let count = text.lines().find_map(|line| line.strip_prefix("keepline_store_commit_seconds_count "));
        count.and_then(|count| count.parse::<u64>().ok()).expect("a row")
    };
    let all = log("m.all");
    for seq in 1..=3 {
        assert_eq!(store.append(message(&all, seq)).await, Ok(Outcome::Appended(seq)));
        assert_eq!(commits(), seq, "one at a time, each is a transaction");
    }
    assert_eq!(store.append(message(&all, 3)).await, Ok(Outcome::Duplicate(3)));
    store.head(&all).await.unwrap();
    assert_eq!(commits(), 3, "a repetition and a question write nothing");
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_takes_nothing_and_says_so() {
    let engine = OnDisk::new();
    let store = engine.redb();
    let all = log("m.all");
    store.close().await;
    let closed = StoreError::Unavailable("closed".into());
    assert_eq!(store.append(message(&all, 1)).await, Err(closed.clone()));
    assert_eq!(store.trim(&all, 1).await, Err(closed.clone()));
    assert_eq!(store.put_mark("d.ann.x", &all, 1).await, Err(closed.clone()));
    assert_eq!(store.read(&all, 0, ALL).await, Err(closed.clone()));
    assert_eq!(store.health(), Err(closed));
}

/// More marks than one transaction takes, some of one owner: all are in the file once it is closed.
#[tokio::test]
async fn closing_writes_every_mark_that_waits() {
    let engine = OnDisk::new();
    let store = engine.redb();
    let logs = ["m.all", "m.g.team"].map(log);
    let owner = |n: u64| format!("d.user{n}.phone");
    for n in 0..2500 {
        for log in &logs {
            store.put_mark(&owner(n), log, n + 1).await.unwrap();
        }
    }
    store.close().await;
    let store = Redb::open(engine.folder.path(), Options::default()).unwrap();
    for n in 0..2500 {
        let marks = store.marks(&owner(n)).await.unwrap();
        assert_eq!(marks, logs.clone().map(|log| (log, n + 1)), "of {}", owner(n));
    }
    store.close().await;
}

/// How long the check takes of a file that was not closed in good order: what a start after a crash costs, and opening
/// it again after an error of the disk. The file is in the kernel's memory. Run it by name, in release.
#[tokio::test]
#[ignore = "long: a measurement, of this machine's memory"]
async fn measure_opening_after_a_crash() {
    for (count, length) in [(250_000_u64, 200), (60_000, 4000)] {
        let engine = OnDisk::new();
        let names: Vec<_> = (0..1000).map(|n| log(&format!("m.p.user{n}.peer{n}"))).collect();
        for chunk in (0..count).collect::<Vec<_>>().chunks(1000) {
            let append = |n: &u64| {
                let body = bytes::Bytes::from(vec![b'x'; length]);
                engine.redb().append(keepline_server::store::Append { body, ..message(&names[*n as usize % 1000], *n) })
            };
            for call in chunk.iter().map(append).collect::<Vec<_>>() {
                assert!(call.await.is_ok());
            }
        }
        let copy = Folder::new();
        std::fs::copy(engine.folder.path().join(FILE), copy.path().join(FILE)).unwrap();
        let start = std::time::Instant::now();
        let store = Redb::open(copy.path(), Options::default()).unwrap();
        let (took, size) = (start.elapsed(), std::fs::metadata(copy.path().join(FILE)).unwrap().len());
        println!(
            "{count} records of {length} bytes: {} MB opened in {took:?}, {:.2} s for each GB",
            size / 1_000_000,
            took.as_secs_f64() * 1e9 / size as f64
        );
        store.close().await;
        engine.redb().close().await;
    }
}

/// How many appends are durable in a second, with 1,024 outstanding. Run it by name, in release.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: a measurement, of this machine's disk"]
async fn measure_appends_per_second() {
    let engine = OnDisk::new();
    for (logs, ids) in [(1, 0), (64, 1_000_000), (5000, 2_000_000)] {
        let names: Vec<_> = (0..logs).map(|n| log(&format!("m.p.user{n}.peer{n}"))).collect();
        let start = std::time::Instant::now();
        let mut tasks = Vec::new();
        for writer in 0..64u64 {
            let (store, names) = (engine.redb().clone(), names.clone());
            tasks.push(tokio::spawn(async move {
                let mut outstanding = std::collections::VecDeque::new();
                let mut worst = std::time::Duration::ZERO;
                for n in 0..1500u64 {
                    let mixed = (n * 64 + writer).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let mut append = message(&names[(mixed >> 32) as usize % names.len()], ids + mixed);
                    append.body = bytes::Bytes::from(vec![b'x'; 200]);
                    outstanding.push_back((std::time::Instant::now(), store.append(append)));
                    if outstanding.len() == 16 {
                        let (at, call) = outstanding.pop_front().unwrap();
                        let _ = call.await.unwrap();
                        worst = worst.max(at.elapsed());
                    }
                }
                for (_, call) in outstanding {
                    let _ = call.await.unwrap();
                }
                worst
            }));
        }
        let mut worst = std::time::Duration::ZERO;
        for task in tasks {
            worst = worst.max(task.await.unwrap());
        }
        let took = start.elapsed();
        println!("{logs} logs: {:.0}/s, worst {worst:?}", 64.0 * 1500.0 / took.as_secs_f64());
    }
    println!("{} bytes", std::fs::metadata(engine.folder.path().join("data.redb")).unwrap().len());
    engine.redb().close().await;
}
