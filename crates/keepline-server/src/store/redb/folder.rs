//! Folder: the data directory, and what the file system says of it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{io, process};

use rustix::fs::{Advice, fadvise, statvfs};

/// The name of the file with everything in it, in its data directory.
pub const FILE: &str = "data.redb";

/// A data directory.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes it, for its owner alone, if it is not there. Made durable: a folder or file that is only in memory is gone
    /// after a power cut, with everything that was synced inside.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let missing: Vec<&Path> = path.ancestors().take_while(|folder| !is_there(folder)).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        for folder in missing {
            sync(parent(folder))?;
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The path of the file.
    pub(super) fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// A path for a file that is not whole yet; another process has another.
    pub(super) fn new_file(&self) -> PathBuf {
        self.path.join(format!("{FILE}.new.{}", process::id()))
    }

    /// Removes what a process left behind that was killed while it made a file.
    pub(super) fn remove_new_files(&self) {
        let begin = format!("{FILE}.new.");
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&begin)) {
            // It is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }

    /// Makes durable which files there are.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync(&self.path)
    }

    /// Bytes that can still be written to the file system; a very large number if it does not say.
    pub(super) fn free(&self) -> u64 {
        statvfs(&self.path).map_or(u64::MAX, |of| of.f_bavail.saturating_mul(of.f_frsize))
    }

    /// Lets go of the kernel's copy of the file. After a failed sync it calls pages clean that never reached the disk;
    /// what is read next must be what is there.
    pub(super) fn forget_cache(&self) {
        if let Ok(file) = File::open(self.file()) {
            // Advice. Where it is not taken, the check of every page at opening still finds what does not fit together.
            let _ = fadvise(&file, 0, None, Advice::DontNeed);
        }
    }
}

/// Makes an empty file that its owner alone may read: what people wrote to each other goes into it.
pub(super) fn private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map(drop)
}

/// Makes durable which files a folder has.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder that a path lies in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.is_dir()
}
