//! Documents: links that lead somewhere, and dependencies that are explained.

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

/// Whether a link of this file leads to something that exists. Links out of the project are not looked at.
fn resolves(file: &File, link: &str) -> bool {
    if link.contains("://") || link.starts_with("mailto:") || link.starts_with('#') {
        return true;
    }
    let target = link.split('#').next().unwrap_or_default();
    let path = root().join(&file.path);
    !target.starts_with('/') && path.parent().is_some_and(|folder| folder.join(target).exists())
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut findings = Vec::new();
    for file in files(".md") {
        for link in links(&file.text).into_iter().filter(|link| !resolves(&file, link)) {
            findings.push(format!("{}: {link}", file.path));
        }
    }
    assert_none(&findings, "a relative link leads to a file of the project");
}

#[test]
fn every_dependency_has_its_reason() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
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
