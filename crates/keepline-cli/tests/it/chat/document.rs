//! Document: the page about the chat has each command.

use std::fs;
use std::path::Path;

use super::scene::Scene;

#[test]
fn every_command_is_on_the_page() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/chat.md");
    let page = fs::read_to_string(page).expect("the page can be read");
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
