//! Pitfalls: docs/pitfalls.md names for each a test that exists, or who will write it.

use super::{File, assert_none, files};

/// The last pitfall of the list, which starts at P1.
const LAST: usize = 44;

/// A test named in the table: a name in backquotes with a module before it, such as `proto it::backoff::p43_name`.
struct Named {
    row: String,
    function: String,
}

fn document() -> File {
    let found = files(".md").into_iter().find(|file| file.path == "docs/pitfalls.md");
    found.expect("docs/pitfalls.md is in the project")
}

/// The cells of the row of each pitfall, in the order of the file.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| P"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn named(row: &[&str]) -> Vec<Named> {
    let cell = row.last().copied().unwrap_or_default();
    let names = cell.split('`').skip(1).step_by(2).filter_map(|name| name.rsplit_once("::"));
    names.map(|(_, function)| Named { row: row[0].to_owned(), function: function.to_owned() }).collect()
}

#[test]
fn every_pitfall_has_its_row() {
    let file = document();
    let mut found: Vec<&str> = rows(&file.text).into_iter().map(|row| row[0]).collect();
    let mut wanted: Vec<String> = (1..=LAST).map(|number| format!("P{number}")).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "docs/pitfalls.md has exactly one row for each pitfall");
}

#[test]
fn every_pitfall_has_a_test_or_an_owner() {
    let file = document();
    let orphans: Vec<String> = rows(&file.text)
        .into_iter()
        .filter(|row| named(row).is_empty() && !row.last().is_some_and(|cell| cell.contains("issue")))
        .map(|row| row[0].to_owned())
        .collect();
    assert_none(&orphans, "the last cell names a test (`crate it::file::name`) or the issue that will own it");
}

#[test]
fn every_test_named_there_exists() {
    let file = document();
    let sources = files(".rs");
    let exists = |function: &str| sources.iter().any(|source| source.text.contains(&format!("fn {function}(")));
    let named: Vec<Named> = rows(&file.text).iter().flat_map(|row| named(row)).collect();
    println!("docs/pitfalls.md: {} tests named", named.len());
    let findings: Vec<String> = named
        .iter()
        .filter(|test| !exists(&test.function))
        .map(|test| format!("{}: no test {}", test.row, test.function))
        .collect();
    assert_none(&findings, "every test that docs/pitfalls.md names exists");
}
