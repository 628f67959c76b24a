//! Lines: what a stream of a child brings, line by line, each with its moment.

use std::cell::{Cell, RefCell};
use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Instant;

/// Lines that wait for the test; after that the child waits, as with any pipe.
const WAITING: usize = 1 << 16;

/// A line, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

/// What came next.
pub(super) enum Next {
    Line(Line),
    End,
    TimeOver,
}

/// One stream: the lines that came, those already handed out, and those to come.
pub(super) struct Lines {
    coming: Receiver<Line>,
    came: RefCell<Vec<Line>>,
    handed_out: Cell<usize>,
}

impl Lines {
    pub(super) fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, coming) = sync_channel(WAITING);
        thread::spawn(move || {
            for text in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(Line { at: Instant::now(), text }).is_err() {
                    return;
                }
            }
        });
        Self { coming, came: RefCell::default(), handed_out: Cell::new(0) }
    }

    /// The first line not yet handed out, which may still have to come.
    pub(super) fn next(&self, by: Instant) -> Next {
        let mut came = self.came.borrow_mut();
        if came.len() == self.handed_out.get() {
            match self.coming.recv_timeout(by.saturating_duration_since(Instant::now())) {
                Ok(line) => came.push(line),
                Err(RecvTimeoutError::Disconnected) => return Next::End,
                Err(RecvTimeoutError::Timeout) => return Next::TimeOver,
            }
        }
        let line = came[self.handed_out.get()].clone();
        self.handed_out.set(self.handed_out.get() + 1);
        Next::Line(line)
    }

    /// All that came so far, handed out or not; a later `next` misses none of it.
    pub(super) fn so_far(&self) -> Vec<String> {
        let mut came = self.came.borrow_mut();
        came.extend(self.coming.try_iter());
        came.iter().map(|line| line.text.clone()).collect()
    }

    /// All lines, to the end of the stream.
    pub(super) fn whole(self) -> Vec<String> {
        self.came.into_inner().into_iter().chain(self.coming).map(|line| line.text).collect()
    }
}
