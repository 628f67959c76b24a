//! Tidy: the rules of the workspace that no compiler checks, each a test.

mod arrows;
mod cim_flaws;
mod documents;
mod pitfalls;
mod security;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/ is above this crate");
    crates.parent().expect("the root is above crates/")
}

/// A file of the project, by its path from the root.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Runs a program in the root and returns its stdout.
fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} failed: {stderr}");
    output.stdout
}

/// The paths that git knows or would add: a new file is held to the rules before it is committed.
fn paths() -> Vec<String> {
    // A checkout that belongs to another user (a mounted folder) is still ours to look at.
    let list =
        output("git", &["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = String::from_utf8(list).expect("paths are UTF-8");
    let mut paths: Vec<String> = list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    assert!(paths.iter().any(|path| path == "Cargo.toml"), "git lists no Cargo.toml: not a checkout? {paths:?}");
    paths
}

/// The text files among them whose names end in `suffix`. Binary ones (a corpus) and deleted ones are left out.
pub(crate) fn files(suffix: &str) -> Vec<File> {
    let read = |path: String| {
        let text = fs::read_to_string(root().join(PathBuf::from(&path))).ok()?;
        Some(File { path, text })
    };
    paths().into_iter().filter(|path| path.ends_with(suffix)).filter_map(read).collect()
}

/// Fails with every finding at once, so that one run is enough to mend them all.
#[track_caller]
pub(crate) fn assert_none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}
