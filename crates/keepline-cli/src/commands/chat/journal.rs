//! Journal: what was said, kept on this machine: one file a day for each server and user, one line a message.
//!
//! `$XDG_STATE_HOME/keepline/chat/SERVER/USER/2026-01-31.log`, or below `~/.local/state`: mode 0600, in folders of 0700.
//! Lines are written by a thread of their own behind a bounded queue, so that a slow disk does not hold up the chat. What
//! finds no room is counted and not kept, and the next line says how many.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::clock::{self, Moment};
use crate::output::escaped;

mod search;

/// Lines that wait for the disk.
const WAITING: usize = 1024;

/// How long the end, or a search, waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// The journal of one user at one server.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    orders: SyncSender<Order>,
    fate: Arc<Fate>,
}

/// What the writer is told.
enum Order {
    Line {
        day: String,
        line: String,
    },
    /// Everything before is to be on its way to the disk; answered when it is.
    Flush(SyncSender<()>),
}

/// What has become of lines that are not kept.
#[derive(Debug, Default)]
struct Fate {
    lost: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Journal {
    /// The journal of a user at a server, below a folder for all of them.
    ///
    /// # Errors
    /// The folder can't be made, or there is no thread.
    pub(super) fn open(base: &Path, server: &str, user: &str) -> io::Result<Self> {
        let folder = base.join(file_name(server)).join(file_name(user));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let (orders, received) = sync_channel(WAITING);
        let fate = Arc::new(Fate::default());
        let writer = Writer { folder: folder.clone(), day: None, troubled: false, fate: Arc::clone(&fate) };
        thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&received))?;
        Ok(Self { folder, orders, fate })
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Notes what was said: where, by whom, and what. Never waits.
    pub(super) fn note(&self, at: Moment, place: &str, who: &str, text: &str) {
        let line = format!("{} [{}] {}: {}\n", clock::long(at), escaped(place), escaped(who), escaped(text));
        if self.orders.try_send(Order::Line { day: clock::day(at), line }).is_err() {
            self.fate.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was noted has been written, for two seconds at most; whether it has. Blocks: not for a thread of
    /// the runtime.
    pub(super) fn flush(&self) -> bool {
        let (done, written) = sync_channel(1);
        self.orders.try_send(Order::Flush(done)).is_ok() && written.recv_timeout(PATIENCE).is_ok()
    }

    /// Why lines are not kept, once for each time that it began.
    pub(super) fn trouble(&self) -> Option<String> {
        self.fate.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The folder of all journals (XDG Base Directory Specification 0.8); `None` without a home.
pub(super) fn base() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("keepline/chat"))
}

/// A text as one part of a path.
fn file_name(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = text.trim_start_matches("http://").chars().map(|c| if safe(c) { c } else { '_' }).collect();
    // Neither empty nor a step in the tree.
    if name.trim_matches('.').is_empty() { format!("_{name}") } else { name }
}

/// The thread that writes.
struct Writer {
    folder: PathBuf,
    /// The file of a day that is open.
    day: Option<(String, BufWriter<File>)>,
    /// Whether lines are not kept now, and it has been told.
    troubled: bool,
    fate: Arc<Fate>,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            self.obey(order);
            while let Ok(order) = orders.try_recv() {
                self.obey(order);
            }
            self.flush();
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Line { day, line } => {
                if let Err(error) = self.write(&day, &line) {
                    self.fate.lost.fetch_add(1, Ordering::Relaxed);
                    self.fail(&error);
                }
            }
            Order::Flush(done) => {
                self.flush();
                // Who no longer waits is no concern.
                let _ = done.try_send(());
            }
        }
    }

    /// The file is opened anew for the next line.
    fn fail(&mut self, error: &io::Error) {
        self.day = None;
        if !self.troubled {
            self.troubled = true;
            *self.fate.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
    }

    fn write(&mut self, day: &str, line: &str) -> io::Result<()> {
        let file = match &mut self.day {
            Some((open, file)) if open == day => file,
            other => {
                if let Some((_, file)) = other {
                    file.flush()?;
                }
                let path = self.folder.join(format!("{day}.log"));
                let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
                &mut other.insert((day.to_owned(), BufWriter::new(file))).1
            }
        };
        let lost = self.fate.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            writeln!(file, "({lost} lines are missing here)")?;
        }
        file.write_all(line.as_bytes())
    }

    fn flush(&mut self) {
        let Some((_, file)) = &mut self.day else { return };
        match file.flush() {
            Ok(()) => self.troubled = false,
            Err(error) => self.fail(&error),
        }
    }
}

#[cfg(test)]
mod tests;
