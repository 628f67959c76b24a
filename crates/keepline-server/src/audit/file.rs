//! LogFile: the file of the audit log: added to, for its owner alone, and made anew where it was moved.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use super::writer::Sink;

/// The file, open.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// Whether its last line may be half of one.
    torn: bool,
}

impl LogFile {
    /// Opens the file behind its last line. One that was left half written, as by a power cut, is ended first.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        // One that is there keeps its mode: an operator may have let a group read it.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let torn = file.metadata()?.is_file() && !ends_a_line(&path)?;
        Ok(Self { path, file, torn })
    }
}

impl Sink for LogFile {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        // Of what fails in the middle a part may be there.
        self.torn = true;
        self.file.write_all(lines.as_bytes())?;
        self.torn = false;
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        *self = Self::open(self.path.clone())?;
        Ok(())
    }
}

fn ends_a_line(path: &PathBuf) -> io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};

    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
