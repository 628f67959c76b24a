//! Recovery: what the writer does when the disk is full or fails, so that it never acknowledges what may be lost and
//! needs no restart.
//!
//! ```text
//!          a commit failed             opened, every page checked
//!  Open ────────────────────▶ Broken ─────────────────────────────▶ Unproven
//!   ▲                            ▲                                    │  │
//!   │                            └──────── it can't be written ───────┘  │
//!   └── something was committed and synced, what became of the last read ─┘
//! ```
//!
//! A commit that failed is never tried again and then acknowledged: after a failed sync the kernel calls pages clean
//! that never reached the disk. The file is closed, the kernel's copy of it let go of, and the file opened as after a
//! crash. Appends are refused in `Broken` and `Unproven`; reads go on in `Unproven`.
//!
//! # What opening it costs
//! redb reads every page and compares its checksum: any may be one that the kernel lost, and which pages are in use is
//! only known once all were seen. So it takes some seconds for each GB (docs/reliability.md has what was measured). Until
//! then there is no file to append to or to read from, on whichever thread it is done: appends that come meanwhile are
//! [`Outcome::Unknown`] after 5 s, reads fail at once, and `health` says why from the start. Less can be had for a price
//! that every append would pay, a commit in two syncs with a list of the pages in use (redb's quick repair); or by not
//! looking, and then a page that was lost would be built upon.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::shared::Condition;
use super::writer::{Failure, Reply, Request, Stage, Writer};
use super::{fault, opening, reading};
use crate::store::{Committed, Outcome, Page, StoreError};

/// The wait before a file is tried again: doubled from the first to the second.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// How it stands with the file.
#[derive(Debug)]
pub(super) enum Phase {
    /// It was written to, and can be read.
    Open,
    /// It can be read.
    Unproven(Trouble),
    /// It is closed.
    Broken(Trouble),
}

/// Why appends are refused, and when the file is tried again.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) cause: StoreError,
    retry_at: Instant,
    wait: Duration,
}

impl Trouble {
    /// That of a file which was just opened for the first time.
    pub(super) fn none() -> Self {
        Self { cause: StoreError::Full, retry_at: Instant::now(), wait: FIRST }
    }

    fn put_off(&mut self) {
        self.wait = (self.wait * 2).min(LONGEST);
        self.retry_at = Instant::now() + self.wait;
    }
}

impl Writer {
    /// Opens what is broken and proves what is not proven, once their time has come.
    pub(super) fn look_after(&mut self) {
        if self.shared.take_suspicion() && !matches!(self.phase, Phase::Broken(_)) {
            self.broke(StoreError::Unavailable("the disk failed a read".into()));
        }
        let now = Instant::now();
        if matches!(&self.phase, Phase::Broken(trouble) if now >= trouble.retry_at) {
            self.reopen();
        }
        if matches!(&self.phase, Phase::Unproven(trouble) if now >= trouble.retry_at) && self.has_room() {
            self.prove();
        }
    }

    /// Whether the file system has the room that appends must leave.
    pub(super) fn has_room(&self) -> bool {
        self.shared.folder.free() >= self.shared.options.reserve
    }

    /// Something was committed and synced: appends are taken again, unless it can't be read what became of the last.
    pub(super) fn proven(&mut self) {
        if matches!(self.phase, Phase::Open) {
            return;
        }
        // Whoever follows the feed must not miss what turned out to be stored, and hears of it before what comes next.
        match self.are_stored(&self.uncertain) {
            Ok(true) => self.tell(self.uncertain.clone()),
            Ok(false) => {}
            Err(StoreError::Damaged(why)) => {
                // Nobody will be able to read it, however often it is tried.
                tracing::error!(%why, "what became of the last appends can't be told");
            }
            Err(error) => {
                tracing::warn!(%error, "it can't be read what became of the last appends");
                if let Phase::Unproven(trouble) | Phase::Broken(trouble) = &mut self.phase {
                    trouble.put_off();
                }
                return;
            }
        }
        self.uncertain.clear();
        self.phase = Phase::Open;
    }

