//! Sub: what is said is printed once, from now on and across runs, beside a chat of the same user.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::escape::{EVIL, has_command};
use super::scene::Scene;
use crate::harness::{PATIENCE, Process};

/// A follower of ann's with a line; behind it, everything is new. There are `others` sessions of hers beside it.
fn follow(scene: &Scene, arguments: &[&str], others: usize) -> Process {
    let arguments = [&["sub", "--as", "ann", "--tcp", &scene.tcp], arguments].concat();
    let process = Process::spawn("sub", scene.person.command(env!("CARGO_BIN_EXE_keepline"), &arguments));
    let by = Instant::now() + PATIENCE;
    while scene.json(&["conns", "--as", "ann"]).len() <= others {
        assert!(Instant::now() < by, "it has no line; {}", process.complaint());
    }
    process
}

fn texts(lines: &[String]) -> Vec<String> {
    let text = |line: &String| serde_json::from_str::<Value>(line).expect("JSON")["text"].as_str().map(str::to_owned);
    lines.iter().map(|line| text(line).expect("a text")).collect()
}

#[test]
fn it_begins_now_and_goes_on_where_it_ended() {
    let scene = Scene::open();
    let (mut chat, _) = scene.session("ann");
    let send = |text: &str| scene.ok(&["send", "ann", text, "--as", "bob"]);
    send("before its first use");
    let sub = follow(&scene, &["--json", "--count", "2"], 1);
    send("one");
    send("two");
    let ended = sub.end();
    assert_eq!((ended.code, texts(&ended.out)), (Some(0), vec!["one".to_owned(), "two".to_owned()]), "{ended:?}");
    send("while nobody looked");
    let ended = follow(&scene, &["--json", "--count", "1"], 0).end();
    assert_eq!((ended.code, texts(&ended.out)), (Some(0), vec!["while nobody looked".to_owned()]), "{ended:?}");
    send("again while nobody looked");
    let sub = follow(&scene, &["--count", "1", "--new"], 1);
    send("new");
    let ended = sub.end();
    assert!(ended.code == Some(0) && ended.out.len() == 1 && ended.out[0].ends_with("  bob  new"), "{ended:?}");
    assert!(ended.out[0].starts_with("p.ann.bob  6  "), "{ended:?}");
    assert_eq!(scene.json(&["conns", "--as", "ann"]).len(), 1, "the other device's session is still there");
    chat.set_read_timeout(Some(PATIENCE)).expect("a time");
    assert!(std::io::Read::read(&mut chat, &mut [0; 16]).expect("an open socket") > 0);
}

#[test]
fn a_first_use_that_had_no_line_is_none_and_one_that_had_is_kept() {
    let scene = Scene::open();
    let send = |text: &str| scene.ok(&["send", "ann", text, "--as", "bob"]);
    scene.ok(&["users", "--as", "ann"]);
    // It takes the connection, by its backlog, and never lets anybody in.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = mute.local_addr().expect("it is bound").to_string();
    send("before its first use");
    let ended = scene.run(&["sub", "--as", "ann", "--tcp", &nobody, "--wait", "300ms"]);
    assert!(ended.code == Some(0) && ended.err.contains("the next run begins"), "{ended:?}");
    send("before its second use, which is the first");
    let sub = follow(&scene, &["--json", "--count", "1"], 0);
    send("one");
    let ended = sub.end();
    assert_eq!((ended.code, texts(&ended.out)), (Some(0), vec!["one".to_owned()]), "{ended:?}");
    send("two");
    let ended = scene.run(&["sub", "--as", "ann", "--tcp", &scene.tcp, "--json", "--count", "1"]);
    let said: Vec<String> = ended.out.lines().map(str::to_owned).collect();
    assert_eq!((ended.code, texts(&said)), (Some(0), vec!["two".to_owned()]), "{ended:?}");
}

