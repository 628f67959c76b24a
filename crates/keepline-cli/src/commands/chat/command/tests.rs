//! What lines mean.

use proptest::prelude::*;

use super::*;

fn say(text: &str) -> Command {
    Command::Say(text.to_owned())
}

fn tell(user: &str, text: &str) -> Command {
    Command::Tell { user: user.parse().unwrap(), text: text.to_owned() }
}

fn later(text: &str, seconds: u64) -> Command {
    Command::Later { text: text.to_owned(), after: Duration::from_secs(seconds) }
}

fn group(name: &str) -> GroupId {
    name.parse().unwrap()
}

#[test]
fn each_command_has_its_meaning() {
    for (line, command) in [
        ("hello there", say("hello there")),
        ("  hello  ", say("hello")),
        ("::) is a text", say(":) is a text")),
        ("::for(;;)", say(":for(;;)")),
        (":smile: good morning", say(":smile: good morning")),
        (":smile:good", say(":smile:good")),
        ("bob;;hi", tell("bob", "hi")),
        ("bob ;; hi ", tell("bob", "hi")),
        ("bob;;a;;b", tell("bob", "a;;b")),
        ("1547028929407;;hi", tell("cim-1547028929407", "hi")),
        ("@42;;hi", tell("42", "hi")),
        (":all", Command::Help(None)),
        (":help", Command::Help(None)),
        (":help why", Command::Help(Some(":why"))),
        (":help :q!", Command::Help(Some(":q!"))),
        (":olu", Command::Online),
        (":pu zs", Command::Begins("zs".to_owned())),
        (":qu 张", Command::Begins("张".to_owned())),
        (":q good morning", Command::Search("good morning".to_owned())),
        (":info", Command::Info),
        (" :info ", Command::Info),
        (":ai", Command::Ai(true)),
        (":qai", Command::Ai(false)),
        (":emoji 3", Command::Emoji(3)),
        (":emoji 99999999999999999999999", Command::Emoji(usize::MAX)),
        (":delay hi 10", later("hi", 10)),
        (":delay see you later 2m", later("see you later", 120)),
        (":later call  back 10s", later("call  back", 10)),
        (":delay x 0", later("x", 0)),
        (":later", Command::Schedules),
        (":later list", Command::Schedules),
        (":cancel 3", Command::Cancel("3".to_owned())),
        (":q!", Command::Quit),
        (":to all", Command::To("all".parse().unwrap())),
        (":to #team", Command::To("#team".parse().unwrap())),
        (":who", Command::Who(None)),
        (":who team", Command::Who(Some(group("team")))),
        (":who g.team", Command::Who(Some(group("team")))),
        (":join #team", Command::Join { group: group("team"), users: Vec::new() }),
        (
            ":join team ann @bob",
            Command::Join { group: group("team"), users: vec!["ann".parse().unwrap(), "bob".parse().unwrap()] },
        ),
        (":leave", Command::Leave(None)),
        (":leave team", Command::Leave(Some(group("team")))),
        (":groups", Command::Groups),
        (":history", Command::History(20)),
        (":history 200", Command::History(200)),
        (":why", Command::Why),
        (":trace", Command::Trace(None)),
        (":trace 3", Command::Trace(Some("3".to_owned()))),
        (":kick", Command::Kick(None)),
        (":kick 7", Command::Kick(Some("7".to_owned()))),
    ] {
        assert_eq!(Command::read(line), Ok(command), "{line}");
    }
}

#[test]
fn odd_lines_are_answered() {
    for (line, answer) in [
        ("", "there is nothing to send"),
        (" \t ", "there is nothing to send"),
        ("::", "there is nothing to send"),
        ("bob;;", "there is nothing to send"),
        (";;hi", "\"\" is no user's name"),
        ("a b;;hi", "\"a b\" is no user's name"),
        ("张;;hi", "is no user's name"),
        (":", "there is no command :"),
        (":oul", "did you mean :olu?"),
        (":hist", "did you mean :history [N]?"),
        (":)", "::TEXT sends a text"),
        (":help xyzzyx", "there is no command :xyzzyx"),
        (":pu", "write it as :pu PREFIX"),
        (":q", "write it as :q WORDS"),
        (":info now", ":info takes nothing more"),
        (":emoji", "write it as :emoji PAGE"),
        (":emoji z", "\"z\" is no whole number"),
        (":emoji -1", "is no whole number"),
        (":history 99999999999999999999999", "is not from 1 to 200"),
        (":delay x", "write it as :delay TEXT TIME"),
        (":delay", "write it as :delay TEXT TIME"),
        (":delay x y", "\"y\" is no time"),
        (":delay x -3", "\"-3\" is no time"),
        (":delay x 99999999999999999999", "is no time"),
        (":history 0", "0 is not from 1 to 200"),
        (":history 201", "201 is not from 1 to 200"),
        (":to", "write it as :to PLACE"),
        (":to a b", "a b"),
        (":join", "write it as :join GROUP"),
        (":join a.b", "a group is"),
        (":cancel", "write it as :cancel ID"),
    ] {
        let mistake = Command::read(line).expect_err(line).to_string();
        assert!(mistake.contains(answer), "{line}: {mistake}");
    }
}

proptest! {
    #[test]
    fn no_line_panics(line in "[: ;@#!a-z0-9ä张😄\\PC]{0,30}") {
        let _ = Command::read(&line);
    }

    #[test]
    fn no_argument_panics(entry in 0..catalogue::COMMANDS.len(), rest in "\\PC{0,20}") {
        let name = catalogue::COMMANDS[entry].name;
        let read = Command::read(&format!("{name} {rest}"));
        prop_assert_ne!(read, Err(Mistake::Unknown(name.to_owned())));
    }

    #[test]
    fn what_begins_with_two_colons_is_always_a_text(text in "[;:a-z ]{0,10}[a-z]") {
        let line = format!("::{text}");
        prop_assert_eq!(Command::read(&line), Ok(say(&format!(":{text}"))));
    }
}
