//! Faketime: a wall clock that jumps under one process, while its other clocks run on (libfaketime).

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::folder::Folder;

/// A wall clock of its own for a process.
pub(crate) struct Faketime {
    library: PathBuf,
    folder: Folder,
}

impl Faketime {
    /// It runs as the machine's; says what is missing, in a line that scripts/test counts, where that can't be.
    pub(crate) fn open() -> Option<Self> {
        let libraries = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let library =
            libraries.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
        let Some(library) = library else {
            println!("SKIPPED: libfaketime (Debian package faketime)");
            return None;
        };
        let clock = Self { library, folder: Folder::new("faketime") };
        clock.set(0);
        Some(clock)
    }

    /// A command whose process has this clock.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", self.file());
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }

    /// From now on it is so many seconds ahead of the machine's, or behind it.
    pub(crate) fn set(&self, seconds: i64) {
        // As a whole: it may be read at any time.
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{seconds:+}\n")).expect("a file of the test");
        fs::rename(new, self.file()).expect("a file of the test");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }
}

/// What such a clock says, in milliseconds since 1970.
pub(crate) fn wall_ms(seconds: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(now.as_millis()).ok().and_then(|ms| ms.checked_add_signed(seconds * 1000)).expect("after 1970")
}
