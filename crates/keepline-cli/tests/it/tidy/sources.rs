//! Sources: how a file begins, how long it may be, and what no file may say.

use super::{assert_none, files};

/// Longer than this and a file has two subjects.
const MOST_LINES: usize = 500;

/// What no file may contain, and why. Each is put together here, so that this file does not contain it either.
const FORBIDDEN: [(&str, &str); 5] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tm", "p/h/"), "a path of one machine"),
    (concat!("unbounded_channel", "("), "nothing in this program is unbounded"),
    (concat!("<<<<", "<<< "), "a merge left undone"),
    (concat!("#[igno", "re]"), "an ignored test says why: ignore = \"long: ...\""),
];

#[test]
fn every_file_says_first_what_it_is_for() {
    let findings: Vec<String> = files(".rs")
        .into_iter()
        .filter(|file| {
            let first = file.text.lines().next().unwrap_or_default();
            let says = first.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty());
            !says && !first.starts_with("#!")
        })
        .map(|file| file.path)
        .collect();
    assert_none(&findings, "the first line of a source file is a //! line that says what it is for");
}

#[test]
fn no_file_is_too_long() {
    let findings: Vec<String> = files(".rs")
        .into_iter()
        .map(|file| (file.text.lines().count(), file.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&findings, "a source file has at most 500 lines: split it by subject");
}

#[test]
fn no_file_says_what_is_forbidden() {
    let mut findings = Vec::new();
    for file in files("") {
        for (number, line) in file.text.lines().enumerate() {
            for (needle, why) in FORBIDDEN {
                if line.contains(needle) {
                    findings.push(format!("{}:{}: `{needle}`: {why}", file.path, number + 1));
                }
            }
        }
    }
    assert_none(&findings, "found what no file may contain");
}
