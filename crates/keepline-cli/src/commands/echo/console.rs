//! Console: stdout and stderr behind a bounded queue and a thread, so that a reader who is slow never holds up a line.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::line::{Line, Stream};

/// Lines that wait for their reader; more are counted and dropped.
const WAITING: usize = 4096;
/// How long a reader who takes nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The two streams of the process, in the order of the calls.
#[derive(Debug)]
pub(super) struct Console {
    queue: mpsc::Sender<Job>,
    dropped: AtomicU64,
    /// Set once the reader has taken nothing for [`PATIENCE`]: it is not waited for again.
    stuck: AtomicBool,
    /// Set when stdout has no reader any more.
    closed: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Job {
    Write(Line),
    /// Say when everything before is written.
    Flush(oneshot::Sender<()>),
}

impl Console {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start() -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(WAITING);
        let closed = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&closed);
        thread::Builder::new().name("console".into()).spawn(move || write(jobs, &told))?;
        Ok(Self { queue, dropped: AtomicU64::new(0), stuck: AtomicBool::new(false), closed })
    }

    /// Writes a line soon, or drops it if too many wait. Never waits.
    pub(super) fn offer(&self, line: Line) {
        if self.queue.try_send(Job::Write(line)).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Writes a line, and waits until it has its place in the queue; a reader that is stuck is given up.
    pub(super) async fn write(&self, line: Line) {
        if self.stuck.load(Relaxed) {
            return self.offer(line);
        }
        if timeout(PATIENCE, self.queue.send(Job::Write(line))).await.is_err() {
            self.stuck.store(true, Relaxed);
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Whether nobody reads stdout any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Waits until all is written, or the reader has taken nothing for a while; says what was dropped.
    pub(super) async fn flush(&self) {
        let dropped = self.dropped.swap(0, Relaxed);
        if dropped > 0 {
            let text = format!("keepline echo: {dropped} lines were dropped, as the output was not read in time");
            self.offer(Line::err(text));
        }
        let (done, written) = oneshot::channel();
        let _ = timeout(PATIENCE, async {
            // Either error means that the thread is gone, and nothing is left to wait for.
            if self.queue.send(Job::Flush(done)).await.is_ok() {
                let _ = written.await;
            }
        })
        .await;
    }
}

/// Writes until the console is dropped.
fn write(mut jobs: mpsc::Receiver<Job>, closed: &AtomicBool) {
    while let Some(job) = jobs.blocking_recv() {
        match job {
            Job::Write(Line { stream, mut text }) => {
                text.push('\n');
                // A line goes out in one write: a reader who went away (EPIPE) is no reason to panic.
                let result = match stream {
                    Stream::Out => io::stdout().write_all(text.as_bytes()),
                    Stream::Err => io::stderr().write_all(text.as_bytes()),
                };
                if result.is_err() && stream == Stream::Out {
                    closed.store(true, Relaxed);
                }
            }
            Job::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}
