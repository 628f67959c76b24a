//! docs/top.md: each of its commands does what the page says.

use std::fs;
use std::path::Path;

use super::{TOKEN, run};
use crate::chat::scene::Scene;
use crate::chat::screen::Screen;

/// The commands of the page.
fn commands() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/top.md");
    let page = fs::read_to_string(page).expect("the page");
    page.lines()
        .filter_map(|line| line.strip_prefix("keepline top"))
        .filter(|rest| !rest.starts_with("  http"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_of_the_page_works() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let _ann = scene.chat("ann");
    let commands = commands();
    assert!(commands.len() >= 4, "{commands:?}");
    for (number, flags) in commands.iter().enumerate() {
        // The page is for who stands where the server keeps its data.
        let arguments = format!("top {TOKEN}{flags}");
        if flags.contains("--once") {
            let (code, out, err) = run(&scene, &arguments);
            assert!(code == Some(0) && out.contains("ann"), "{arguments}: {out}{err}");
        } else {
            let top = Screen::of(&scene, &format!("top{number}"), &arguments, (80, 24));
            top.wait("ann", |shown| shown.contains("> ann "));
            top.press("q");
            top.wait("the end", |shown| shown.contains("top ended with 0"));
        }
    }
}
