//! A chat whose output nobody reads for a while: its line stays alive.

use std::io::Read as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::scene::Scene;
use crate::harness::{Process, ms};

/// What the server bears of silence.
const SILENCE: Duration = ms(1500);

/// Messages, and letters of each: more than a pipe holds.
const MESSAGES: usize = 10;
const LETTERS: usize = 30_000;

#[test]
fn a_line_lives_while_its_output_waits_for_a_reader() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("--ping-after 500ms --silence 1500ms");
    let mut bob = scene.chat("bob");
    let mut ann = scene.keepline(&["chat", "--as", "ann"]);
    let mut ann = ann.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    while !is_there(&mut bob) {}
    for _ in 0..MESSAGES {
        bob.say(&format!("ann;;{}", "x".repeat(LETTERS)));
    }
    bob.out("the last to be stored", |line| line.contains(&format!("stored as number {MESSAGES} at ")));
    let by = Instant::now() + 2 * SILENCE;
    while Instant::now() < by {
        assert!(is_there(&mut bob), "the server gave ann up");
        sleep(ms(100));
    }
    // Its end makes it say the rest.
    drop(ann.stdin.take());
    let mut said = String::new();
    ann.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert!(ann.wait().expect("our own child").success());
    assert_eq!(said.lines().filter(|line| line.contains("bob: xxx") && line.len() > LETTERS).count(), MESSAGES);
    assert!(!said.contains("* the line is down"), "it never was");
}

fn is_there(bob: &mut Process) -> bool {
    bob.say(":pu ann");
    bob.out("whether ann is there", |line| line == "ann" || line == "nobody") == "ann"
}
