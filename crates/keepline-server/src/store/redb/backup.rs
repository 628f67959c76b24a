//! Backup: a whole copy while the store is in use, and putting one in a store's place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::ReadableDatabase as _;

use super::folder::{Folder, parent, private_file, sync};
use super::opening::{self, Identity, new_epoch};
use super::reading::ReadError;
use super::schema::{FORMAT, META, meta};
use super::shared::Shared;
use super::{OpenError, Options, copying, fault};
use crate::store::{Copied, StoreError};

/// Copies what is stored at this moment into a new file, which is whole and synced, or not there. Blocks on the disk,
/// for as long as that takes; the store goes on meanwhile, and its file grows by what is written.
pub(super) fn backup(shared: &Arc<Shared>, to: &Path) -> Result<Copied, StoreError> {
    let refused = |error: io::Error| StoreError::Unavailable(format!("{}: {error}", to.display()).into());
    if to.exists() {
        return Err(refused(io::ErrorKind::AlreadyExists.into()));
    }
    let new = New::beside(to);
    private_file(&new.0).map_err(refused)?;
    // Marks that wait go into the copy and not into the file first: so it needs no room there. Taken before the snapshot:
    // they are never ahead of it, and what was written in between is in it.
    let waiting = shared.marks.some(None, usize::MAX);
    let tx = shared.snapshot()?;
    let copied = match catch_unwind(AssertUnwindSafe(|| copying::copy(&tx, &waiting, &new.0, shared.options.cache))) {
        Ok(Ok(copied)) => copied,
        // The copy's disk may be another: nothing follows for the store.
        Ok(Err(ReadError::File(error))) => return Err(fault(&error)),
        Ok(Err(ReadError::Damaged(damaged))) => return Err(damaged),
        Err(_) => return Err(StoreError::Damaged("reading it made the engine panic".into())),
    };
    drop(tx);
    // The name is the last: under it there is never a part of a backup, and never another's.
    File::open(&new.0).and_then(|file| file.sync_all()).map_err(refused)?;
    fs::hard_link(&new.0, to).map_err(refused)?;
    drop(new);
    sync(parent(to)).map_err(refused)?;
    Ok(copied)
}

/// Why a backup was not put in place. What was there before is there still.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A store is there.
    #[error("{path} is there already; --force puts the backup in its place, and what it holds is gone")]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// The backup, or the store in whose place it should come, can't be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Puts the backup `from` in the place of the store in `data`, in a new epoch: what the clients saw since it was made
/// may be given other numbers now. Checked as a whole before. With `force` also where a store is, unless that is in use.
/// `from` may as well be the file of a stopped store. Blocks on the disk.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(from: &Path, data: &Path, force: bool) -> Result<Copied, RestoreError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| OpenError::Folder { path: path.clone(), source }
    };
    let folder = Folder::create(data).map_err(at(data))?;
    let path = folder.file();
    // Held until the end: nobody opens them meanwhile.
    let mut replaced = None;
    if path.exists() {
        if !force {
            return Err(RestoreError::Occupied { path });
        }
        replaced = Some(hold(&path)?);
    }
    let mut source = hold(from)?;
    let new = New(folder.new_file());
    private_file(&new.0).map_err(at(data))?;
    let mut target = File::options().write(true).open(&new.0).map_err(at(data))?;
    io::copy(&mut source, &mut target).map_err(at(from))?;
    let copied = renew(&new.0, from)?;
    File::open(&new.0).and_then(|file| file.sync_all()).map_err(at(&new.0))?;
    if force { fs::rename(&new.0, &path) } else { fs::hard_link(&new.0, &path) }.map_err(at(&path))?;
    drop((new, replaced));
    folder.sync().map_err(at(data))?;
    Ok(copied)
}

/// Locks the file of a store that no process has open.
fn hold(path: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Checks a copy of a backup, and gives it an epoch of its own. Errors name `from`, where it comes from.
fn renew(new: &Path, from: &Path) -> Result<Copied, OpenError> {
    let path = || from.to_owned();
    let failed = |error: redb::Error| OpenError::Failed { path: path(), why: fault(&error).to_string() };
    let database = opening::open(new, &Options::default()).map_err(|error| error.at(from))?;
    match opening::identity(&database).map_err(failed)? {
        Some(Identity { format: FORMAT, .. }) => {}
        Some(Identity { format, .. }) => return Err(OpenError::Format { path: path(), found: format }),
        None => return Err(OpenError::Damaged { path: path(), why: "it is no store".to_owned() }),
    }
    let checked = catch_unwind(AssertUnwindSafe(|| {
        copying::check(&database.begin_read().map_err(|error| ReadError::File(error.into()))?)
    }));
    let copied = match checked {
        Ok(Ok(copied)) => copied,
        Ok(Err(ReadError::File(error))) => return Err(failed(error)),
        Ok(Err(ReadError::Damaged(why))) => return Err(OpenError::Damaged { path: path(), why: why.to_string() }),
        Err(_) => return Err(OpenError::Damaged { path: path(), why: "reading it made the engine panic".to_owned() }),
    };
    let renewed = || -> Result<(), redb::Error> {
        let tx = database.begin_write()?;
        let mut table = tx.open_table(META)?;
        table.insert(meta::EPOCH, new_epoch())?;
        table.remove(meta::BACKUP)?;
        drop(table);
        tx.commit()?;
        Ok(())
    };
    renewed().map_err(failed)?;
    database.close().map_err(|error| failed(error.into()))?;
    Ok(copied)
}

/// A file that is removed again, unless it got another name too.
struct New(PathBuf);

impl New {
    fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".new.{}", std::process::id()));
        Self(name.into())
    }
}

impl Drop for New {
    fn drop(&mut self) {
        // What can't be removed is in nobody's way.
        let _ = fs::remove_file(&self.0);
    }
}
