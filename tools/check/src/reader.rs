//! `Lines`: the records of one file, and what a killed process leaves at its end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::record::Record;

/// The longest line that is read; a record is a few hundred bytes.
const LONGEST_LINE: u64 = 64 * 1024;

/// Why a file can't be read as a history. The run is void then: what it would have said is not known.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file can't be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that is not the last is no record.
    #[error("{}:{line}: not a record: {reason}", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The clock of a record is before that of the line above.
    #[error("{}:{line}: `mono` goes back, so the records of the run have no order", path.display())]
    ClockWentBack {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
}

/// The records of a file, in its order.
pub(crate) struct Lines {
    path: PathBuf,
    input: BufReader<File>,
    line: u64,
    mono: u64,
    /// A last line that is no record, as a process leaves it that was killed while it wrote.
    truncated: bool,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let opened = File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source });
        let input = BufReader::with_capacity(256 * 1024, opened?);
        Ok(Self { path: path.to_owned(), input, line: 0, mono: 0, truncated: false })
    }

    /// Whether the last line was no record. Known when `next` has given `None`.
    pub(crate) fn truncated(&self) -> bool {
        self.truncated
    }

    /// The next record; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let mut bytes = Vec::with_capacity(512);
        let read = self.input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        read.map_err(|source| self.io(source))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        let record = match serde_json::from_slice::<Record>(&bytes) {
            Ok(record) if bytes.ends_with(b"\n") => record,
            // Whole but for its end: the process may have been about to write more of it.
            Ok(_) => return self.end("the line has no end".to_owned()),
            Err(error) => return self.end(error.to_string()),
        };
        if record.mono < self.mono {
            return Err(ReadError::ClockWentBack { path: self.path.clone(), line: self.line });
        }
        self.mono = record.mono;
        Ok(Some(record))
    }

    /// A line that is no record ends the file, if it is the last.
    fn end(&mut self, reason: String) -> Result<Option<Record>, ReadError> {
        let last = self.input.fill_buf().map(<[u8]>::is_empty).map_err(|source| self.io(source))?;
        if !last {
            return Err(ReadError::NotARecord { path: self.path.clone(), line: self.line, reason });
        }
        self.truncated = true;
        Ok(None)
    }

    fn io(&self, source: io::Error) -> ReadError {
        ReadError::Io { path: self.path.clone(), source }
    }
}
