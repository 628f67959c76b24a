//! Document: the page about the chat has each command, and its own commands work.

use std::fs;
use std::path::Path;

use super::scene::Scene;

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/chat.md");
    fs::read_to_string(page).expect("the page can be read")
}

#[test]
fn every_command_of_the_page_works_and_every_command_is_on_it() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let page = page();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let script = format!("set -euo pipefail\n{}", blocks.collect::<String>());
    let binary = Path::new(env!("CARGO_BIN_EXE_keepline")).parent().expect("it is in a folder");
    let mut shell = scene.program("bash");
    shell
        .args(["-c", &script])
        .env("PATH", format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default()));
    let ran = shell.output().expect("bash runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{ran:?}");
    assert!(said.contains("\"the build is green\" to #team: stored as number 1"), "{said}");
    let mut ann = scene.chat("ann");
    ann.say(":all");
    ann.say(":q!");
    let commands = ann.end().out;
    let names: Vec<_> =
        commands.iter().filter(|line| line.starts_with(':')).filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 20, "{commands:?}");
    for name in names {
        assert!(
            page.contains(&format!("`{name}`")) || page.contains(&format!("`{name} ")),
            "{name} is not on the page"
        );
    }
}
