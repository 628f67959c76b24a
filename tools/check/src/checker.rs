//! `Checker`: gives each record to the index and the rules, and makes the report.

use std::path::PathBuf;

use thiserror::Error;

use crate::event::{Event, Malformed};
use crate::index::{Index, Outcome};
use crate::merge::Merge;
use crate::reader::ReadError;
use crate::record::Record;
use crate::report::{Expect, Report};
use crate::rules::{Rule, all_rules};

/// Why a history can't be judged: the run is void.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A file can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record lacks a field.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Judges the records that it is given, in the order of their clock.
#[derive(Debug)]
pub struct Checker {
    index: Index,
    rules: Vec<Box<dyn Rule>>,
    report: Report,
}

/// Judges the histories of these files, one a process.
///
/// A last line that a killed process cut short is left out and counted.
///
/// # Errors
///
/// A file that can't be read, a line before the last that is no record, a clock that goes back within a file, a record
/// that lacks a field.
pub fn check_files(paths: &[PathBuf], expect: Expect) -> Result<Report, CheckError> {
    let mut merge = Merge::open(paths)?;
    let mut checker = Checker::default();
    checker.report.expect(expect);
    while let Some(record) = merge.next()? {
        checker.observe(&record)?;
    }
    checker.report.totals_mut().truncated = merge.truncated();
    Ok(checker.finish())
}

impl Default for Checker {
    fn default() -> Self {
        Self { index: Index::default(), rules: all_rules(), report: Report::default() }
    }
}

impl Checker {
    /// States what the history must contain.
    #[must_use]
    pub fn expect(mut self, expect: Expect) -> Self {
        self.report.expect(expect);
        self
    }

    /// Takes the next record. Give them in the order of `mono`; records of one process in the order it wrote them.
    ///
    /// # Errors
    ///
    /// The record lacks a field that its operation needs. Nothing of it is kept.
    pub fn observe(&mut self, record: &Record) -> Result<(), Malformed> {
        let event = Event::of(record, &mut self.index.names)?;
        self.report.totals_mut().records += 1;
        for rule in &mut self.rules {
            rule.observe(&event, &self.index, &mut self.report);
        }
        self.index.take(&event);
        Ok(())
    }

    /// The history is complete: judges what is missing, and gives the report.
    #[must_use]
    pub fn finish(mut self) -> Report {
        for rule in &mut self.rules {
            rule.finish(&self.index, &mut self.report);
        }
        let totals = self.report.totals_mut();
        totals.processes = u64::try_from(self.index.processes.len()).unwrap_or(u64::MAX);
        for message in self.index.messages.values() {
            let count = match message.outcome() {
                Outcome::Acked => &mut totals.acked,
                Outcome::Refused => &mut totals.refused,
                Outcome::Unknown => &mut totals.unknown,
                Outcome::NeverSent => continue,
            };
            *count += 1;
            totals.sent += 1;
        }
        self.report
    }
}
