//! Two people talk: with everybody, in private and in a group, both ways.

use super::scene::Scene;
use crate::harness::Process;

#[test]
fn two_people_talk_with_all_in_private_and_in_a_group() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (mut ann, mut bob) = (scene.chat("ann"), scene.chat("bob"));
    for (place, to_bob, to_ann) in [
        ("all", vec!["hello all"], vec!["hello ann"]),
        ("private", vec!["bob;;psst: a;;b"], vec!["ann ;; what?"]),
        ("group", vec![":join team bob", "hello team"], vec![":join team", "hello, team"]),
        ("by :to", vec![":to @bob", "only you"], vec![":to ann", "and you"]),
        ("escaped", vec![":to all", "::) \u{1b}[2J\u{202e}"], vec![":to all", "::a;;b :smile:"]),
    ] {
        let (from, to) = said(&mut ann, &bob, &to_bob);
        assert_eq!(from, "ann", "{place}: {to}");
        let (from, back) = said(&mut bob, &ann, &to_ann);
        assert_eq!(from, "bob", "{place}: {back}");
        let (wanted, wanted_back) = match place {
            "all" => ("[all] ann: hello all", "[all] bob: hello ann"),
            "private" => ("[@ann] ann: psst: a;;b", "[@bob] bob: what?"),
            "group" => ("[#team] ann: hello team", "[#team] bob: hello, team"),
            "by :to" => ("[@ann] ann: only you", "[@bob] bob: and you"),
            _ => ("[all] ann: :) \\u{1b}[2J\\u{202e}", "[all] bob: :a;;b 😄"),
        };
        assert!(to.ends_with(wanted) && back.ends_with(wanted_back), "{place}: {to} / {back}");
    }
    for chat in [&mut ann, &mut bob] {
        chat.say(":q!");
    }
    let (ann, bob) = (ann.end(), bob.end());
    assert_eq!((ann.code, bob.code), (Some(0), Some(0)), "{ann:?} {bob:?}");
    for line in ["[all] ann: hello all", "[all] bob: hello ann", "[@bob] bob: what?", "[#team] ann: hello team"] {
        assert_eq!(scene.journal("ann").matches(line).count(), 1, "{line}: {}", scene.journal("ann"));
    }
}

/// Types lines at one, and waits for the message that comes of it at the other: who sent it, and the line.
#[track_caller]
fn said(from: &mut Process, to: &Process, lines: &[&str]) -> (String, String) {
    for line in lines {
        from.say(line);
    }
    let line = to.out("message", |line| line.contains("] ann: ") || line.contains("] bob: "));
    let sender = line.split_once("] ").and_then(|(_, rest)| rest.split_once(": ")).expect("a message").0;
    (sender.to_owned(), line)
}

/// A group that is open takes who knows its name; one that is not takes whom its owner takes in.
#[test]
fn who_knows_an_open_group_s_name_goes_in_and_else_nobody() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (mut ann, mut bob) = (scene.chat("ann"), scene.chat("bob"));
    ann.say(":join team");
    ann.out("a group", |line| line.contains("made #team"));
    bob.say(":join team");
    bob.out("a refusal", |line| line.contains("#team is a group that is not open to you"));
    let opened = scene.keepline(&["groups", "open", "team", "--as", "ann"]).output().expect("it runs");
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    bob.say(":join team");
    bob.out("an answer", |line| line.contains("you are in #team now"));
    let (from, line) = said(&mut bob, &ann, &["hello team"]);
    assert!(from == "bob" && line.ends_with("[#team] bob: hello team"), "{line}");
    for chat in [&mut ann, &mut bob] {
        chat.say(":q!");
    }
    assert_eq!(ann.end().code, Some(0));
}

#[test]
fn what_was_said_while_one_was_away_comes_once_he_is_there() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (mut ann, mut bob) = (scene.chat("ann"), scene.chat("bob"));
    bob.say(":q!");
    assert_eq!(bob.end().code, Some(0));
    ann.say("bob;;one");
    ann.say("bob;;two");
    ann.out("the last to be stored", |line| line.contains("\"two\" to @bob: stored as number 2"));
    let mut later = scene.chat("bob");
    for text in ["one", "two"] {
        later.out(text, |line| line.ends_with(&format!("[@ann] ann: {text}")));
    }
    later.say(":q!");
    assert_eq!(later.end().code, Some(0));
    let again = scene.chat("bob");
    ann.say("bob;;three");
    let next = again.out("message", |line| line.contains("[@ann]"));
    assert!(next.ends_with("ann: three"), "what was shown does not come again: {next}");
}
