//! `keepline --version`.

use super::keepline;
use crate::tidy::root;

#[test]
fn the_version_says_of_which_commit_it_is() {
    let output = keepline("--version", &[]).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let commit = said.trim().strip_prefix("keepline ").and_then(|rest| rest.split_once(" (")).map(|(_, commit)| commit);
    let commit = commit.and_then(|commit| commit.strip_suffix(')')).unwrap_or_else(|| panic!("{said:?}"));
    // A package is built without `.git`, and may be without the variable that says it.
    let may_be_unknown = !root().join(".git").exists();
    let is_one = commit.len() == 12 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(is_one || (commit == "unknown" && may_be_unknown), "{said:?}");
}
