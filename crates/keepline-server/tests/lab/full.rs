//! E4: the disk is full, and has room again.

use std::collections::BTreeMap;

use keepline_server::store::{Append, Outcome, Page, Store as _, StoreError};

use super::appender::{id_of, log_of, message};
use super::disk::can_run;
use super::scene::{Scene, on_one_thread};

const TOOLS: [&str; 4] = ["mkfs.ext4", "mount", "umount", "fallocate"];
const ALL: Page = Page { records: usize::MAX, bytes: usize::MAX };

/// Above its reserve: it stops by itself, and everything but appending goes on.
#[test]
fn e4_a_full_disk_refuses_appends_and_serves_the_rest() {
    if !can_run(&TOOLS) {
        return;
    }
    on_one_thread(async {
        let scene = Scene::new(64, 4 << 10);
        scene.append(1..=300).await;
        scene.disk.fill(1 << 10);
        let log = log_of(3);
        let mut number = 301;
        while scene.store.append(message(number)).await != Err(StoreError::Full) {
            number += 1;
            assert!(number < 400, "a full disk takes appends");
        }
        assert_eq!(scene.store.health(), Err(StoreError::Full));
        assert_eq!(scene.store.append(message(3)).await, Ok(Outcome::Duplicate(1)), "a repetition is known");
        assert_eq!(scene.store.read(&log, 0, ALL).await.unwrap().len(), usize::try_from((number - 1) / 3).unwrap());
        scene.store.trim(&log, 50).await.expect("trimming has its reserve");
        scene.store.put_mark("d.ann.x", &log, 70).await.unwrap();
        assert_eq!(scene.store.marks("d.ann.x").await, Ok(vec![(log.clone(), 70)]));
        assert_eq!(scene.store.read(&log, 0, ALL).await.unwrap()[0].seq, 51);
        scene.disk.empty();
        println!("appends again after {:?}", scene.recovered().await);
        scene.append(number..=number + 100).await;
        scene.store.close().await;
    });
}

/// Without a reserve: a commit runs into the end of the disk. What was refused is not stored, what was acknowledged is.
#[test]
fn e4_a_commit_on_a_full_disk_is_not_acknowledged_and_recovers() {
    if !can_run(&TOOLS) {
        return;
    }
    on_one_thread(async {
        let scene = Scene::new(64, 0);
        scene.append(1..=100).await;
        scene.disk.fill(64);
        let mut acked = BTreeMap::new();
        let (mut refused, mut unknown) = (Vec::new(), Vec::new());
        for number in 101..=400 {
            let big = Append { body: vec![7; 20_000].into(), ..message(number) };
            match scene.store.append(big).await {
                Ok(Outcome::Appended(seq)) => drop(acked.insert(number, seq)),
                Err(StoreError::Full | StoreError::Unavailable(_)) => refused.push(number),
                Ok(Outcome::Unknown) => unknown.push(number),
                other => panic!("{number}: {other:?}"),
            }
        }
        println!("full: {} acknowledged, {} refused, {} unknown", acked.len(), refused.len(), unknown.len());
        assert!(refused.len() > 100, "the disk was not full");
        assert!(scene.store.health().is_err());
        scene.disk.empty();
        println!("appends again after {:?}", scene.recovered().await);
        for which in 0..3 {
            let records = scene.store.read(&log_of(which), 0, ALL).await.unwrap();
            let is_there = |number: &u64| records.iter().any(|record| record.id == id_of(*number));
            let of_log = |number: &u64| number % 3 == which;
            assert_eq!(
                acked.keys().filter(|number| of_log(number) && !is_there(number)).count(),
                0,
                "acknowledged, lost"
            );
            assert_eq!(
                refused.iter().filter(|number| of_log(number) && is_there(number)).count(),
                0,
                "refused, stored"
            );
        }
        for number in refused.into_iter().chain(unknown) {
            let outcome = scene.store.append(message(number)).await;
            assert!(matches!(outcome, Ok(Outcome::Appended(_) | Outcome::Duplicate(_))), "{number}: {outcome:?}");
        }
        scene.store.close().await;
    });
}

/// A store that starts on a full disk serves what it has.
#[test]
fn e4_a_store_opened_on_a_full_disk_reads_and_recovers() {
    if !can_run(&TOOLS) {
        return;
    }
    on_one_thread(async {
        let scene = Scene::new(64, 4 << 10);
        scene.append(1..=300).await;
        scene.store.close().await;
        scene.disk.fill(128);
        let mut options = keepline_server::store::redb::Options::default();
        options.reserve = 4 << 20;
        let store = keepline_server::store::redb::Redb::open(&scene.disk.path().join("data"), options).unwrap();
        let scene = Scene { store, disk: scene.disk };
        assert_eq!(scene.store.append(message(301)).await, Err(StoreError::Full));
        assert_eq!(scene.store.read(&log_of(0), 0, ALL).await.unwrap().len(), 100);
        scene.full().await;
        scene.disk.empty();
        scene.recovered().await;
        scene.append(301..=310).await;
        scene.store.close().await;
    });
}
