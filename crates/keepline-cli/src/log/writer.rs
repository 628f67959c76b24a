//! Writer: the thread that writes the log's lines, so that no connection waits for who reads them.
//!
//! ```text
//! line ──▶ queue (bounded) ──▶ thread ──▶ stderr
//!              │ full             │ disk full, reader gone
//!              └──────▶ lost ◀────┘   a count, told once lines get through again
//! ```
//! A terminal that was stopped by Ctrl-S, or a collector that hangs, would else stop every thread that has something to
//! tell; a full disk behind stderr would end it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::line::clean;

/// Lines that wait for the thread, of some 4 KiB at most each; beyond that they are lost.
const QUEUE: usize = 1024;

/// How often is looked whether the queue takes the wish to finish.
const LOOK: Duration = Duration::from_millis(5);

enum Task {
    Line(String),
    /// To be answered once all before it is written.
    Finish(SyncSender<()>),
}

/// Where lines are handed to the thread, which ends with the last of these.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: SyncSender<Task>,
    lost: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, tasks) = sync_channel(QUEUE);
        let writer = Self { queue, lost: Arc::default() };
        let lost = Arc::clone(&writer.lost);
        thread::Builder::new().name("log".to_owned()).spawn(move || write(to, &tasks, &lost))?;
        Ok(writer)
    }

    /// Lines that were lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until all that was handed over is written, but no longer than this.
    pub(super) fn finish(&self, within: Duration) {
        let by = Instant::now() + within;
        let (done, written) = sync_channel(1);
        let mut task = Task::Finish(done);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(task) {
            if Instant::now() >= by {
                return;
            }
            task = back;
            thread::sleep(LOOK);
        }
        // Over, or the thread is gone: there is nothing more to wait for.
        let _ = written.recv_timeout(by.saturating_duration_since(Instant::now()));
    }
}

fn write(mut to: impl Write, tasks: &Receiver<Task>, lost: &AtomicU64) {
    for task in tasks {
        match task {
            Task::Line(line) => {
                if to.write_all(line.as_bytes()).is_err() {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            Task::Finish(done) => drop(done.try_send(())),
        }
    }
}

/// Takes one line at a time, as the formatter writes them. None fails: who has something to tell can't mend it.
impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Task::Line(clean(line))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Writer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Writes as it is told to, a word for each line.
    struct Told(Receiver<io::Result<()>>, SyncSender<String>);

    impl Write for Told {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.recv().unwrap_or(Ok(()))?;
            let _ = self.1.send(String::from_utf8_lossy(line).into_owned());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_can_not_be_written_is_counted_and_holds_nobody_up() {
        let ((tell, told), (written, lines)) = (sync_channel(2), sync_channel(2 * QUEUE));
        let mut writer = Writer::start(Told(told, written)).unwrap();
        writeln!(writer, "one").unwrap();
        // Nobody writes: the thread holds one line, the queue so many, and the rest is lost.
        for _ in 0..QUEUE + 50 {
            writer.write_all(b"more\n").unwrap();
        }
        let lost = writer.lost();
        assert!((50..=51).contains(&lost), "{lost}");
        writer.finish(Duration::ZERO);
        tell.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        tell.send(Ok(())).unwrap();
        assert_eq!(lines.recv_timeout(PATIENCE).as_deref(), Ok("more\n"), "the first was lost, and not what follows");
        assert_eq!(writer.lost(), lost + 1);
        drop(tell);
        writer.finish(PATIENCE);
        assert_eq!(lines.try_iter().count() as u64, QUEUE as u64 + 50 - lost - 1, "all else is written");
    }
}
