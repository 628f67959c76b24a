//! Scene: a runtime and a store on a disk of the test's own, for faults that a process survives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keepline_server::store::redb::{Options, Redb};
use keepline_server::store::{Outcome, Store as _, StoreError};

use super::appender::message;
use super::disk::Disk;

/// A store on a disk.
pub(crate) struct Scene {
    pub(crate) store: Arc<Redb>,
    pub(crate) disk: Disk,
}

impl Scene {
    /// A disk of so many MiB, and a store that leaves so many KiB of it free.
    pub(crate) fn new(mib: u64, reserve_kib: u64) -> Self {
        let disk = Disk::new(mib);
        let mut options = Options::default();
        options.reserve = reserve_kib << 10;
        Self { store: Redb::open(&disk.path().join("data"), options).unwrap(), disk }
    }

    /// Appends these messages, each of which must be stored.
    pub(crate) async fn append(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            let outcome = self.store.append(message(number)).await;
            assert!(matches!(outcome, Ok(Outcome::Appended(_))), "{number}: {outcome:?}");
        }
    }

    /// Waits until appends are taken again; how long that took.
    pub(crate) async fn recovered(&self) -> Duration {
        let start = Instant::now();
        while let Err(error) = self.store.health() {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not recover: {error}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        start.elapsed()
    }

    /// Waits until it says that it is full.
    pub(crate) async fn full(&self) {
        let start = Instant::now();
        while self.store.health() != Err(StoreError::Full) {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not see that the disk is full");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Runs a test with one thread for its tasks: one that blocked it would hold up all others.
pub(crate) fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(test);
}
