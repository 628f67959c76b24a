//! Engines under test: each made anew for a test, and opened again in the midst of it where it keeps anything.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use keepline_server::id::MessageId;
use keepline_server::store::fake::{Fake, Faults};
use keepline_server::store::memory::Memory;
use keepline_server::store::redb::{Options, Redb};
use keepline_server::store::{Append, Expected, LogName, Outcome, Page, Store, StoreError};

/// A store, and how it is opened again.
pub(crate) trait Engine: Send {
    fn store(&self) -> Arc<dyn Store>;

    /// Closes it and opens what it has kept; `false` if it keeps nothing.
    fn reopen(&mut self) -> BoxFuture<'_, bool>;
}

/// The engine that keeps nothing.
pub(crate) struct InMemory(Arc<Memory>);

impl InMemory {
    pub(crate) fn new() -> Self {
        Self(Memory::new())
    }
}

impl Engine for InMemory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as _
    }

    fn reopen(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }
}

/// The engine on a file, in a folder of its own.
pub(crate) struct OnDisk {
    store: Arc<Redb>,
    pub(crate) folder: Folder,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        Self { store: Redb::open(folder.path(), Options::default()).expect("a store in a new folder"), folder }
    }

    pub(crate) fn redb(&self) -> &Arc<Redb> {
        &self.store
    }
}

impl Engine for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as _
    }

    fn reopen(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            self.store.close().await;
            self.store = Redb::open(self.folder.path(), Options::default()).expect("the store that was there");
            true
        })
    }
}

/// The bus that misbehaves as far as it is told to.
pub(crate) struct OnBus(Arc<Fake>);

impl OnBus {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        println!("seed of the bus: {seed}");
        Self(Fake::new(seed, faults))
    }
}

impl Engine for OnBus {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as _
    }

    /// A crash behind a sync, as marks are lost otherwise.
    fn reopen(&mut self) -> BoxFuture<'_, bool> {
        self.0.sync();
        self.0.crash();
        Box::pin(async { true })
    }
}

/// A folder that is gone with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("keepline-store-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder for a test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed stays in the system's folder of temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A page with room for all that a test writes.
pub(crate) const ALL: Page = Page { records: 1 << 20, bytes: 1 << 30 };

pub(crate) fn log(name: &str) -> LogName {
    LogName::new(name)
}

/// The id of a test's message by its number.
pub(crate) fn id(number: u64) -> MessageId {
    MessageId::new(u128::from(number).to_be_bytes())
}

/// A request to append `id` with a body that tells it, whatever the head.
pub(crate) fn message(log: &LogName, number: u64) -> Append {
    Append { log: log.clone(), expected: Expected::Any, id: id(number), body: Bytes::from(format!("message {number}")) }
}

/// Appends messages of these numbers, one after another; the numbers they got.
pub(crate) async fn append_all(store: &dyn Store, log: &LogName, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut seqs = Vec::new();
    for number in numbers {
        match store.append(message(log, number)).await {
            Ok(Outcome::Appended(seq)) => seqs.push(seq),
            other => panic!("message {number} was not appended but {other:?}"),
        }
    }
    seqs
}

/// The numbers of a log's records behind `after`.
pub(crate) async fn seqs(store: &dyn Store, log: &LogName, after: u64) -> Result<Vec<u64>, StoreError> {
    Ok(store.read(log, after, ALL).await?.into_iter().map(|record| record.seq).collect())
}
