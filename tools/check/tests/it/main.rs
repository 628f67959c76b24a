//! The checker, checked: good histories, mutated ones, and histories that show nothing.

mod binary;
mod files;
mod history;
mod mutate;
mod mutations;
mod random;
mod size;
mod verdicts;
mod windows;

use keepline_check::{Checker, Counter, Expect, Record, Report};

/// Judges records as one process's.
fn check(records: &[Record]) -> Report {
    check_expecting(records, Expect::default())
}

fn check_expecting(records: &[Record], expect: Expect) -> Report {
    let mut checker = Checker::default().expect(expect);
    for record in records {
        checker.observe(record).unwrap_or_else(|malformed| panic!("{malformed}"));
    }
    checker.finish()
}

/// The names of the broken promises.
fn red(report: &Report) -> Vec<&'static str> {
    report.red().into_iter().map(Counter::name).collect()
}
