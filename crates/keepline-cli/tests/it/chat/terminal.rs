//! On a terminal: messages come above the line that is being typed, which stays as it is.

use std::cell::Cell;

use super::scene::Scene;
use super::screen::{Screen, last};

/// The seconds that the prompt counts; 0 where it counts none.
fn counted(shown: &str) -> u64 {
    let count =
        last(shown).split_once("(down, next try in ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    count.unwrap_or(0)
}

#[test]
fn the_line_that_is_typed_stays_whole_while_messages_come_and_the_server_goes() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("");
    let (ann, bob) = (Screen::chat(&scene, "ann"), Screen::chat(&scene, "bob"));
    ann.type_in("half a li");
    ann.wait("what is typed", |shown| last(shown) == "all> half a li");
    bob.type_in("hello");
    bob.press("Enter");
    ann.wait("the message above it", |shown| shown.contains("[all] bob: hello") && last(shown) == "all> half a li");
    server.kill();
    let before = Cell::new(0);
    ann.wait("that the line is down, and the seconds to the next try, counted", |shown| {
        let now = counted(shown);
        let before = before.replace(now);
        now > 0 && before == now + 1
    });
    ann.wait("the line that is typed", |shown| last(shown).ends_with("s)> half a li"));
    bob.wait("that the line is down", |shown| last(shown).contains("(down"));
    bob.type_in("said while it was down");
    bob.press("Enter");
    bob.wait("that it waits", |shown| {
        shown.contains("\"said while it was down\" waits for the line") && last(shown).contains("1 unsent)>")
    });
    ann.type_in("ne");
    let _server = scene.serve("");
    let shown = ann.wait("the message", |shown| shown.contains("[all] bob: said while it was down"));
    ann.wait("the prompt", |shown| last(shown) == "all> half a line");
    assert_eq!(shown.matches("* the line is back").count(), 1, "{shown}");
    ann.press("Enter");
    let shown = bob.wait("ann's line, and a prompt that is as it was", |shown| {
        shown.contains("[all] ann: half a line") && last(shown) == "all>"
    });
    assert!(shown.contains("\"said while it was down\" to all: stored as number 2"), "{shown}");
    let shown = ann.shown();
    assert_eq!(shown.matches("bob: said while it was down").count(), 1, "once: {shown}");
}

#[test]
fn a_long_line_and_the_place_in_it_survive_what_comes_above() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (ann, mut bob) = (Screen::chat(&scene, "ann"), scene.chat("bob"));
    let connected = ann.shown();
    // 80 columns hold the prompt and 37 of these signs; so they take three rows.
    let long = "长".repeat(90);
    ann.type_in(&long);
    ann.wait("what is typed", |shown| shown.matches('长').count() == 90);
    for number in 0..6 {
        // The cursor stands behind the line at first, three rows below its begin.
        if number == 3 {
            ann.press("Home");
        }
        bob.say(&format!("message {number}"));
        ann.wait("it", |shown| shown.contains(&format!("bob: message {number}")) && shown.matches('长').count() == 90);
    }
    ann.type_in("first ");
    let shown = ann.wait("a word in front", |shown| shown.contains("all> first 长"));
    for line in connected.lines().filter(|line| line.starts_with('*')) {
        assert!(shown.contains(line), "{line} was overwritten: {shown}");
    }
    for number in 0..6 {
        assert_eq!(shown.matches(&format!("bob: message {number}")).count(), 1, "{shown}");
    }
    ann.press("Enter");
    bob.out("the long line", |line| line.ends_with(&format!("[all] ann: first {long}")));
}

#[test]
fn tab_completes_and_ctrl_c_leaves_at_the_second_time() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (ann, mut bob) = (Screen::chat(&scene, "ann"), scene.chat("bob"));
    bob.say("here I am");
    ann.wait("bob", |shown| shown.contains("bob: here I am"));
    for (typed, completed) in [("bo", "all> bob;;"), (":hist", "all> :history"), (":to @b", "all> :to @bob")] {
        ann.type_in(typed);
        ann.press("Tab");
        ann.wait(completed, |shown| last(shown) == completed);
        ann.press("C-u");
        ann.wait("an empty line", |shown| last(shown) == "all>");
    }
    ann.type_in(":pu b");
    ann.press("Enter");
    ann.wait("bob, found", |shown| shown.lines().any(|line| line == "bob"));
    ann.press("C-c");
    ann.wait("a warning", |shown| shown.contains("once more leaves"));
    ann.type_in("something else");
    ann.press("Enter");
    bob.out("it", |line| line.ends_with("ann: something else"));
    ann.press("C-c");
    ann.wait("a second warning", |shown| shown.matches("once more leaves").count() == 2);
    ann.press("C-c");
    ann.wait("the end", |shown| shown.contains("chat ended with 0"));
    bob.say(":olu");
    bob.out("bob alone", |line| line == "bob");
}

#[test]
fn a_paste_is_one_message_and_no_line_of_it_a_command() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (ann, bob) = (Screen::chat(&scene, "ann"), scene.chat("bob"));
    ann.paste("look:\n:q!\n:kick me\n");
    let shown = ann.wait("the paste, unsent", |shown| shown.contains("\n:kick me"));
    assert!(shown.contains("all> look:\n:q!"), "{shown}");
    ann.press("Enter");
    bob.out("it, whole", |line| line.ends_with("[all] ann: look:\\n:q!\\n:kick me"));
    let shown = ann.wait("the prompt", |shown| last(shown) == "all>");
    assert!(!shown.contains("session of yours"), "{shown}");
}

#[test]
fn what_the_prompt_said_before_is_not_left_above() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    assert!(scene.keepline(&["users", "--as", "ann"]).output().expect("it runs").status.success());
    // The prompt stands in the first row, as there is no new account to tell of.
    let ann = Screen::chat(&scene, "ann");
    let shown = ann.wait("the prompt", |shown| last(shown) == "all>");
    assert!(shown.starts_with("* connected: ann at"), "{shown}");
}
