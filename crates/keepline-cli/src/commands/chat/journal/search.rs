//! Search: the lines of a journal with these words in them.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::Journal;
use crate::commands::chat::fold;
use crate::commands::chat::style::Line;

/// The most lines that are shown: the newest.
const MOST: usize = 200;

/// The longest line that is read: a message of 60 KiB, each byte escaped.
const LONGEST: u64 = 1 << 20;

/// What was found.
#[derive(Debug, Default)]
pub(in crate::commands::chat) struct Found {
    /// The lines, the oldest first, with the words marked.
    pub(in crate::commands::chat) lines: Vec<Line>,
    /// Older lines that are not shown.
    pub(in crate::commands::chat) more: usize,
}

impl Journal {
    /// The newest lines with these words, whatever their case. Blocks: not for a thread of the runtime.
    ///
    /// # Errors
    /// A file can't be read.
    pub(in crate::commands::chat) fn search(folder: &Path, words: &str) -> io::Result<Found> {
        let mut days: Vec<_> = fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "log"))
            .collect();
        days.sort_unstable();
        let mut found = Found::default();
        // The newest day first, each from its begin; so the most are kept without reading a file backwards.
        for day in days.into_iter().rev() {
            let mut of_day = lines(&day, words)?;
            let room = MOST - found.lines.len();
            let over = of_day.len().saturating_sub(room);
            found.more += over;
            of_day.drain(..over);
            of_day.append(&mut found.lines);
            found.lines = of_day;
        }
        Ok(found)
    }
}

fn lines(path: &Path, words: &str) -> io::Result<Vec<Line>> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut found, mut bytes) = (Vec::new(), Vec::new());
    loop {
        bytes.clear();
        if reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(found);
        }
        let line = String::from_utf8_lossy(&bytes);
        let text = line.trim_end_matches('\n').to_owned();
        let marks = fold::occurrences(&text, words);
        if !marks.is_empty() {
            found.push(Line { text, marks });
        }
    }
}
