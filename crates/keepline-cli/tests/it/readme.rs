//! The first screen of the README: `keepline` alone, and the commands that follow it, in a network of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

/// Where the default ports are free; the server's first line is waited for, and it is killed before it is asked again.
const SCRIPT: &str = r#"
set -euo pipefail
ip link set lo up
start() { "$KEEPLINE" >"$1" 2>&1 & server=$!; until grep -q 'listening on' "$1"; do kill -0 $server; sleep 0.05; done; }
trap 'kill $server' EXIT
start first.log
source ./readme.sh >answers
kill -9 $server; wait $server || true
start second.log
curl -s $api/v1/conversations/p.ann.bob/messages -H "authorization: Bearer $bob" >again
curl -s $api/registerAccount -H "$json" -d '{"userName":"zs"}' >cim
"#;

/// The commands of the block that begins with the API's address.
fn commands() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(readme).expect("the README can be read");
    let (_, block) = text.split_once("```sh\napi=").expect("the README has the commands");
    let (block, _) = block.split_once("\n```").expect("the block ends");
    format!("api={block}\n")
}

#[test]
fn the_first_screen_of_the_readme_is_true() {
    if !geteuid().is_root() {
        println!("SKIPPED: a network namespace needs root");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder of our own");
    fs::write(folder.join("readme.sh"), commands()).expect("the commands can be written");
    let mut shell = Command::new("unshare");
    shell.args(["--net", "bash", "-c", SCRIPT]).current_dir(&folder).env("KEEPLINE", env!("CARGO_BIN_EXE_keepline"));
    let ran = shell.output().expect("unshare runs");
    let said = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let story = format!("{}{}{}", String::from_utf8_lossy(&ran.stderr), said("first.log"), said("second.log"));
    assert!(ran.status.success(), "{story}");
    assert_eq!(said("answers").matches(r#""text":"hello""#).count(), 1, "{}\n{story}", said("answers"));
    assert_eq!(said("again").matches(r#""text":"hello""#).count(), 1, "after kill -9: {}\n{story}", said("again"));
    assert!(said("cim").contains(r#""code":"9000""#), "cim's dialects are on: {}", said("cim"));
    fs::remove_dir_all(&folder).expect("the folder can go");
}
