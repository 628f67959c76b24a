//! redb: the engine that keeps everything in one file of this machine, synced before it acknowledges.
//!
//! One thread writes (`writer`): what has queued up while the disk was busy is one transaction with one sync (group
//! commit). A few threads read (`readers`). No file is touched on the runtime's threads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{io, path::Path, thread};

use redb::ReadTransaction;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

pub use self::backup::{RestoreError, restore};
pub use self::folder::FILE;
use self::folder::Folder;
pub use self::opening::OpenError;
use self::readers::Readers;
use self::reading::ReadError;
use self::shared::{Condition, Shared};
use self::writer::{Cut, Request, Writer};
use super::{
    Answer, Append, Closing, CommitWatch, Copied, Durability, Feed, Head, LogName, Outcome, Page, Record, Store,
    StoreError,
};

mod backup;
mod batch;
mod copying;
mod folder;
mod marks;
mod opening;
mod readers;
mod reading;
mod recovery;
mod schema;
mod shared;
mod writer;

/// Requests that wait for the writer; further ones are refused.
const QUEUE: usize = 4096;

/// Bytes of bodies that wait for the writer.
const QUEUE_BYTES: usize = 64 << 20;

/// What is not answered by then waits for a disk that hangs: an append is [`Outcome::Unknown`], the rest fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the file is kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Memory for pages of the file, in bytes.
    pub cache: usize,
    /// Appends are refused as [`StoreError::Full`] while the file system has fewer bytes free, so that trimming and
    /// marks still find room.
    pub reserve: u64,
    /// Check every page when the file is opened, not only after a crash. It takes as long as reading the whole file, and
    /// finds damage before it is built upon.
    pub verify: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache: 64 << 20, reserve: 32 << 20, verify: true }
    }
}

impl Options {
    /// With a cache that takes no more than an eighth of this much memory, in bytes; `None` for any.
    #[must_use]
    pub fn within(self, memory: Option<u64>) -> Self {
        let eighth = memory.and_then(|memory| usize::try_from(memory / 8).ok()).unwrap_or(usize::MAX);
        Self { cache: self.cache.min(eighth), ..self }
    }
}

/// Keeps everything in one file.
///
/// Dropped, it still writes what was queued, on its own thread; [`Store::close`] waits for that.
#[derive(Debug)]
pub struct Redb {
    shared: Arc<Shared>,
    requests: SyncSender<Request>,
    readers: Readers,
}

impl Redb {
    /// Opens the store in a data directory, and makes both if they are not there. Blocks on the disk.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(data: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        let failed = |source: io::Error| OpenError::Folder { path: data.to_owned(), source };
        let folder = Folder::create(data).map_err(failed)?;
        let (database, epoch) = opening::first(&folder, &options)?;
        let shared = Arc::new(Shared::new(folder, options, database, epoch));
        let (requests, queue) = sync_channel(QUEUE);
        let writer = Writer::new(Arc::clone(&shared), queue);
        thread::Builder::new().name("store-write".to_owned()).spawn(move || writer.run()).map_err(failed)?;
        let readers = Readers::start().map_err(failed)?;
        Ok(Arc::new(Self { shared, requests, readers }))
    }

    fn request(&self, request: Request) -> Result<(), StoreError> {
        if self.shared.closing.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("closed".into()));
        }
        self.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable("too many requests wait for the disk".into()),
            TrySendError::Disconnected(_) => StoreError::Unavailable("closed".into()),
        })
    }

    fn snapshot<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, ReadError> + Send + 'static,
    ) -> Answer<T> {
        let shared = Arc::clone(&self.shared);
        self.readers.run(move || shared.read(read))
    }

    /// Queues an append, unless too much waits.
    fn queue(&self, append: Append) -> Result<oneshot::Receiver<Result<Outcome, StoreError>>, StoreError> {
        let length = append.body.len();
        let (answer, answered) = oneshot::channel();
        let waiting = self.shared.queued.fetch_add(length, Ordering::Relaxed);
        let queued = if waiting.saturating_add(length) > QUEUE_BYTES {
            Err(StoreError::Unavailable("too many bytes wait for the disk".into()))
        } else {
            self.request(Request::Append(append, answer))
        };
        if queued.is_err() {
            self.shared.queued.fetch_sub(length, Ordering::Relaxed);
        }
        queued.map(|()| answered)
    }

    fn cut(&self, log: &LogName, cut: Cut) -> Answer<()> {
        let (answer, answered) = oneshot::channel();
        let queued = self.request(Request::Trim(log.clone(), cut, answer));
        let deadline = Instant::now() + PATIENCE;
        Box::pin(async move {
            queued?;
            match timeout_at(deadline, answered).await {
                Ok(answer) => answer.unwrap_or_else(|_| Err(StoreError::Unavailable("closed".into()))),
                Err(_) => Err(hangs()),
            }
        })
    }
}

impl Store for Redb {
    fn watch_commits(&self, watch: Arc<dyn CommitWatch>) {
        // The first stays.
        let _ = self.shared.commits.set(watch);
    }

