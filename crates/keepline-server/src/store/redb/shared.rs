//! Shared: what the engine's handle, its writer and its readers have in common.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase as _};
use tokio::sync::{broadcast, watch};

use super::folder::Folder;
use super::marks::Marks;
use super::reading::ReadError;
use super::{Options, fault};
use crate::store::{CommitWatch, Committed, FEED, StoreError};

/// Whether appends are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Good,
    Bad(StoreError),
}

/// The common part.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: Folder,
    pub(super) options: Options,
    /// Of every log; only a restore changes it.
    pub(super) epoch: u64,
    pub(super) marks: Marks,
    pub(super) feed: broadcast::Sender<Committed>,
    /// Who is told how long transactions take.
    pub(super) commits: OnceLock<Arc<dyn CommitWatch>>,
    /// Bytes of bodies that wait for the writer.
    pub(super) queued: AtomicUsize,
    /// Somebody wants it closed: the writer ends once its queue is empty.
    pub(super) closing: AtomicBool,
    /// Whether the file is let go of.
    pub(super) closed: watch::Sender<bool>,
    /// A reader met an error of the disk: the engine answers no more until it is opened anew.
    suspect: AtomicBool,
    /// A backup is being made: one at a time.
    pub(super) backing_up: AtomicBool,
    condition: RwLock<Condition>,
    database: RwLock<Option<Database>>,
}

impl Shared {
    pub(super) fn new(folder: Folder, options: Options, database: Database, epoch: u64) -> Self {
        Self {
            folder,
            options,
            epoch,
            marks: Marks::default(),
            feed: broadcast::Sender::new(FEED),
            commits: OnceLock::new(),
            queued: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            closed: watch::Sender::new(false),
            suspect: AtomicBool::new(false),
            backing_up: AtomicBool::new(false),
            condition: RwLock::new(Condition::Good),
            database: RwLock::new(Some(database)),
        }
    }

    pub(super) fn condition(&self) -> Condition {
        self.condition.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_condition(&self, condition: Condition) {
        *self.condition.write().unwrap_or_else(PoisonError::into_inner) = condition;
    }

    /// Does something with the database, while it is open.
    pub(super) fn with<T>(&self, act: impl FnOnce(&Database) -> T) -> Option<T> {
        self.database.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(act)
    }

    /// Puts another database in the place of this one, which is closed first by the caller's dropping what he gets.
    pub(super) fn swap(&self, database: Option<Database>) -> Option<Database> {
        std::mem::replace(&mut *self.database.write().unwrap_or_else(PoisonError::into_inner), database)
    }

    /// Whether a reader met an error of the disk since this was asked last.
    pub(super) fn take_suspicion(&self) -> bool {
        self.suspect.swap(false, Ordering::Relaxed)
    }

    /// What is stored at this moment.
    pub(super) fn snapshot(&self) -> Result<ReadTransaction, StoreError> {
        let tx = self.with(Database::begin_read).ok_or_else(|| match self.condition() {
            Condition::Good => StoreError::Unavailable("it is being opened".into()),
            Condition::Bad(cause) => cause,
        })?;
        tx.map_err(|error| self.suspicious(&error.into()))
    }

    /// Reads from a snapshot. Blocks on the disk.
    pub(super) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, ReadError>) -> Result<T, StoreError> {
        read(&self.snapshot()?).map_err(|error| match error {
            ReadError::Damaged(damaged) => damaged,
            ReadError::File(error) => self.suspicious(&error),
        })
    }

    fn suspicious(&self, error: &redb::Error) -> StoreError {
        // Damage is not mended by opening the file, and of what follows from an earlier error the writer knows.
        if matches!(error, redb::Error::Io(_)) {
            self.suspect.store(true, Ordering::Relaxed);
        }
        fault(error)
    }
}
