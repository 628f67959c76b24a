//! Tells the binary the commit it is built from: read from `.git` as it lies there, without a process or a network.
//!
//! `KEEPLINE_COMMIT` says it for who builds without `.git`, as a package does; else it is `unknown`. Only another commit
//! has the binary built again.

use std::env;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=KEEPLINE_COMMIT");
    let said = env::var("KEEPLINE_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = said.or_else(commit).unwrap_or_else(|| "unknown".to_owned());
    let short: String = commit.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    println!("cargo::rustc-env=KEEPLINE_COMMIT={short}");
}

fn commit() -> Option<String> {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("../..");
    let git = root.join(".git");
    // In a further worktree it is a file that names the folder.
    let folder = match fs::read_to_string(&git) {
        Ok(text) => root.join(text.trim().strip_prefix("gitdir: ")?),
        Err(_) => git,
    };
    let head = watched(&folder.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else { return Some(head) };
    let common =
        fs::read_to_string(folder.join("commondir")).map_or_else(|_| folder.clone(), |path| folder.join(path.trim()));
    let packed = || {
        let packed = watched(&common.join("packed-refs"))?;
        let line = packed.lines().find(|line| line.ends_with(&format!(" {name}")))?;
        Some(line.split(' ').next()?.to_owned())
    };
    watched(&common.join(name)).or_else(packed)
}

/// A file's text; cargo looks at it from now on.
fn watched(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text.trim().to_owned())
}
