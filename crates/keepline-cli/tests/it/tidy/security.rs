//! Security: docs/security.md has a row for each attack that we promise something about, with tests that are there.

use super::{File, assert_none, files};

/// Those of the list of attacks that the page is about.
const ROWS: [&str; 25] = [
    "A9", "A10", "A11", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "C1", "C3", "C4", "C5", "C6", "C8", "D2", "D3",
    "D4", "D8", "D9", "G1", "G2", "G3", "C2",
];

/// The cells of each row of an attack.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let attack = |row: &Vec<&str>| {
        let number = row[0].strip_prefix(|c: char| c.is_ascii_uppercase());
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).filter(attack).collect()
}

/// The tests and modules in a cell: what has the form of a name of Rust.
fn named(cell: &str) -> Vec<&str> {
    let is_name = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:.".contains(&byte))
            && (name.contains('_') || name.contains("::"))
    };
    cell.split('`').skip(1).step_by(2).filter(is_name).collect()
}

/// Whether there is such a test, or one that begins so where the name is cut, or such a module.
fn exists(name: &str, sources: &[File]) -> bool {
    let last = name.rsplit("::").next().unwrap_or(name);
    let wanted = match last.strip_suffix("...") {
        Some(begin) => vec![format!("fn {begin}")],
        None => vec![format!("fn {last}("), format!("mod {last};")],
    };
    sources.iter().any(|source| wanted.iter().any(|wanted| source.text.contains(wanted.as_str())))
}

#[test]
fn every_attack_has_its_row_with_tests_that_are_there() {
    let page = files(".md").into_iter().find(|file| file.path == "docs/security.md").expect("the page is there");
    let (rows, sources) = (rows(&page.text), files(".rs"));
    let mut findings = Vec::new();
    for attack in ROWS {
        if !rows.iter().any(|row| row[0] == attack) {
            findings.push(format!("{attack} has no row"));
        }
    }
    for row in &rows {
        let [attack, _, promise, tests, ..] = row[..] else { panic!("{row:?} is no row of an attack") };
        let named = named(tests);
        if promise.is_empty() || named.is_empty() {
            findings.push(format!("{attack}: no promise, or no test of it"));
        }
        let missing = named.into_iter().filter(|name| !exists(name, &sources));
        findings.extend(missing.map(|name| format!("{attack}: no test or module {name}")));
    }
    assert_none(&findings, "docs/security.md promises what a test holds");
}
