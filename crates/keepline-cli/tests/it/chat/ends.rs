//! How a chat ends that the user did not end, and its exit code.

use std::fs;

use super::scene::Scene;
use crate::harness::Process;

#[test]
fn without_a_server_there_is_no_chat() {
    let Some(scene) = Scene::open() else { return };
    let ended = scene.keepline(&["chat", "--as", "ann"]).output().expect("it runs");
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let ended = scene.keepline(&["chat"]).output().expect("it runs");
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
}

#[test]
fn a_server_that_has_forgotten_us_is_told_again() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("");
    let mut ann = scene.chat("ann");
    ann.say(":q!");
    assert_eq!(ann.end().code, Some(0));
    server.kill();
    fs::remove_dir_all(scene.path("data")).expect("what the server kept");
    let _server = scene.serve("");
    let mut ann = scene.chat("ann");
    ann.say("new here");
    ann.out("that it is stored", |line| line.contains("\"new here\" to all: stored as number 1"));
    ann.err("that the account was made again", |line| line.contains("made the account again"));
}

#[test]
fn a_chat_begins_without_its_server_and_waits_for_it() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("");
    let mut ann = scene.chat("ann");
    ann.say(":q!");
    assert_eq!(ann.end().code, Some(0));
    server.kill();
    let mut ann = Process::spawn("ann", scene.keepline(&["chat", "--as", "ann"]));
    ann.out("that there is no connection", |line| line.starts_with("* no connection to 127.0.0.1:11211"));
    ann.say("typed before");
    ann.out("that it waits", |line| line.contains("\"typed before\" waits for the line"));
    let _server = scene.serve("");
    ann.out("that it is stored", |line| line.contains("\"typed before\" to all: stored as number 1"));
}

#[test]
fn a_full_server_says_so_and_when_to_come_again() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("--max-connections 1");
    let _ann = scene.chat("ann");
    let mut bob = Process::spawn("bob", scene.keepline(&["chat", "--as", "bob"]));
    bob.out("why it is not let in", |line| line.contains("server_full"));
    bob.say(":why");
    let why = bob.out("the same, when it is asked", |line| line.contains("down: server_full (server side)"));
    let wait = why.split_once("tries again after ").expect("it comes again").1;
    let seconds: f64 = wait.split(' ').next().and_then(|number| number.parse().ok()).expect("a time");
    // 5 to 10 s, as it was told, and less than a second of its own.
    assert!(wait.contains(" s") && (5.0..11.0).contains(&seconds), "{why}");
}

#[test]
fn the_end_of_the_input_is_the_end_of_the_chat() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let mut ann = scene.chat("ann");
    ann.say("the last words");
    ann.close_input();
    let ended = ann.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.iter().any(|line| line.contains("\"the last words\" to all: stored as number 1")), "{ended:?}");
}

#[test]
fn what_one_chat_has_sent_is_no_news_to_the_next() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    for words in ["one", "two", "three"] {
        let mut ann = scene.chat("ann");
        ann.say(words);
        ann.close_input();
        let ended = ann.end();
        assert!(ended.code == Some(0) && !ended.out.iter().any(|line| line.contains("[all] ann: ")), "{ended:?}");
    }
    let journal = scene.journal("ann");
    assert_eq!(journal.lines().count(), 3, "{journal}");
}

#[test]
fn a_second_chat_of_the_device_ends_the_first() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let first = scene.chat("ann");
    let _second = scene.chat("ann");
    let ended = first.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = "* the chat is over: another chat of this user began on this device";
    assert!(ended.out.iter().any(|line| line == last), "{ended:?}");
}

#[test]
fn a_chat_that_is_kicked_does_not_come_back() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let mut ann = scene.chat("ann");
    ann.say(":kick");
    let session = ann.out("its session", |line| line.ends_with("this one"));
    ann.say(&format!(":kick {}", session.split_once(' ').expect("a number in front").0));
    let ended = ann.end();
    assert_eq!(ended.code, Some(4), "as of keepline sub: {ended:?}");
    assert!(ended.out.iter().any(|line| line.contains("* the chat is over: the session was ended")), "{ended:?}");
}

#[test]
fn a_script_that_is_faster_than_the_server_loses_nothing() {
    const LINES: usize = 3000;
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("--limits bench");
    let lines: String = (1..=LINES).map(|line| format!("{line}\n")).collect();
    let input = scene.path("lines");
    fs::write(&input, lines).expect("a file");
    let mut chat = scene.keepline(&["chat", "--as", "ann"]);
    let ended = chat.stdin(fs::File::open(input).expect("it was written")).output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(!said.contains("not sent"), "{said}");
    assert_eq!((ended.status.code(), said.matches(": stored as number ").count()), (Some(0), LINES), "{said}");
}

#[test]
fn a_script_is_told_by_the_exit_code_that_a_line_was_not_understood_or_refused() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let large = "x".repeat((60 << 10) + 1);
    for (line, answer) in
        [(":jion team", "did you mean :join"), (":leave nowhere", "not_found"), (large.as_str(), "not sent: a body of")]
    {
        let mut ann = scene.chat("ann");
        ann.say(line);
        ann.out("the answer", |said| said.contains(answer));
        ann.close_input();
        let ended = ann.end();
        assert_eq!(ended.code, Some(1), "{answer}: {ended:?}");
    }
}
