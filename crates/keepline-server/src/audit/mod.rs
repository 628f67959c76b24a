//! Audit: who did what, from where, and with what outcome, one line each in a file that is only ever added to.
//!
//! ```text
//! note ──▶ queue (bounded) ──▶ thread ──▶ file
//!              │ full             │ disk full
//!              └──────▶ lost ◀────┘   counted, and told in the file once it takes lines again
//! ```
//! Who notes something never waits, neither for the disk nor for the queue: an audit log that holds up logins is a way
//! to hold up logins. What is missing is a number, in the file and in the metrics.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

mod entry;
mod file;
mod refusals;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::{Action, Actor, Entry, Outcome};

use crate::clock::{Clock, System};
use crate::metrics::Metrics;
use file::LogFile;
use refusals::Refusals;
use writer::{Sink, Task, Writer};

/// Lines that wait for the disk; beyond that they are lost. Of at most 1 KiB each, so that it is a megabyte.
pub const QUEUE: usize = 1024;

/// How long is waited for lines to be written, where somebody waits at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where things are noted. Cheap to clone; the last one gone, what waits is written and the file closed.
#[derive(Clone)]
pub struct Audit(Option<Arc<Inner>>);

struct Inner {
    queue: SyncSender<Task>,
    refusals: Refusals,
    missing: Arc<Missing>,
}

/// How many lines are missing.
struct Missing {
    /// Since the file last told of them.
    untold: AtomicU64,
    metrics: Arc<Metrics>,
}

/// An audit log that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit log {}: {source}", .path.display())]
#[non_exhaustive]
pub struct AuditError {
    /// The file.
    pub path: PathBuf,
    /// The system's words.
    pub source: io::Error,
}

impl Audit {
    /// Notes nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Adds to a file, which is made for its owner alone if it is not there. The parent folder has to be there. What is
    /// missing is counted in the metrics.
    ///
    /// # Errors
    /// The file can't be opened, or no thread started.
    pub fn to_file(path: PathBuf, metrics: Arc<Metrics>) -> Result<Self, AuditError> {
        let opened = LogFile::open(path.clone()).and_then(|file| Self::over(file, metrics));
        opened.map_err(|source| AuditError { path, source })
    }

    fn over(sink: impl Sink, metrics: Arc<Metrics>) -> io::Result<Self> {
        let (queue, tasks) = sync_channel(QUEUE);
        let missing = Arc::new(Missing { untold: AtomicU64::new(0), metrics });
        let writer = Writer::new(sink, Arc::clone(&missing));
        thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(&tasks))?;
        Ok(Self(Some(Arc::new(Inner { queue, refusals: Refusals::new(), missing }))))
    }

    /// Notes something. Does not wait: what finds no room is counted instead, and so is more than a few refusals a
    /// second, as strangers make these.
    pub fn note(&self, entry: &Entry<'_>) {
        let Some(inner) = &self.0 else { return };
        if entry.is_refusal() && !inner.refusals.may_pass() {
            return inner.missing.add(1);
        }
        match inner.queue.try_send(Task::Line(entry.line(System.now_ms()))) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => inner.missing.add(1),
        }
    }

    /// Goes on in a file of the same name, made anew if the old one was moved, as by logrotate. What was noted before is
    /// in the old one.
    ///
    /// # Errors
    /// The new file can't be opened, and lines go on into the old one; or the disk does not answer within 5 s.
    pub async fn reopen(&self) -> io::Result<()> {
        self.ask(Task::Reopen).await.unwrap_or(Ok(()))
    }

    /// Waits until what was noted before is written, 5 s at most. It is not synced: a power cut may take the last lines.
    pub async fn flush(&self) {
        if let Some(Err(error)) = self.ask(Task::Flush).await {
            tracing::warn!(%error, "the audit log was not written to its end");
        }
    }

    /// Has the thread do something behind all that was noted; `None` where there is no audit log.
    async fn ask(&self, task: impl FnOnce(oneshot::Sender<io::Result<()>>) -> Task) -> Option<io::Result<()>> {
        let inner = Arc::clone(self.0.as_ref()?);
        let (tell, told) = oneshot::channel();
        let task = task(tell);
        // Waits for its place in the queue, on a thread for that.
        drop(tokio::task::spawn_blocking(move || drop(inner.queue.send(task))));
        let told = tokio::time::timeout(PATIENCE, told).await;
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the disk of the audit log does not answer");
        Some(told.ok().and_then(Result::ok).unwrap_or_else(|| Err(late())))
    }
}

impl Missing {
    fn add(&self, lines: u64) {
        self.untold.fetch_add(lines, Ordering::Relaxed);
        self.metrics.audit_lost(lines);
    }

    /// How many are to be told; they are told from now on.
    fn take(&self) -> u64 {
        self.untold.swap(0, Ordering::Relaxed)
    }

    /// They were not told after all.
    fn put_back(&self, lines: u64) {
        self.untold.fetch_add(lines, Ordering::Relaxed);
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Audit(on)" } else { "Audit(off)" })
    }
}
