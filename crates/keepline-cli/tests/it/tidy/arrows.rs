//! Arrows: which crate may depend on which.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{assert_none, output, root};

/// From the bottom up. A crate depends on crates further left only; a new crate gets its place here.
const ORDER: [&str; 5] = ["keepline-proto", "keepline-outq", "keepline", "keepline-server", "keepline-cli"];

struct Arrow {
    from: String,
    to: String,
    /// "normal", "dev" or "build".
    kind: String,
    /// Behind a feature.
    optional: bool,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("cargo metadata has no {key} in {value}"))
}

fn packages() -> Vec<Value> {
    let metadata = output(env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: Value = serde_json::from_slice(&metadata).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("cargo metadata has packages").clone()
}

fn arrows(package: &Value) -> Vec<Arrow> {
    let dependencies = package["dependencies"].as_array().expect("a package has dependencies");
    let arrow = |dependency: &Value| Arrow {
        from: text(package, "name").to_owned(),
        to: text(dependency, "name").to_owned(),
        kind: dependency["kind"].as_str().unwrap_or("normal").to_owned(),
        optional: dependency["optional"] == Value::Bool(true),
    };
    dependencies.iter().map(arrow).collect()
}

fn is_tool(package: &Value) -> bool {
    Path::new(text(package, "manifest_path")).starts_with(root().join("tools"))
}

fn place(name: &str) -> Option<usize> {
    ORDER.iter().position(|crate_name| *crate_name == name)
}

#[test]
fn crates_depend_downwards_only() {
    let packages = packages();
    let tools: Vec<&str> = packages.iter().filter(|p| is_tool(p)).map(|p| text(p, "name")).collect();
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| !is_tool(package)) {
        let Some(from) = place(text(package, "name")) else {
            findings.push(format!("{} has no place in ORDER", text(package, "name")));
            continue;
        };
        for arrow in arrows(package) {
            // Its own tests may ask a crate for more of its features.
            let itself = arrow.to == arrow.from && arrow.kind == "dev";
            let up = !itself && place(&arrow.to).is_some_and(|to| to >= from);
            // Tests may drive a tool.
            let tool = tools.contains(&arrow.to.as_str()) && arrow.kind != "dev";
            if up || tool {
                findings.push(format!("{} -> {} ({})", arrow.from, arrow.to, arrow.kind));
            }
        }
    }
    assert_none(&findings, "crates depend downwards only, and on a tool only for their tests");
}

#[test]
fn proto_depends_on_nothing_unless_asked_to() {
    let packages = packages();
    let proto = packages.iter().find(|p| text(p, "name") == ORDER[0]).expect("keepline-proto is in the workspace");
    let findings: Vec<String> = arrows(proto)
        .into_iter()
        .filter(|arrow| arrow.kind != "dev" && !arrow.optional)
        .map(|arrow| format!("{} ({})", arrow.to, arrow.kind))
        .collect();
    assert_none(&findings, "keepline-proto without features has only dev-dependencies");
    let default = &proto["features"]["default"];
    assert!(default.is_null(), "keepline-proto has no default features, but {default}");
}

#[test]
fn unsafe_code_is_in_one_crate() {
    let mut findings = Vec::new();
    for package in packages() {
        let (name, manifest) = (text(&package, "name"), text(&package, "manifest_path"));
        let inherits =
            fs::read_to_string(manifest).is_ok_and(|manifest| manifest.contains("[lints]\nworkspace = true"));
        // Through the lints of the workspace, which forbid it.
        if inherits == (name == ORDER[1]) {
            findings.push(name.to_owned());
        }
    }
    assert_none(&findings, "every crate but keepline-outq has the workspace's lints");
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
    assert!(workspace.contains("unsafe_code = \"forbid\""), "the workspace forbids unsafe code");
    let exempt = fs::read_to_string(root().join("crates/keepline-outq/src/lib.rs")).expect("the crate has one file");
    assert_eq!(exempt.matches("unsafe {").count(), 1, "keepline-outq has one block, with its reason");
}

#[test]
fn the_checker_depends_on_nothing_of_ours() {
    let packages = packages();
    let checker =
        packages.iter().find(|p| text(p, "name") == "keepline-check").expect("the checker is in the workspace");
    let ours: Vec<&str> = packages.iter().map(|package| text(package, "name")).collect();
    let arrows = arrows(checker).into_iter().filter(|arrow| ours.contains(&arrow.to.as_str()));
    let findings: Vec<String> = arrows.map(|arrow| format!("{} ({})", arrow.to, arrow.kind)).collect();
    assert_none(&findings, "a judge that shares code with the server shares its mistakes");
}

#[test]
fn tools_are_not_published() {
    let published = |package: &&Value| is_tool(package) && package["publish"] != Value::Array(Vec::new());
    let findings: Vec<String> = packages().iter().filter(published).map(|p| text(p, "name").to_owned()).collect();
    assert_none(&findings, "what lives under tools/ says publish = false");
}
