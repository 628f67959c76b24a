//! Screen: what an operator sees and presses, and what becomes of it.

use rustix::process::Signal;

use super::TOKEN;
use crate::chat::scene::Scene;
use crate::chat::screen::Screen;

/// Wide enough for every column and for the last minute.
const SIZE: (u16, u16) = (130, 30);

fn top<'a>(scene: &'a Scene, more: &str) -> Screen<'a> {
    Screen::of(scene, "top", &format!("top --every 200ms {TOKEN}{more}"), SIZE)
}

/// Whether one stands above the other.
fn above(shown: &str, one: &str, other: &str) -> bool {
    let row = |user: &str| shown.lines().position(|line| line.get(2..).is_some_and(|row| row.starts_with(user)));
    row(one).zip(row(other)).is_some_and(|(one, other)| one < other)
}

#[test]
fn sessions_are_seen_sorted_filtered_looked_at_and_ended() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (mut ann, bob) = (scene.chat("ann"), scene.chat("bob"));
    let top = top(&scene, "");
    top.wait("both", |shown| {
        shown.contains("sessions 2 (v1 2)  connections 2 ") && shown.contains("1-2 of 2  by IDLE")
    });
    top.wait("no message so far", |shown| shown.contains("messages 0.0/s") && !shown.contains('█'));
    ann.say("one");
    ann.say("two");
    top.wait("their rate", |shown| shown.contains('█'));
    top.press("1");
    top.wait("by name", |shown| shown.contains("by USER, ascending") && above(shown, "ann ", "bob "));
    top.press("r");
    top.wait("the other way round", |shown| above(shown, "bob ", "ann ") && shown.contains("USER▼"));
    top.type_in("/an");
    top.wait("ann alone", |shown| shown.contains("filter: an_") && !shown.contains(" bob "));
    top.press("Escape");
    top.wait("both again", |shown| shown.contains("1-2 of 2"));
    top.type_in("/bo");
    top.press("Enter");
    top.wait("bob alone", |shown| shown.contains("1-1 of 1  by USER, descending  filter: bo"));
    top.press("Enter");
    let shown = top.wait("his timeline", |shown| {
        shown.contains("logged in from 127.0.0.1:")
            && shown.contains("terms: it pings after 25s, and is cut off after 1m00s")
    });
    assert!(shown.contains("round trip 0.") && shown.contains("it has everything"), "{shown}");
    top.press("k");
    top.wait("a question", |shown| shown.contains("kick bob on ") && shown.contains("y yes, kick"));
    top.press("n");
    top.wait("nothing done", |shown| !shown.contains("kick bob on ") && !shown.contains("it has ended"));
    top.type_in("ky");
    top.wait("his end", |shown| {
        shown.contains("was kicked")
            && shown.contains("it has ended")
            && shown.contains("ended: kicked (server), after")
    });
    let ended = bob.end();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    top.press("Escape");
    top.wait("nobody", |shown| shown.contains("nobody fits the filter") && shown.contains("ended: kicked (server) 1"));
    top.press("q");
    top.wait("the end", |shown| shown.contains("top ended with 0, icanon") && !shown.contains("keepline top"));
    ann.say(":q!");
    assert_eq!(ann.end().code, Some(0));
}

#[test]
fn read_only_nobody_is_ended_and_a_server_that_goes_comes_back() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("");
    let _ann = scene.chat("ann");
    let top = top(&scene, " --read-only");
    top.wait("ann", |shown| shown.contains("> ann ") && shown.contains("read-only: no kick"));
    top.type_in("ky");
    top.wait("a refusal", |shown| shown.contains("nobody is kicked here: --read-only"));
    server.kill();
    top.wait("that it has gone", |shown| {
        shown.contains("no answer, next try in ")
            && shown.contains("no server at http://127.0.0.1:8084")
            && shown.contains("> ann ")
    });
    let _server = scene.serve("");
    top.wait("that it is back", |shown| shown.contains("Z  live") && shown.contains("> ann "));
    top.signal(Signal::TERM);
    top.wait("the end", |shown| shown.contains("top ended with 0, icanon") && !shown.contains("keepline top"));
}

#[test]
fn ctrl_c_ends_it_and_a_low_terminal_says_so() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let top = Screen::of(&scene, "top", &format!("top {TOKEN}"), (50, 6));
    top.wait("a word", |shown| shown.contains("40 columns and 8 rows are needed; q quits"));
    top.press("C-c");
    top.wait("the end", |shown| shown.contains("top ended with 0, icanon"));
}

#[test]
fn a_hangup_gives_the_terminal_back() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let top = top(&scene, "");
    top.wait("nobody", |shown| shown.contains("nobody is logged in"));
    top.signal(Signal::HUP);
    top.wait("the end", |shown| shown.contains("top ended with 0, icanon") && !shown.contains("keepline top"));
}
