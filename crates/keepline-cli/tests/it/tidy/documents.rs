//! Documents: links that lead somewhere, and dependencies that are explained.

use std::fs;

use super::{File, assert_none, files, root};

/// The targets of the links in a Markdown text, outside of code blocks: `](target)`, with or without a title.
fn links(text: &str) -> Vec<&str> {
    let mut in_code = false;
    let mut links = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            links.push(target);
        }
    }
    links
}

/// Whether a link of this file leads to something that exists, and to a heading that is there. Links out of the project
/// are not looked at.
fn resolves(file: &File, link: &str) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return true;
    }
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    if target.starts_with('/') {
        return false;
    }
    let path = root().join(&file.path);
    let path = if target.is_empty() { path } else { path.with_file_name("").join(target) };
    match anchor {
        "" => path.exists(),
        anchor => fs::read_to_string(path).is_ok_and(|text| anchors(&text).iter().any(|known| known == anchor)),
    }
}

/// The anchors of a page: its headings in small letters, with hyphens for spaces and without other signs, as the
/// places where such pages are shown make them.
fn anchors(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut anchors: Vec<String> = Vec::new();
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if in_code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let plain = heading.trim().chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'));
        let name: String =
            plain.flat_map(char::to_lowercase).map(|sign| if sign == ' ' { '-' } else { sign }).collect();
        let same = anchors.iter().filter(|known| **known == name).count();
        anchors.push(if same == 0 { name } else { format!("{name}-{same}") });
    }
    anchors
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut findings = Vec::new();
    for file in files(".md") {
        for link in links(&file.text).into_iter().filter(|link| !resolves(&file, link)) {
            findings.push(format!("{}: {link}", file.path));
        }
    }
    assert_none(&findings, "a relative link leads to a file of the project, and to a heading in it");
}

#[test]
fn every_dependency_has_its_reason() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    let (manifest, document) = (read("Cargo.toml"), read("docs/dependencies.md"));
    let names: Vec<&str> = manifest
        .lines()
        .skip_while(|line| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("keepline"))
        .collect();
    assert!(names.contains(&"tokio"), "the list of dependencies was not found: {names:?}");
    let findings: Vec<String> =
        names.iter().filter(|name| !document.contains(&format!("| `{name}` |"))).map(ToString::to_string).collect();
    assert_none(&findings, "every dependency has a row in docs/dependencies.md");
}
