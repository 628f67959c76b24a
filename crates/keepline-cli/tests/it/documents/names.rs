//! Names: what a page calls a flag, a setting or a variable is one, as the reference has it.

use std::collections::BTreeSet;

use super::page::{page, pages};
use crate::tidy::assert_none;

/// Those of `cargo` and `scripts/test`, and what every command has.
const OF_OTHERS: [&str; 12] = [
    "--help",
    "--ignored",
    "--long",
    "--nocapture",
    "--now",
    "--release",
    "--test",
    "--workspace",
    "KEEPLINE_BLESS",
    "KEEPLINE_CHURN",
    "KEEPLINE_LONG",
    "KEEPLINE_SEED",
];

/// The flags, variables and settings in a text. A setting is in one of these sections.
fn names(text: &str, sections: &BTreeSet<String>) -> BTreeSet<String> {
    let words = text.split(|sign: char| !sign.is_alphanumeric() && !"-_.".contains(sign));
    let named = |word: &&str| {
        let setting = word.split_once('.').is_some_and(|(section, _)| sections.contains(section));
        word.starts_with("--") && word.len() > 2 || word.starts_with("KEEPLINE_") || setting && !word.ends_with(".md")
    };
    words.filter(named).map(str::to_owned).collect()
}

#[test]
fn every_flag_setting_and_variable_that_a_page_names_is_in_the_reference() {
    let reference = page("docs/reference.md").text;
    let keys = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let sections = keys.filter_map(|key| Some(key.split_once('.')?.0.to_owned())).collect();
    let known = names(&reference, &sections);
    assert!(known.len() > 60 && known.contains("--http") && known.contains("liveness.silence"), "{known:?}");
    let mut findings = Vec::new();
    for page in pages().into_iter().filter(|page| page.path.starts_with("docs/") || page.path.starts_with("README")) {
        let unknown = names(&page.code().join(" "), &sections).into_iter().filter(|name| !known.contains(name));
        let unknown = unknown.filter(|name| !OF_OTHERS.contains(&&name[..]));
        findings.extend(unknown.map(|name| format!("{}: {name}", page.path)));
    }
    assert_none(&findings, "the pages name what docs/reference.md has");
}
