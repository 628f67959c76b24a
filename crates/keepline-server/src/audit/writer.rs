//! Writer: the thread between the queue and the file.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::entry::{Action, Actor, Entry, Outcome};
use super::{Missing, QUEUE};
use crate::clock::{Clock as _, System};

/// Where lines go.
pub(super) trait Sink: Send + 'static {
    /// Writes whole lines.
    fn write(&mut self, lines: &str) -> io::Result<()>;

    /// Goes on in a new file of the same name.
    fn reopen(&mut self) -> io::Result<()>;
}

/// What the thread is told.
pub(super) enum Task {
    /// A line, with its end.
    Line(String),
    Reopen(oneshot::Sender<io::Result<()>>),
    /// Says when everything before it was written, or tried.
    Flush(oneshot::Sender<io::Result<()>>),
}

pub(super) struct Writer<S> {
    sink: S,
    missing: Arc<Missing>,
    /// Lines that are to be written together.
    batch: String,
    lines: u64,
}

impl<S: Sink> Writer<S> {
    pub(super) fn new(sink: S, missing: Arc<Missing>) -> Self {
        Self { sink, missing, batch: String::new(), lines: 0 }
    }

    /// Until nobody is left who could note anything, and all is written.
    pub(super) fn run(mut self, tasks: &Receiver<Task>) {
        while let Ok(first) = tasks.recv() {
            self.take(first);
            // What has come meanwhile goes with it in one write, as far as a full queue.
            for task in tasks.try_iter().take(QUEUE) {
                self.take(task);
            }
            self.write();
        }
    }

    fn take(&mut self, task: Task) {
        match task {
            Task::Line(line) => {
                self.batch.push_str(&line);
                self.lines += 1;
            }
            // Nobody hears it where he waited too long.
            Task::Reopen(done) => {
                self.write();
                let _ = done.send(self.sink.reopen());
            }
            Task::Flush(done) => {
                self.write();
                let _ = done.send(Ok(()));
            }
        }
    }

    fn write(&mut self) {
        let untold = self.missing.take();
        if untold > 0 {
            let count = untold.to_string();
            let told = Entry::new(Actor::Server, Action::Lost, Outcome::Done).about(&count);
            self.batch.insert_str(0, &told.line(System.now_ms()));
        }
        if !self.batch.is_empty()
            && let Err(error) = self.sink.write(&self.batch)
        {
            tracing::error!(%error, lines = self.lines, "lines of the audit log are lost");
            self.missing.put_back(untold);
            self.missing.add(self.lines);
        }
        self.batch.clear();
        self.lines = 0;
    }
}
