//! Opening: how the file is made, checked, and shown to be one that can be written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{fs, io};

use redb::{Builder, Database, DatabaseError, Durability, ReadableDatabase as _, ReadableTable as _, StorageError};

use super::folder::{Folder, private_file};
use super::schema::{EXPIRING, FORMAT, IDS, LOGS, MARKS, META, RECORDS, meta};
use super::{Options, fault};
use crate::store::StoreError;

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory can't be made, read or written.
    #[error("the data directory {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process; stop that one, or give another data directory")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// What is in it is not what was written.
    #[error("{path} is damaged: {why}; `keepline restore` puts a backup in its place")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Another version wrote it.
    #[error("{path} has format {found}, this version reads {FORMAT}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// It is a backup, put there by hand.
    #[error("{path} is a backup; `keepline restore` puts it in place, in a new epoch")]
    Backup {
        /// The file.
        path: PathBuf,
    },
    /// The engine's words.
    #[error("{path}: {why}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// The words.
        why: String,
    },
}

impl OpenError {
    /// The same, of another path.
    pub(super) fn at(self, at: &Path) -> Self {
        let path = at.to_owned();
        match self {
            Self::Folder { source, .. } => Self::Folder { path, source },
            Self::InUse { .. } => Self::InUse { path },
            Self::Damaged { why, .. } => Self::Damaged { path, why },
            Self::Format { found, .. } => Self::Format { path, found },
            Self::Backup { .. } => Self::Backup { path },
            Self::Failed { why, .. } => Self::Failed { path, why },
        }
    }
}

/// Opens the file, which is there.
///
/// # Errors
/// [`OpenError`].
pub(super) fn open(path: &Path, options: &Options) -> Result<Database, OpenError> {
    guarded(path, options, |builder| builder.open(path))
}

fn guarded(
    path: &Path,
    options: &Options,
    open: impl FnOnce(&Builder) -> Result<Database, DatabaseError>,
) -> Result<Database, OpenError> {
    let path = path.to_owned();
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache).set_check_integrity_on_open(options.verify);
    // On a damaged file the engine may panic, if the file was closed in good order.
    match catch_unwind(AssertUnwindSafe(|| open(&builder))) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => Err(OpenError::InUse { path }),
        Ok(Err(DatabaseError::Storage(StorageError::Corrupted(why)))) => Err(OpenError::Damaged { path, why }),
        Ok(Err(DatabaseError::Storage(StorageError::Io(source)))) if source.kind() == io::ErrorKind::InvalidData => {
            Err(OpenError::Damaged { path, why: source.to_string() })
        }
        Ok(Err(other)) => Err(OpenError::Failed { path, why: other.to_string() }),
        Err(_) => Err(OpenError::Damaged { path, why: "the engine gave up on it".to_owned() }),
    }
}

/// Makes an empty store under another name, and gives it its own once it is whole: who is killed meanwhile leaves
/// nothing behind that can't be opened. A store that is there by then stays.
fn create(folder: &Folder, options: &Options) -> Result<(), OpenError> {
    let (path, new) = (folder.file(), folder.new_file());
    let failed = |source| OpenError::Folder { path: path.clone(), source };
    private_file(&new).map_err(failed)?;
    let database = guarded(&new, options, |builder| builder.create(&new))?;
    prove(&database).map_err(|error| OpenError::Failed { path: new.clone(), why: error.to_string() })?;
    drop(database);
    match fs::hard_link(&new, &path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    fs::remove_file(&new).and_then(|()| folder.sync()).map_err(failed)
}

/// Opens a file that this process had open before; `epoch` is its epoch.
///
/// # Errors
/// [`OpenError`]; also if another file, or none, is in its place now.
pub(super) fn again(folder: &Folder, options: &Options, epoch: u64) -> Result<Database, OpenError> {
    let path = folder.file();
    let database = open(&path, options)?;
    match identity(&database) {
        Ok(Some(is)) if is == (Identity { format: FORMAT, epoch, backup: false }) => Ok(database),
        Ok(_) => Err(OpenError::Failed { path, why: "another file is in its place".to_owned() }),
        Err(error) => Err(OpenError::Failed { path, why: error.to_string() }),
    }
}

/// Commits something, durably: whoever could do that can write. Makes the tables where there are none. The epoch.
pub(super) fn prove(database: &Database) -> Result<u64, redb::Error> {
    let mut tx = database.begin_write()?;
    tx.set_durability(Durability::Immediate)?;
    let epoch = {
        tx.open_table(LOGS)?;
        tx.open_table(RECORDS)?;
        tx.open_table(IDS)?;
        tx.open_table(EXPIRING)?;
        tx.open_table(MARKS)?;
        let mut table = tx.open_table(META)?;
        let opened = table.get(meta::OPENED)?.map_or(0, |times| times.value());
        table.insert(meta::OPENED, opened.saturating_add(1))?;
        let epoch = table.get(meta::EPOCH)?.map(|epoch| epoch.value());
        if let Some(epoch) = epoch {
            epoch
        } else {
            let epoch = new_epoch();
            table.insert(meta::EPOCH, epoch)?;
            table.insert(meta::FORMAT, FORMAT)?;
            epoch
        }
    };
    tx.commit()?;
    Ok(epoch)
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) format: u64,
    pub(super) epoch: u64,
    pub(super) backup: bool,
}

/// What a file says of itself; `None` for one that is no store.
pub(super) fn identity(database: &Database) -> Result<Option<Identity>, redb::Error> {
    let tx = database.begin_read()?;
    let table = match tx.open_table(META) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let part = |key: &str| -> Result<Option<u64>, redb::Error> { Ok(table.get(key)?.map(|value| value.value())) };
    let backup = part(meta::BACKUP)?.is_some();
    Ok(part(meta::FORMAT)?.zip(part(meta::EPOCH)?).map(|(format, epoch)| Identity { format, epoch, backup }))
}

/// Opens a store for the first time in this process, and makes it if there is none: its epoch too.
///
/// # Errors
/// [`OpenError`].
pub(super) fn first(folder: &Folder, options: &Options) -> Result<(Database, u64), OpenError> {
    let path = folder.file();
    if !path.exists() {
        create(folder, options)?;
    }
    let database = open(&path, options)?;
    folder.remove_new_files();
    match identity(&database) {
        Ok(Some(Identity { backup: true, .. })) => Err(OpenError::Backup { path }),
        Ok(Some(Identity { format: FORMAT, epoch, .. })) => Ok((database, epoch)),
        Ok(Some(Identity { format, .. })) => Err(OpenError::Format { path, found: format }),
        Ok(None) => Err(OpenError::Damaged { path, why: "it has no epoch".to_owned() }),
        Err(error) => Err(match fault(&error) {
            StoreError::Damaged(why) => OpenError::Damaged { path, why: why.to_string() },
            other => OpenError::Failed { path, why: other.to_string() },
        }),
    }
}

/// A number that no other store has; never 0.
pub(super) fn new_epoch() -> u64 {
    // Without the system's randomness the clock must do: an epoch has to be another one, not a secret.
    getrandom::u64().unwrap_or_else(|_| super::seconds()).max(1)
}
