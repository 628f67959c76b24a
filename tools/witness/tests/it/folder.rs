//! A folder for the histories of a test, removed at its end.

use std::fs;
use std::path::PathBuf;

use keepline_check::{Expect, Record, Report, check_files};
use keepline_witness::History;

/// A folder for the histories of a test.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("keepline-witness-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for histories");
        Self { path }
    }

    pub(crate) fn history(&self, proc: &str) -> History {
        History::create(&self.file(proc), proc).expect("a history can be created")
    }

    pub(crate) fn check(&self, procs: &[&str]) -> Report {
        let files: Vec<PathBuf> = procs.iter().map(|proc| self.file(proc)).collect();
        check_files(&files, Expect::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn records(&self, proc: &str) -> Vec<Record> {
        let text = fs::read_to_string(self.file(proc)).expect("the history can be read");
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }

    pub(crate) fn file(&self, proc: &str) -> PathBuf {
        self.path.join(format!("{proc}.jsonl"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