    /// A transaction failed: opens the file anew, and answers what is certain by then.
    pub(super) fn failed(&mut self, batch: Vec<Request>, failure: Failure) {
        let Failure { cause, stage } = failure;
        let attempt = match stage {
            Stage::Before => {
                self.broke(cause.clone());
                return refuse(batch, &cause);
            }
            Stage::Commit(attempt) => Some(attempt),
            Stage::Panic => None,
        };
        let (replies, effect) = attempt.map_or_else(Default::default, |attempt| (attempt.replies, attempt.effect));
        let stored = effect.unwrap_or_default().stored;
        let known = !replies.is_empty();
        self.broke(cause.clone());
        // Opened again, the file tells; but that it is there now is no acknowledgement.
        let absent = known && matches!(self.phase, Phase::Unproven(_)) && self.are_stored(&stored) == Ok(false);
        let mut replies = replies.into_iter();
        for request in batch {
            let reply = replies.next().unwrap_or(Reply::None);
            match request {
                Request::Append(append, answer) => {
                    let is_new = |seq| stored.iter().any(|it| it.log == append.log && it.record.seq == seq);
                    drop(answer.send(match reply {
                        Reply::Append(Err(refused)) => Err(refused),
                        Reply::Append(Ok(Outcome::Duplicate(seq))) if !is_new(seq) => Ok(Outcome::Duplicate(seq)),
                        _ if absent => Err(cause.clone()),
                        _ => Ok(Outcome::Unknown),
                    }));
                }
                Request::Trim(.., answer) => drop(answer.send(Err(cause.clone()))),
                Request::Wake => {}
            }
        }
        if !absent {
            self.uncertain.extend(stored);
        }
    }

    /// Tells the feed.
    pub(super) fn tell(&self, stored: Vec<Committed>) {
        for committed in stored {
            // Nobody listening is no error.
            let _ = self.shared.feed.send(committed);
        }
    }

    /// Closes the file, and opens it if that works at once.
    fn broke(&mut self, cause: StoreError) {
        tracing::error!(%cause, "the store failed, and is opened anew");
        let wait = match &self.phase {
            Phase::Open => FIRST,
            Phase::Unproven(trouble) | Phase::Broken(trouble) => (trouble.wait * 2).min(LONGEST),
        };
        // Now, and not with the next turn: opening it may take long.
        self.shared.set_condition(Condition::Bad(cause.clone()));
        self.phase = Phase::Broken(Trouble { cause, retry_at: Instant::now() + wait, wait });
        self.reopen();
    }

    fn reopen(&mut self) {
        let Phase::Broken(trouble) = &mut self.phase else { return };
        drop(self.shared.swap(None));
        self.shared.folder.forget_cache();
        self.states.clear();
        let started = Instant::now();
        match opening::again(&self.shared.folder, &self.shared.options, self.shared.epoch) {
            Ok(database) => {
                drop(self.shared.swap(Some(database)));
                self.phase = Phase::Unproven(trouble.clone());
                tracing::info!(took_ms = started.elapsed().as_millis(), "the store was checked and is open again");
            }
            Err(error) => {
                tracing::warn!(%error, "the store can't be opened");
                trouble.put_off();
            }
        }
    }

    fn prove(&mut self) {
        let proof = catch_unwind(AssertUnwindSafe(|| self.shared.with(opening::prove)));
        match proof {
            Ok(Some(Ok(_))) => self.proven(),
            Ok(Some(Err(error))) => self.broke(fault(&error)),
            Ok(None) => self.broke(StoreError::Unavailable("it is not open".into())),
            Err(_) => self.broke(StoreError::Damaged("writing it made the engine panic".into())),
        }
    }

    /// Whether the records of one transaction are in the file; all are, or none.
    fn are_stored(&self, records: &[Committed]) -> Result<bool, StoreError> {
        let Some(first) = records.first() else { return Ok(false) };
        let one = Page { records: 1, bytes: 0 };
        let read = |tx: &_| reading::forward(tx, &first.log, first.record.seq - 1, one);
        let panicked = |_| Err(StoreError::Damaged("reading it made the engine panic".into()));
        let found = catch_unwind(AssertUnwindSafe(|| self.shared.read(read))).unwrap_or_else(panicked)?;
        Ok(found.first().is_some_and(|record| record.seq == first.record.seq && record.id == first.record.id))
    }
}

