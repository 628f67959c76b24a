//! `History`: the file of records that a process writes, line by line, for the checker.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use keepline_check::{BodyHash, MessageId, Op, Phase, Record};
use rustix::time::{ClockId, clock_gettime};

/// A history that many witnesses of a process write together. Clones write to the same file.
///
/// Each record is one `write` to the file, in the order of its clock: what was noted before a `kill -9` of the process
/// is kept, and at most the last line is cut short. It is not meant to survive a power cut.
#[derive(Clone, Debug)]
pub struct History {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    proc: String,
    file: Mutex<File>,
    clients: AtomicU64,
}

impl History {
    /// Creates the file, or empties it. `proc` names the process in its records.
    ///
    /// # Errors
    ///
    /// The file can't be created.
    pub fn create(path: &Path, proc: &str) -> io::Result<Self> {
        let shared =
            Shared { proc: proc.to_owned(), file: Mutex::new(File::create(path)?), clients: AtomicU64::new(0) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Writes a record with the time of now, and the name of this process where the record has none.
    ///
    /// Call it before an act for [`Phase::Invoke`], and after it for every other phase.
    ///
    /// # Panics
    ///
    /// If the file can't be written: a history with a hole is worse than none.
    pub fn note(&self, mut record: Record) {
        if record.proc.is_empty() {
            record.proc.clone_from(&self.shared.proc);
        }
        let mut file = self.shared.file.lock().unwrap_or_else(PoisonError::into_inner);
        // The clock is read under the lock, so that the file is in its order.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let record = record.at(monotonic(), u64::try_from(wall).unwrap_or(u64::MAX));
        let mut line = serde_json::to_vec(&record).expect("a record is JSON");
        line.push(b'\n');
        file.write_all(&line).expect("the history can be written");
    }

    /// Notes that a user is a member of a conversation from now on. Only after the server has said so: the beginning
    /// of the join is noted at the same instant.
    pub fn member(&self, user: &str, conv: &str) {
        for phase in [Phase::Invoke, Phase::Ok] {
            self.note(Record::new(Op::Join, phase).by("", user, "").conv(conv));
        }
    }

    /// Notes that retention may drop a conversation's messages up to this number from now on. Call it before it can:
    /// of what a client is told is gone, nothing else is excused.
    pub fn dropped(&self, conv: &str, through: u64) {
        self.note(Record::new(Op::Drop, Phase::Ok).conv(conv).seq(through));
    }

    /// Notes a message that the final reading found in the store.
    pub fn found(&self, conv: &str, seq: u64, id: MessageId, body: &[u8]) {
        let record = Record::new(Op::Read, Phase::Ok).message(conv, id).seq(seq).body(BodyHash::of(body));
        self.note(record);
    }

    /// Notes that the store's conversation was read to its end, or, with `whole` false, that this failed.
    pub fn read(&self, conv: &str, whole: bool) {
        let phase = if whole { Phase::Ok } else { Phase::Info };
        self.note(Record::new(Op::Read, phase).conv(conv));
    }

    /// A name for the next client of this process.
    pub(crate) fn client(&self) -> String {
        format!("{}.{}", self.shared.proc, self.shared.clients.fetch_add(1, Ordering::Relaxed))
    }
}

/// Nanoseconds of the clock that all processes of a machine share; tokio's own can't be compared between them.
pub(crate) fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let nanos = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    u64::try_from(nanos).unwrap_or(0)
}