#[test]
fn a_first_use_in_which_nothing_was_said_counts() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "ann"]);
    scene.ok(&["send", "ann", "before its first use", "--as", "bob"]);
    let sub = follow(&scene, &[], 0);
    let by = Instant::now() + PATIENCE;
    while std::fs::read_to_string(scene.person.credentials()).expect("it was written").contains("is_new") {
        assert!(Instant::now() < by, "it is not kept as begun; {}", sub.complaint());
    }
    sub.signal(Signal::TERM);
    assert_eq!(sub.end().code, Some(0));
    scene.ok(&["send", "ann", "while nobody looked", "--as", "bob"]);
    let ended = scene.run(&["sub", "--as", "ann", "--tcp", &scene.tcp, "--json", "--count", "1"]);
    let said: Vec<String> = ended.out.lines().map(str::to_owned).collect();
    assert_eq!((ended.code, texts(&said)), (Some(0), vec!["while nobody looked".to_owned()]), "{ended:?}");
}

#[test]
fn what_others_write_is_no_command_here_either() {
    let scene = Scene::open();
    for (arguments, escaped) in [(&["--count", "1"][..], "\\u{1b}[2J"), (&["--count", "1", "--json"], "\\u001b[2J")] {
        let sub = follow(&scene, arguments, 0);
        let sent = scene.person.run_with(&["send", "ann", "-", "--as", "bob"], &[], EVIL.as_bytes());
        assert_eq!(sent.code, Some(0), "{sent:?}");
        let ended = sub.end();
        assert!(ended.out.len() == 1 && ended.out[0].contains(escaped), "{ended:?}");
        assert!(!has_command(&ended.out[0]), "{ended:?}");
    }
}

#[test]
fn each_way_to_end_has_its_exit_code() {
    let scene = Scene::open();
    let waited = scene.run(&["sub", "--as", "ann", "--tcp", &scene.tcp, "--count", "1", "--wait", "200ms"]);
    assert!(waited.code == Some(5) && waited.out.is_empty(), "{waited:?}");
    let waited = scene.run(&["sub", "--as", "ann", "--tcp", &scene.tcp, "--wait", "200ms"]);
    assert!(waited.code == Some(0) && waited.out.is_empty(), "{waited:?}");

    let sub = follow(&scene, &[], 0);
    sub.signal(Signal::TERM);
    assert_eq!(sub.end().code, Some(0));

    let sub = follow(&scene, &[], 0);
    let live = scene.json(&["conns", "--as", "ann"]);
    scene.ok(&["kick", live[0]["session"].as_str().expect("a number"), "--as", "ann"]);
    let ended = sub.end();
    assert!(ended.code == Some(4) && ended.err.iter().any(|line| line.contains("kicked")), "{ended:?}");

    let first = follow(&scene, &[], 0);
    let second = Process::spawn(
        "sub",
        scene.person.command(env!("CARGO_BIN_EXE_keepline"), &["sub", "--as", "ann", "--tcp", &scene.tcp]),
    );
    let ended = first.end();
    assert!(ended.code == Some(1) && ended.err.iter().any(|line| line.contains("another keepline sub")), "{ended:?}");
    drop(second);
}

#[test]
fn a_line_that_does_not_come_about_is_told_and_tried_again() {
    let scene = Scene::open();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = free.local_addr().expect("it is bound").to_string();
    drop(free);
    let arguments = ["sub", "--as", "ann", "--tcp", &nobody];
    let sub = Process::spawn("sub", scene.person.command(env!("CARGO_BIN_EXE_keepline"), &arguments));
    for _ in 0..2 {
        sub.err("failed attempt", |line| line.contains(&format!("no line to {nobody}")) && line.contains("again in"));
    }
    sub.signal(Signal::TERM);
    assert_eq!(sub.end().code, Some(0));

    for arguments in [&["--wait", "2s"][..], &["--wait", "2s", "--count", "1"]] {
        let ran = scene.run(&[&["sub", "--as", "ann", "--tcp", &nobody], arguments].concat());
        assert!(ran.code == Some(3) && ran.err.contains("there was no line"), "{ran:?}");
    }
}
