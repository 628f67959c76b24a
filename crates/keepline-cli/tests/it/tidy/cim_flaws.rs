//! cim's flaws: docs/cim.md has a row for each, and each row a test of its number or a reason why not.

use super::{assert_none, files};

/// The last flaw of the list, which starts at F1.
const LAST: usize = 36;
/// What the row of a flaw that can't exist here says.
const NOT_HERE: &str = "Not here: ";

#[test]
fn every_flaw_of_cim_has_a_test_or_a_reason() {
    let document = files(".md").into_iter().find(|file| file.path == "docs/cim.md").expect("docs/cim.md exists");
    let sources = files(".rs");
    let mut findings = Vec::new();
    for number in 1..=LAST {
        let start = format!("| F{number} |");
        let Some(row) = document.text.lines().find(|line| line.starts_with(&start)) else {
            findings.push(format!("F{number} has no row"));
            continue;
        };
        let name = format!("fn cim_flaw_{number:02}_");
        let tested = sources.iter().any(|source| source.text.contains(&name));
        if tested == row.contains(NOT_HERE) {
            let what = if tested { "has a test, and its row says that it is not here" } else { "has no test" };
            findings.push(format!("F{number} {what}"));
        }
    }
    assert_none(
        &findings,
        "each of cim's flaws has a test cim_flaw_NN_..., or a row that says why it can't exist here",
    );
}