/// Answers requests that nothing was done for.
pub(super) fn refuse(batch: Vec<Request>, cause: &StoreError) {
    for request in batch {
        match request {
            Request::Append(_, answer) => drop(answer.send(Err(cause.clone()))),
            Request::Trim(.., answer) => drop(answer.send(Err(cause.clone()))),
            Request::Wake => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;

    use bytes::Bytes;
    use redb::Database;

    use super::*;
    use crate::id::MessageId;
    use crate::store::redb::batch::{Batch, States};
    use crate::store::redb::folder::Folder;
    use crate::store::redb::shared::Shared;
    use crate::store::{Append, Expected, LogName, Record};

    /// A folder that is gone with the test.
    struct Temporary(std::path::PathBuf);

    impl Drop for Temporary {
        fn drop(&mut self) {
            // What can't be removed stays in the system's folder of temporary files.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn append(database: &Database, append: &Append) {
        let tx = database.begin_write().unwrap();
        let known = States::new();
        let mut batch = Batch::open(&tx, &known, 1, 0).unwrap();
        assert_eq!(batch.append(append, true).unwrap(), Ok(Outcome::Appended(1)));
        batch.finish().unwrap();
        tx.commit().unwrap();
    }

    /// A writer whose file is new, and empty; the folder is gone with the test.
    fn writer(name: &str) -> (Writer, Temporary) {
        let path = std::env::temp_dir().join(format!("keepline-recovery-{}-{name}", std::process::id()));
        let folder = Folder::create(&path).unwrap();
        let options = super::super::Options::default();
        let (database, epoch) = opening::first(&folder, &options).unwrap();
        let shared = Arc::new(Shared::new(folder, options, database, epoch));
        (Writer::new(shared, sync_channel(1).1), Temporary(path))
    }

    #[test]
    fn a_failure_is_told_before_the_file_is_opened_again() {
        let (mut writer, folder) = writer("told");
        let (file, away) = (writer.shared.folder.file(), folder.0.join("away"));
        std::fs::rename(&file, &away).unwrap();
        let cause = StoreError::Unavailable("a test".into());
        writer.failed(Vec::new(), Failure { cause: cause.clone(), stage: Stage::Before });
        assert!(matches!(writer.phase, Phase::Broken(_)), "there is no file");
        assert_eq!(writer.shared.condition(), Condition::Bad(cause));
        std::fs::rename(&away, &file).unwrap();
        writer.reopen();
        assert!(matches!(writer.phase, Phase::Unproven(_)));
        writer.prove();
        assert!(matches!(writer.phase, Phase::Open));
    }

    #[test]
    fn what_may_be_stored_stays_uncertain_until_it_was_read() {
        for stored in [true, false] {
            let (mut writer, _folder) = writer(if stored { "stored" } else { "not-stored" });
            let (shared, epoch) = (Arc::clone(&writer.shared), writer.shared.epoch);
            let (log, id, body) = (LogName::new("m.all"), MessageId::new([7; 16]), Bytes::from_static(b"perhaps"));
            if stored {
                let request = Append { log: log.clone(), expected: Expected::Any, id, body: body.clone() };
                shared.with(|database| append(database, &request)).unwrap();
            }
            let mut feed = shared.feed.subscribe();
            writer.uncertain.push(Committed { log, epoch, record: Record { seq: 1, id, body } });
            let database = shared.swap(None);
            for _ in 0..2 {
                writer.proven();
                assert!(matches!(writer.phase, Phase::Unproven(_)), "appends stay refused");
                assert_eq!(writer.uncertain.len(), 1);
                assert!(feed.try_recv().is_err());
            }
            drop(shared.swap(database));
            writer.proven();
            assert!(matches!(writer.phase, Phase::Open) && writer.uncertain.is_empty());
            assert_eq!(feed.try_recv().map(|told| told.record.id).ok(), stored.then_some(id));
        }
    }
}
