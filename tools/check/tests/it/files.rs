//! Histories in files: merged by the clock, one a process, and what a killed process leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use keepline_check::{CheckError, Expect, ReadError, Record, Verdict, check_files};

use crate::history::good;
use crate::random::seed;

/// A folder of its own, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("keepline-check-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for histories");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("a history can be written");
        path
    }

    /// One file for each process of the history.
    pub(crate) fn history(&self, records: &[Record]) -> Vec<PathBuf> {
        let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for record in records {
            let file = files.entry(&record.proc).or_default();
            serde_json::to_writer(&mut *file, record).expect("a record is JSON");
            file.push(b'\n');
        }
        files.into_iter().map(|(name, bytes)| self.file(name, &bytes)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_files_of_many_processes_are_one_history() {
    let folder = Folder::new("merge");
    let mut paths = folder.history(&good(seed(), 500));
    assert!(paths.len() > 5, "{paths:?}");
    for _ in 0..paths.len() {
        paths.rotate_left(1);
        let report = check_files(&paths, Expect::default()).expect("a history");
        assert_eq!(report.verdict(), Verdict::Green, "{report}");
        assert_eq!(report.totals().processes, paths.len() as u64);
    }
}

#[test]
fn a_last_line_cut_short_is_counted_and_no_more() {
    let folder = Folder::new("truncated");
    let record = serde_json::to_vec(&good(1, 10)[0]).expect("a record is JSON");
    let line = [&record[..], b"\n"].concat();
    for cut in 1..=record.len() {
        let path = folder.file("cut", &[&line[..], &record[..cut]].concat());
        let report = check_files(&[path], Expect::default()).expect("the first line can be read");
        assert_eq!((report.totals().records, report.totals().truncated), (1, 1), "cut after {cut} bytes");
    }
    let whole = folder.file("whole", &line.repeat(2));
    assert_eq!(check_files(&[whole], Expect::default()).expect("a history").totals().truncated, 0);
}

#[test]
fn what_is_no_history_is_an_error_that_names_its_place() {
    let folder = Folder::new("errors");
    let record = |at| serde_json::to_string(&good(1, 1)[0].clone().at(at, 0)).expect("a record is JSON");
    let short = record(1).replace("\"conv\"", "\"id\":\"ab\",\"conv\"");
    let table = [
        ("a broken line before the last", format!("{{\"mono\":1\n{}\n", record(2)), "bad:1: not a record: EOF"),
        ("a clock that goes back", format!("{}\n{}\n", record(2), record(1)), "bad:2: `mono` goes back"),
        ("an endless line", format!("{}\n{}\n", "x".repeat(70_000), record(2)), "bad:1: not a record: "),
        ("an id of another length", format!("{short}\n{}\n", record(2)), "`ab` is not 32 hexadecimal digits"),
    ];
    for (name, text, expected) in table {
        let error = check_files(&[folder.file("bad", text.as_bytes())], Expect::default()).expect_err(name);
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    let missing = check_files(&[PathBuf::from("/nowhere/history")], Expect::default());
    assert!(matches!(missing, Err(CheckError::Read(ReadError::Io { .. }))));
}

#[test]
fn a_record_survives_its_line() {
    for record in good(seed(), 200) {
        let line = serde_json::to_string(&record).expect("a record is JSON");
        assert_eq!(serde_json::from_str::<Record>(&line).expect("its own line"), record, "{line}");
    }
}
