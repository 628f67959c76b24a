//! A chat that is frozen for longer than the server waits comes back, and `:why` tells what happened.

use rustix::process::Signal;

use super::scene::Scene;
use super::screen::{Screen, last};

#[test]
fn a_frozen_chat_comes_back_and_why_tells_of_the_silence() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("--ping-after 500ms --silence 2500ms");
    let (ann, mut bob) = (Screen::chat(&scene, "ann"), scene.chat("bob"));
    ann.type_in("before the frost");
    ann.wait("what is typed", |shown| last(shown) == "all> before the frost");
    ann.signal(Signal::STOP);
    // The server's own word, not a guess at how long it takes.
    loop {
        bob.say(":pu ann");
        if bob.out("whether ann is there", |line| line == "ann" || line == "nobody") == "nobody" {
            break;
        }
    }
    bob.say("ann;;are you there?");
    bob.out("that it is stored", |line| line.contains("\"are you there?\" to @ann: stored"));
    ann.signal(Signal::CONT);
    let shown = ann.wait("what was said meanwhile", |shown| shown.contains("[@bob] bob: are you there?"));
    assert_eq!(shown.matches("are you there?").count(), 1, "{shown}");
    ann.wait("the line that was typed", |shown| last(shown) == "all> before the frost");
    ann.press("C-u");
    ann.type_in(":why");
    ann.press("Enter");
    let shown = ann.wait("the way down", |shown| shown.contains("  down: "));
    let why: Vec<&str> = shown.lines().skip_while(|line| *line != "all> :why").skip(1).collect();
    // Not `reset`: the server's last word was there when the chat was thawed.
    let story =
        ["  up at ", "; the server takes a line for dead that is silent for 2.5 s", "  down: silent ", "  up at "];
    let row =
        |part: &str| why.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part:?}: {shown}"));
    let [up, still, down, _] = story.map(row);
    assert!(up < still && still < down, "{shown}");
    assert!(why[down].contains("(server side)") && why[down].contains("tries again after"), "{shown}");
    assert!(why[down..].iter().any(|line| line.contains(story[3])), "{shown}");
    drop(server);
}
