//! Each command once, and lines that are none: each is answered, and the chat goes on.

use std::collections::BTreeSet;

use super::scene::Scene;

/// Lines that are typed, and what the answer has in it.
const ANSWERS: &[(&str, &str)] = &[
    (":all", ":olu"),
    (":help why", ":why: tell the last 20 things"),
    (":olu", "ann"),
    (":pu AN", "ann"),
    (":qu x", "nobody"),
    ("a remarkable word", "#1 \"a remarkable word\" to all: stored as number 1"),
    (":q REMARKABLE", "[all] ann: a remarkable word"),
    (":q absent", "nothing was found"),
    (":info", "device      cli-"),
    (":ai", "the AI is here"),
    ("are you there?", "AI:are you there!"),
    (":qai", "the AI has gone"),
    (":emoji 0", ":grinning:--->😀"),
    (":emoji 99999", "the last page is "),
    (":join team", "made #team, with ann in it"),
    ("in the group", "#2 \"in the group\" to #team: stored as number 1"),
    (":who", "ann  online  owner"),
    (":groups", "#team  1 members"),
    (":history", "[#team] ann: in the group"),
    (":delay see you 1h", "is sent to #team at "),
    (":later", "[#team] see you  (waiting)"),
    (":leave", "owner_stays"),
    (":to all", "you talk in all now"),
    (":leave", "all is no group"),
    (":leave nowhere", "you are in no group of this name (not_found)"),
    (":trace 2", "stored as number 1"),
    (":trace", "#2 \"in the group\""),
    (":trace 77", "77 is no message of mine"),
    (":why", "up at 127.0.0.1:11211"),
    (":kick", "this one"),
    (":kick bob", "no other session of yours is bob"),
    (":kick me", "no other session of yours is me"),
    (":cancel nosuch", "there is no nosuch to be sent"),
    // Odd ones: in cim, several of these ended the input for good.
    ("", "there is nothing to send"),
    (";;x", "is no user's name"),
    ("no number;;hello", "is no user's name"),
    ("nobody;;hello", "\"hello\" to @nobody: refused (unknown_conversation: "),
    (":delay x y", "\"y\" is no time"),
    (":delay x 99999d", "(a year) (too_late)"),
    (":emoji z", "\"z\" is no whole number"),
    (":emoji -1", "is no whole number"),
    (":oul", "did you mean :olu?"),
    (":xyzzyx", "there is no command :xyzzyx"),
    ("\u{1b}[31m:q", "stored as number 2"),
    (":to #no group", "no group"),
    (":join #böse", "böse"),
];

/// The rows of `:info`, each as it begins.
const INFO: [&str; 14] = [
    "user        ann",
    "device      cli-",
    "session     ",
    "server      http://127.0.0.1:8083",
    "node        keepline 127.0.0.1:11211",
    "line        up for ",
    "transport   tcp",
    "dialect     v1",
    "stored on   disk",
    "round trip  ",
    "heartbeat   ping after 25.0 s, dead after 1m",
    "bytes       ",
    "reconnects  0",
    "unsent      0 messages, 0 bytes",
];

#[test]
fn cim_flaw_34_each_command_is_answered_and_no_line_ends_the_chat() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let mut ann = scene.chat("ann");
    for (line, answer) in ANSWERS {
        ann.say(line);
        ann.out(&format!("answer to {line:?} with {answer:?}"), |said| said.contains(answer));
    }
    ann.say(":info");
    for row in INFO {
        ann.out(&format!("the row {row:?}"), |line| line.starts_with(row));
    }
    ann.say(":delay soon 1");
    ann.out("the delayed message", |line| line.ends_with("[all] ann: soon"));
    ann.say(":later");
    let waiting = ann.out("what waits", |line| line.contains("see you"));
    let (name, _) = waiting.split_once(' ').expect("a name in front");
    ann.say(&format!(":cancel {name}"));
    ann.out("cancelling", |line| line.contains("is not sent"));
    ann.say(":later");
    ann.out("nothing left", |line| line.contains("nothing is to be sent later"));
    ann.say(":q!");
    let ended = ann.end();
    assert_eq!(ended.code, Some(1), "nobody was told hello: {ended:?}");
    let named = ended.out.iter().filter_map(|line| line.split(' ').next()?.strip_prefix(':'));
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '!');
    let names: BTreeSet<&str> = named.filter(is_name).collect();
    assert!(names.len() > 20, "what :all lists: {names:?}");
    let typed: BTreeSet<&str> =
        ANSWERS.iter().filter_map(|(line, _)| line.split(' ').next()?.strip_prefix(':')).collect();
    let untried: Vec<_> = names.difference(&typed).filter(|name| **name != "q!").collect();
    assert!(untried.is_empty(), "commands that are not tried: {untried:?}");
    let said = ended.out.join("\n");
    assert_eq!(said.matches("[all] ann: soon").count(), 1, "{said}");
    assert!(!said.contains('\u{1b}'), "no escape sequence reaches a pipe: {said}");
}

#[test]
fn a_delayed_message_is_sent_after_its_chat_has_ended() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (mut ann, bob) = (scene.chat("ann"), scene.chat("bob"));
    ann.say(":delay see you later 2s");
    ann.out("its time", |line| line.contains("is sent to all at "));
    ann.say(":q!");
    assert_eq!(ann.end().code, Some(0));
    bob.out("the message", |line| line.ends_with("[all] ann: see you later"));
}
