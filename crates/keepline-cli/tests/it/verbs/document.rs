//! Document: every command of the page about the verbs does what it is shown for.

use std::fs;
use std::path::Path;

use super::scene::Scene;

/// The lines of all blocks of commands.
fn commands() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verbs.md");
    let text = fs::read_to_string(page).expect("the page can be read");
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.collect()
}

#[test]
fn every_command_of_the_page_works() {
    let scene = Scene::open();
    let commands = commands();
    assert!(commands.lines().filter(|line| line.contains("keepline ")).count() > 12, "{commands}");
    // The page is for the default ports; a test takes free ones.
    let commands = commands.replace("--admin", &format!("--admin={}", scene.admin));
    let commands = commands.replace("keepline sub", &format!("keepline sub --tcp {}", scene.tcp));
    let script = format!("set -euo pipefail\ncd \"$XDG_CONFIG_HOME\"\n{commands}");
    let mut shell = scene.person.command("bash", &["-c", &script]);
    let binary = Path::new(env!("CARGO_BIN_EXE_keepline")).parent().expect("it is in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{path}", binary.display()));
    let ran = shell.output().expect("bash runs");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
    for said in ["sent to all as 1", "hello, Ann", "sent to g.team as 1", "happy new hour", "token revoked"] {
        assert!(out.contains(said), "no {said}:\n{out}\n{err}");
    }
}