    fn durability(&self) -> Durability {
        Durability::Disk
    }

    fn append(&self, append: Append) -> Answer<Outcome> {
        // From the call on, however late it is polled.
        let deadline = Instant::now() + PATIENCE;
        let queued = self.queue(append);
        Box::pin(async move {
            let answered = queued?;
            match timeout_at(deadline, answered).await {
                Ok(Ok(answer)) => answer,
                // The disk hangs, or the writer is gone.
                Ok(Err(_)) | Err(_) => Ok(Outcome::Unknown),
            }
        })
    }

    fn head(&self, log: &LogName) -> Answer<Head> {
        let (log, epoch) = (log.clone(), self.shared.epoch);
        self.snapshot(move |tx| {
            let none = Head { epoch, seq: 0, first: 1, bytes: 0 };
            Ok(reading::state(tx, &log)?.map_or(none, |state| state.head(epoch)))
        })
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> Answer<Vec<Record>> {
        let log = log.clone();
        self.snapshot(move |tx| reading::forward(tx, &log, after, page))
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
        let log = log.clone();
        self.snapshot(move |tx| reading::backward(tx, &log, before, page))
    }

    fn logs(&self, prefix: &str, after: Option<&LogName>, limit: usize) -> Answer<Vec<(LogName, Head)>> {
        let (prefix, after, epoch) = (prefix.to_owned(), after.cloned(), self.shared.epoch);
        self.snapshot(move |tx| reading::logs(tx, epoch, &prefix, after.as_ref(), limit))
    }

    fn trim(&self, log: &LogName, through: u64) -> Answer<()> {
        self.cut(log, Cut::Through(through))
    }

    fn forget(&self, log: &LogName) -> Answer<()> {
        self.cut(log, Cut::Whole)
    }

    fn put_mark(&self, owner: &str, log: &LogName, seq: u64) -> Answer<()> {
        let first = self.shared.marks.is_empty();
        let put = if self.shared.closing.load(Ordering::Acquire) {
            Err(StoreError::Unavailable("closed".into()))
        } else {
            self.shared.marks.put(owner, log, seq)
        };
        if first {
            // A full queue means that the writer is awake.
            let _ = self.request(Request::Wake);
        }
        Box::pin(std::future::ready(put))
    }

    fn marks(&self, owner: &str) -> Answer<Vec<(LogName, u64)>> {
        let owner = owner.to_owned();
        let shared = Arc::clone(&self.shared);
        self.readers.run(move || {
            // Those that wait are looked at first: afterwards they may be in the file already, but never in neither.
            let waiting = shared.marks.of(&owner);
            let mut marks = shared.read(|tx| reading::marks(tx, &owner))?;
            for (log, seq) in waiting {
                let mark = marks.entry(log).or_default();
                *mark = seq.max(*mark);
            }
            Ok(marks.into_iter().collect())
        })
    }

    fn subscribe(&self) -> Feed {
        self.shared.feed.subscribe()
    }

    fn health(&self) -> Result<(), StoreError> {
        match self.shared.condition() {
            Condition::Good => Ok(()),
            Condition::Bad(cause) => Err(cause),
        }
    }

    fn backup(&self, to: &Path) -> Answer<Copied> {
        let (shared, to) = (Arc::clone(&self.shared), to.to_owned());
        if shared.backing_up.swap(true, Ordering::AcqRel) {
            return Box::pin(std::future::ready(Err(StoreError::Unavailable("a backup is being made".into()))));
        }
        let (answer, answered) = oneshot::channel();
        let making = Arc::clone(&shared);
        // A thread of its own, as it takes long: the readers go on.
        let started = thread::Builder::new().name("store-backup".to_owned()).spawn(move || {
            let copied = backup::backup(&making, &to);
            making.backing_up.store(false, Ordering::Release);
            drop(answer.send(copied));
        });
        if started.is_err() {
            shared.backing_up.store(false, Ordering::Release);
        }
        Box::pin(async move {
            answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("there is no thread for a backup".into())))
        })
    }

    fn close(&self) -> Closing {
        self.shared.closing.store(true, Ordering::Release);
        // A full queue means that the writer is awake.
        let _ = self.requests.try_send(Request::Wake);
        let mut closed = self.shared.closed.subscribe();
        Box::pin(async move {
            // It is never dropped unsent: the writer's last act is to send it.
            let _ = closed.wait_for(|closed| *closed).await;
        })
    }
}

/// What an error of the engine means to those who asked.
fn fault(error: &redb::Error) -> StoreError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error {
        redb::Error::Io(error) if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) => {
            StoreError::Full
        }
        redb::Error::Corrupted(why) => StoreError::Damaged(why.as_str().into()),
        other => StoreError::Unavailable(other.to_string().into()),
    }
}

fn hangs() -> StoreError {
    StoreError::Unavailable("the disk hangs".into())
}

/// Seconds since 1970, by the system's clock.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
