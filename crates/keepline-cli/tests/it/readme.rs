//! The first screen of the README: `keepline` alone, the two chats, and the commands by HTTP, in a network of their own.

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
export XDG_CONFIG_HOME=$PWD/config XDG_STATE_HOME=$PWD/state
cargo() { shift 2; "$KEEPLINE" "$@"; }
mkfifo keys
source ./bob.sh <keys >bob.out & bob=$!
exec 3>keys
until grep -q connected bob.out; do kill -0 $bob; sleep 0.05; done
source ./alice.sh <<<'hello from alice' >alice.out
until grep -q 'alice: hello from alice' bob.out; do kill -0 $bob; sleep 0.05; done
exec 3>&-; wait $bob
source ./readme.sh >answers
kill -9 $server; wait $server || true
start second.log
curl -s $api/v1/conversations/p.ann.ben/messages -H "authorization: Bearer $ben" >again
curl -s $api/registerAccount -H "$json" -d '{"userName":"zs"}' >cim
"#;

fn readme() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    fs::read_to_string(readme).expect("the README can be read")
}

/// The command with which somebody chats.
fn chat(name: &str) -> String {
    let text = readme();
    let fits = |line: &&str| line.starts_with("cargo run -- chat") && line.ends_with(name);
    format!("{}\n", text.lines().find(fits).expect("the README has the chat"))
}

/// The commands of the block that begins with the API's address.
fn commands() -> String {
    let text = readme();
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
    for name in ["alice", "bob"] {
        fs::write(folder.join(format!("{name}.sh")), chat(name)).expect("the commands can be written");
    }
    let mut shell = Command::new("unshare");
    shell.args(["--net", "bash", "-c", SCRIPT]).current_dir(&folder).env("KEEPLINE", env!("CARGO_BIN_EXE_keepline"));
    let ran = shell.output().expect("unshare runs");
    let said = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let logs = ["first.log", "second.log", "alice.out", "bob.out"].map(said).concat();
    let story = format!("{}{logs}", String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{story}");
    assert_eq!(said("answers").matches(r#""text":"hello""#).count(), 1, "{}\n{story}", said("answers"));
    assert_eq!(said("again").matches(r#""text":"hello""#).count(), 1, "after kill -9: {}\n{story}", said("again"));
    assert!(said("cim").contains(r#""code":"9000""#), "cim's dialects are on: {}", said("cim"));
    fs::remove_dir_all(&folder).expect("the folder can go");
}
