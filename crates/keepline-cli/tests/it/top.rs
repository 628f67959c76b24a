//! Top: `keepline top` as an operator uses it, in a terminal by tmux, and as a script does.

mod document;
mod once;
mod screen;

use crate::chat::scene::Scene;

/// Where the servers of these scenes keep the token of their admin listener.
const TOKEN: &str = "--admin-token-file data/admin.token";

/// `keepline` with these arguments, run to its end: its exit code, and what it said on stdout and stderr.
fn run(scene: &Scene, arguments: &str) -> (Option<i32>, String, String) {
    let arguments: Vec<_> = arguments.split(' ').collect();
    let ran = scene.keepline(&arguments).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}
