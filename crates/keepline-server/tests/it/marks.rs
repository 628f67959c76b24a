//! Marks: the pace at which they come to the disk. A burst of them costs a few transactions, and the last is kept.
//!
//! In real time, as the writer is a thread. What is bounded from above is a count for the time that really went by.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keepline_server::store::redb::{FILE, Options, Redb};
use keepline_server::store::{LogName, Store as _};
use tokio::time::sleep;

const OWNER: &str = "d.ann.phone";

/// How often marks are written, at the most.
const PACE: Duration = Duration::from_millis(500);

/// One transaction writes the file a few times, and they may be told apart.
const TOUCHES: u128 = 4;

/// A folder of the test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("keepline-marks-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_burst_of_marks_is_a_few_transactions_and_the_last_is_kept() {
    let folder = Folder::new();
    let (data, log) = (folder.0.join("data"), LogName::new("m.all"));
    let store = Redb::open(&data, Options::default()).unwrap();
    let (start, mut last, mut written) = (Instant::now(), 0, BTreeSet::new());
    while start.elapsed() < PACE * 3 {
        last += 1;
        store.put_mark(OWNER, &log, last).await.unwrap();
        written.insert(fs::metadata(data.join(FILE)).unwrap().modified().unwrap());
        sleep(Duration::from_millis(2)).await;
    }
    let (times, most) = (written.len() as u128, (start.elapsed().as_millis() / PACE.as_millis() + 2) * TOUCHES);
    assert!(times <= most, "{last} marks touched the file {times} times, of {most} in {:?}", start.elapsed());
    // Nobody asks for anything else, nor closes the store, and the mark is in the file.
    let by = Instant::now() + Duration::from_secs(20);
    while kept(&data, &folder.0.join("copy"), &log).await != Some(last) {
        assert!(Instant::now() < by, "the last of {last} marks does not come to the disk");
        sleep(Duration::from_millis(50)).await;
    }
    store.close().await;
}

/// The mark in a copy of the file, as a crash would leave it. One that was made amid a write may not be readable.
async fn kept(data: &Path, copy: &Path, log: &LogName) -> Option<u64> {
    fs::create_dir_all(copy).unwrap();
    fs::copy(data.join(FILE), copy.join(FILE)).unwrap();
    let store = Redb::open(copy, Options::default()).ok()?;
    let marks = store.marks(OWNER).await.ok()?;
    store.close().await;
    fs::remove_dir_all(copy).unwrap();
    marks.iter().find(|(of, _)| of == log).map(|(_, seq)| *seq)
}
