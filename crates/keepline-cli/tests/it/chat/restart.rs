//! The server is killed and started again while people type: each message arrives once.

use rustix::process::Signal;

use super::scene::Scene;
use crate::harness::Process;

/// Messages of each, in each third: before the server is killed, while it is away, and behind that.
const THIRD: usize = 15;

#[test]
fn each_message_arrives_once_although_the_server_is_killed() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("");
    let (mut ann, mut bob) = (scene.chat("ann"), scene.chat("bob"));
    let say = |third: usize, ann: &mut Process, bob: &mut Process| {
        for number in third * THIRD..(third + 1) * THIRD {
            ann.say(&format!("bob;;a{number}."));
            bob.say(&format!("b{number}."));
        }
    };
    say(0, &mut ann, &mut bob);
    server.kill();
    for chat in [&ann, &bob] {
        chat.out("that the line is down", |line| line.contains("* the line is down"));
    }
    say(1, &mut ann, &mut bob);
    ann.out("that it waits", |line| line.contains("waits for the line"));
    ann.say(":info");
    ann.out("the line", |line| line.starts_with("line ") && !line.contains("up for"));
    let _server = scene.serve("");
    say(2, &mut ann, &mut bob);
    let last = 3 * THIRD - 1;
    bob.out("ann's last", |line| line.ends_with(&format!("ann: a{last}.")));
    ann.out("bob's last", |line| line.ends_with(&format!("bob: b{last}.")));
    for chat in [&mut ann, &mut bob] {
        chat.say(":why");
        chat.out("the way down", |line| line.contains("down: ") && line.contains("tries again after"));
        chat.out("the way up", |line| line.contains("  up at "));
        chat.say(":q!");
    }
    for (ended, sender, letter) in [(bob.end(), "ann", 'a'), (ann.end(), "bob", 'b')] {
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let came: Vec<&str> = ended
            .out
            .iter()
            .filter_map(|line| line.split_once(&format!("] {sender}: ")).map(|(_, text)| text))
            .collect();
        let sent: Vec<String> = (0..3 * THIRD).map(|number| format!("{letter}{number}.")).collect();
        assert_eq!(came, sent, "each once, in order: {:#?}", ended.out);
    }
}

#[test]
fn what_has_no_answer_at_the_end_is_named() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("");
    let mut ann = scene.chat("ann");
    server.kill();
    ann.out("that the line is down", |line| line.contains("* the line is down"));
    ann.say("too late");
    ann.out("that it waits", |line| line.contains("waits for the line"));
    ann.say(":q!");
    // The wait for an answer is ended at once by a signal.
    ann.out("that something waits", |line| line.contains("1 messages wait for an answer"));
    ann.signal(Signal::INT);
    let ended = ann.end();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.out.iter().any(|line| line.contains("#1 \"too late\": ")), "{ended:?}");
}
