//! Languages: the README in Chinese has what the one in English has.

use std::collections::BTreeSet;

use super::page::{Page, page};

fn both() -> [Page; 2] {
    [page("README.md"), page("README.zh-CN.md")]
}

/// The targets of the links, but for those from the one to the other.
fn links(page: &Page) -> Vec<String> {
    let links = page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let mut links: Vec<_> = links.filter(|link| !link.starts_with("README")).map(str::to_owned).collect();
    links.sort();
    links
}

#[test]
fn both_readmes_have_the_same_blocks() {
    let [english, chinese] = both().map(|page| {
        let blocks = page.blocks().into_iter().map(|block| (block.info, block.lines));
        blocks.collect::<Vec<_>>()
    });
    assert!(english.len() > 5);
    assert_eq!(english, chinese);
}

#[test]
fn both_readmes_have_the_same_headings_and_links() {
    let [english, chinese] = both().map(|page| {
        let levels = page.text.lines().filter(|line| line.starts_with('#')).filter_map(|line| line.split(' ').next());
        (levels.map(str::to_owned).collect::<Vec<_>>(), links(&page))
    });
    assert_eq!(english, chinese);
}

#[test]
fn both_readmes_name_the_same_commands_files_and_reasons() {
    let [english, chinese] = both().map(|page| page.code().into_iter().collect::<BTreeSet<_>>());
    assert!(english.len() > 20, "{english:?}");
    assert_eq!(english, chinese);
}

#[test]
fn each_readme_leads_to_the_other_in_its_first_lines() {
    let [english, chinese] = both();
    for (page, other) in [(english, "(README.zh-CN.md)"), (chinese, "(README.md)")] {
        assert!(page.text.lines().take(5).any(|line| line.contains(other)), "{}: no link {other}", page.path);
    }
}
