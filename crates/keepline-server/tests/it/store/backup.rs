//! Backup: a copy made while messages are appended, and what becomes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keepline_server::store::redb::{FILE, OpenError, Options, Redb, RestoreError, restore};
use keepline_server::store::{Copied, Outcome, Store, StoreError};

use super::engine::{ALL, Folder, OnDisk, append_all, log, message, seqs};

fn open(folder: &Path) -> Arc<Redb> {
    Redb::open(folder, Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_store_is_whole_and_in_a_new_epoch_once_restored() {
    let (engine, folder) = (OnDisk::new(), Folder::new());
    let (store, all) = (engine.redb(), log("m.all"));
    append_all(&**store, &all, 1..=200).await;
    append_all(&**store, &log("a.ann"), 1..=3).await;
    store.trim(&all, 20).await.unwrap();
    store.put_mark("d.ann.x", &all, 50).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let busy = tokio::spawn({
        let (store, all, stop) = (Arc::clone(store), all.clone(), Arc::clone(&stop));
        async move {
            let mut last = 200;
            while !stop.load(Ordering::Relaxed) {
                last = append_all(&*store, &all, last + 1..=last + 1).await[0];
            }
            last
        }
    });
    let to = folder.path().join("backup");
    let copied = store.backup(&to).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let last = busy.await.unwrap();
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600, "its owner's alone");
    assert_eq!(copied.logs, 2);
    assert!((183..=last - 17).contains(&copied.records), "{copied:?} of {last}");

    let data = folder.path().join("data");
    assert_eq!(restore(&to, &data, false).unwrap(), copied);
    let restored = open(&data);
    let (was, is) = (store.head(&all).await.unwrap(), restored.head(&all).await.unwrap());
    assert_ne!(is.epoch, was.epoch, "numbers are given anew: the clients must be told");
    assert_eq!((is.first, is.seq - is.first + 1 + 3), (21, copied.records));
    assert_eq!(
        restored.read(&all, 0, ALL).await.unwrap(),
        store.read(&all, 0, ALL).await.unwrap()[..copied.records as usize - 3]
    );
    assert_eq!(
        restored.append(message(&all, 5)).await,
        Ok(Outcome::Duplicate(5)),
        "ids are in it, of trimmed ones too"
    );
    assert_eq!(restored.append(message(&all, 1 << 40)).await, Ok(Outcome::Appended(is.seq + 1)));
    let mut feed = restored.subscribe();
    append_all(&*restored, &log("a.ann"), 9..=9).await;
    assert_eq!(feed.recv().await.unwrap().epoch, is.epoch);
    restored.close().await;
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing is left behind");
}

/// Marks are written twice a second; a backup has them as they were when it was asked for, raised or new.
#[tokio::test]
async fn a_backup_has_the_marks_that_wait_to_be_written() {
    let (engine, folder) = (OnDisk::new(), Folder::new());
    let (store, all, other) = (engine.redb(), log("m.all"), log("m.g.x"));
    append_all(&**store, &all, 1..=9).await;
    store.put_mark("d.ann.x", &all, 3).await.unwrap();
    // In the file by the end of this.
    store.close().await;
    let store = open(engine.folder.path());
    for round in 0..5_u64 {
        let marks = [("d.ann.x", &all, 4 + round), ("d.ann.x", &other, 1 + round), ("d.bob.y", &all, 2 + round)];
        for (owner, log, seq) in marks {
            store.put_mark(owner, log, seq).await.unwrap();
        }
        // At once: some of these rounds fall between two writes, whenever those are.
        let (to, data) = (folder.path().join(format!("{round}")), folder.path().join(format!("data{round}")));
        store.backup(&to).await.unwrap();
        restore(&to, &data, false).unwrap();
        let restored = open(&data);
        let ann = restored.marks("d.ann.x").await.unwrap();
        assert_eq!(ann, [(all.clone(), 4 + round), (other.clone(), 1 + round)], "round {round}");
        assert_eq!(restored.marks("d.bob.y").await.unwrap(), [(all.clone(), 2 + round)], "round {round}");
        restored.close().await;
    }
}

#[tokio::test]
async fn a_backup_is_never_written_over_and_never_half() {
    let (engine, folder) = (OnDisk::new(), Folder::new());
    let store = engine.redb();
    append_all(&**store, &log("m.all"), 1..=10).await;
    let to = folder.path().join("backup");
    fs::write(&to, "something of somebody's").unwrap();
    assert!(matches!(store.backup(&to).await, Err(StoreError::Unavailable(why)) if why.contains("exists")));
    assert_eq!(fs::read(&to).unwrap(), b"something of somebody's");
    let nowhere = folder.path().join("no/such/folder");
    assert!(store.backup(&nowhere).await.is_err());
    let (first, second) = (store.backup(&folder.path().join("1")), store.backup(&folder.path().join("2")));
    assert!(matches!(second.await, Err(StoreError::Unavailable(why)) if why.contains("is being made")));
    first.await.unwrap();
    assert!(store.health().is_ok(), "a failed backup says nothing of the store");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the other's file and the backup, and no part of one");
}

#[tokio::test]
async fn a_restore_refuses_what_it_would_lose_and_what_is_in_use() {
    let (engine, folder) = (OnDisk::new(), Folder::new());
    append_all(&**engine.redb(), &log("m.all"), 1..=10).await;
    let to = folder.path().join("backup");
    engine.redb().backup(&to).await.unwrap();
    append_all(&**engine.redb(), &log("m.all"), 11..=12).await;
    let data = engine.folder.path();
    assert!(matches!(restore(&to, data, false), Err(RestoreError::Occupied { .. })));
    assert!(matches!(restore(&to, data, true), Err(RestoreError::Open(OpenError::InUse { .. }))));
    let live = restore(&data.join(FILE), &folder.path().join("of-live"), false);
    assert!(matches!(live, Err(RestoreError::Open(OpenError::InUse { .. }))), "{live:?}");
    engine.redb().close().await;
    assert!(matches!(restore(&to, data, false), Err(RestoreError::Occupied { .. })));
    assert_eq!(restore(&to, data, true).unwrap(), Copied { logs: 1, records: 10, bytes: 91 });
    let store = open(data);
    assert_eq!(seqs(&*store, &log("m.all"), 0).await.unwrap().len(), 10);
    store.close().await;
    // A stopped store's own file does as well.
    let other = folder.path().join("other");
    restore(&data.join(FILE), &other, false).unwrap();
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
}

#[tokio::test]
async fn a_bad_backup_is_refused_and_nothing_changes() {
    let (engine, folder) = (OnDisk::new(), Folder::new());
    append_all(&**engine.redb(), &log("m.all"), 1..=100).await;
    let to = folder.path().join("backup");
    engine.redb().backup(&to).await.unwrap();
    engine.redb().close().await;
    let before = fs::read(engine.folder.path().join(FILE)).unwrap();
    let mut bytes = fs::read(&to).unwrap();
    let at = bytes.windows(10).position(|window| window == b"message 50").unwrap();
    bytes[at] ^= 1;
    let bad = folder.path().join("bad");
    for (what, content) in [("damaged", bytes.as_slice()), ("cut", &bytes[..at]), ("empty", b""), ("text", b"hello")] {
        fs::write(&bad, content).unwrap();
        let refused = restore(&bad, engine.folder.path(), true);
        let said = refused.map(|_| ()).expect_err(what).to_string();
        assert!(said.contains(bad.to_str().unwrap()), "{what}: names the culprit: {said}");
        assert_eq!(fs::read(engine.folder.path().join(FILE)).unwrap(), before, "{what}");
    }
    assert!(restore(&folder.path().join("none"), engine.folder.path(), true).is_err());
    assert_eq!(fs::read_dir(engine.folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[tokio::test]
async fn a_backup_put_in_place_by_hand_is_not_opened() {
    let (engine, folder) = (OnDisk::new(), Folder::new());
    append_all(&**engine.redb(), &log("m.all"), 1..=10).await;
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    engine.redb().backup(&data.join(FILE)).await.unwrap();
    let said = Redb::open(&data, Options::default()).map(|_| ()).unwrap_err();
    assert!(matches!(said, OpenError::Backup { .. }), "{said}");
}
