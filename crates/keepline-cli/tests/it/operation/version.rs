//! `keepline --version`.

use super::keepline;

#[test]
fn the_version_says_of_which_commit_it_is() {
    let output = keepline("--version", &[]).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let commit = said.trim().strip_prefix("keepline ").and_then(|rest| rest.split_once(" (")).map(|(_, commit)| commit);
    let commit = commit.and_then(|commit| commit.strip_suffix(')')).unwrap_or_else(|| panic!("{said:?}"));
    assert!(commit == "unknown" || (commit.len() == 12 && commit.bytes().all(|b| b.is_ascii_hexdigit())), "{said:?}");
}
