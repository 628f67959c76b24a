//! A chat that is frozen for longer than the server waits comes back, and `:why` tells what happened.

use rustix::process::Signal;

use super::scene::Scene;
use super::screen::{Screen, last};

#[test]
fn a_frozen_chat_comes_back_and_why_tells_of_the_silence() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("--ping-after 500ms --silence 1500ms");
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
    let shown = ann.wait("the reason", |shown| shown.contains("down: silent (server side)"));
    let why: Vec<&str> = shown.lines().skip_while(|line| *line != "all> :why").collect();
    let row = |part: &str| why.iter().position(|line| line.contains(part));
    let (up, down) = (row("  up at "), row("down: silent (server side)"));
    assert!(up.is_some() && up < down, "{shown}");
    assert!(why[down.unwrap_or_default()].contains("tries again after"), "{shown}");
    assert!(why[down.unwrap_or_default()..].iter().any(|line| line.contains("  up at ")), "{shown}");
    drop(server);
}
