//! `Merge`: the records of many files in the order of the machine's clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use crate::reader::{Lines, ReadError};
use crate::record::Record;

/// Holds one record a file. Records of one file keep their order; at the same instant the first file goes first.
pub(crate) struct Merge {
    files: Vec<Lines>,
    /// The next record of each file, where there is one.
    heads: Vec<Option<Record>>,
    order: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Merge {
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, ReadError> {
        let mut merge = Self { files: Vec::new(), heads: Vec::new(), order: BinaryHeap::new() };
        for path in paths {
            merge.files.push(Lines::open(path)?);
            merge.heads.push(None);
            merge.advance(merge.files.len() - 1)?;
        }
        Ok(merge)
    }

    /// The next record of all; `None` when every file is at its end.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let Some(Reverse((_, file))) = self.order.pop() else { return Ok(None) };
        let record = self.heads[file].take();
        self.advance(file)?;
        Ok(record)
    }

    /// How many files ended in a line that is no record.
    pub(crate) fn truncated(&self) -> u64 {
        self.files.iter().map(|file| u64::from(file.truncated())).sum()
    }

    fn advance(&mut self, file: usize) -> Result<(), ReadError> {
        if let Some(record) = self.files[file].next()? {
            self.order.push(Reverse((record.mono, file)));
            self.heads[file] = Some(record);
        }
        Ok(())
    }
}
