//! Exits: the exit code of each way to end.

use std::net::TcpListener;

use super::fake::Fake;
use super::scene::{Person, Scene};

#[test]
fn a_command_line_that_is_not_understood_is_2() {
    let person = Person::new("http://127.0.0.1:1");
    let long = "x".repeat(65);
    for arguments in [
        &["users"][..],
        &["users", "--as", "a b"],
        &["users", "--as", &long],
        &["users", "--as", "ann", "--server", "ftp://127.0.0.1:1"],
        &["users", "--as", "ann", "--server", "http://ann:secret@127.0.0.1:1"],
        &["users", "--as", "ann", "--timeout", "ten"],
        &["send", "--as", "ann", "bob"],
        &["send", "--as", "ann", "b.b", "hi"],
        &["send", "--as", "ann", "bob", ""],
        &["send", "--as", "ann", "bob", "hi", "--id", "1"],
        &["history", "--as", "ann", "bob", "--limit", "0"],
        &["history", "--as", "ann", "bob", "--before", "1", "--after", "2"],
        &["conns", "--user", "ann"],
        &["kick", "--as", "ann", "x"],
        &["schedule", "add", "bob", "hi", "--in", "1s", "--at", "2030-01-01T00:00:00Z", "--as", "ann"],
        &["groups", "role", "team", "bob", "king", "--as", "ann"],
        &["completions", "cmd.exe"],
        &["chatter"],
    ] {
        let ran = person.run(arguments);
        assert!(ran.code == Some(2) && ran.out.is_empty() && !ran.err.is_empty(), "{arguments:?}: {ran:?}");
        assert!(!ran.err.contains("panicked"), "{ran:?}");
    }
    assert!(!person.credentials().exists(), "what is not understood leaves nothing behind");
}

#[test]
fn no_server_is_3_and_leaves_no_account_behind() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", free.local_addr().expect("it is bound"));
    drop(free);
    let person = Person::new(&url);
    for arguments in [&["users", "--as", "ann"][..], &["conns", &format!("--admin={url}")]] {
        let ran = person.run(arguments);
        assert!(ran.code == Some(3) && ran.err.contains("no server at"), "{ran:?}");
    }
    let kept = std::fs::read_to_string(person.credentials()).expect("it was written");
    assert!(!kept.contains("password"), "{kept}");
}

#[test]
fn a_wrong_token_or_password_is_4() {
    let scene = Scene::open();
    let token = scene.ok(&["token", "new", "--as", "ann"]);
    let bearer = |token: &str, arguments: &[&str]| scene.person.run_with(arguments, &[("KEEPLINE_TOKEN", token)], b"");
    let ran = bearer("kl_forged", &["users"]);
    assert!(ran.code == Some(4) && ran.err.contains("auth_failed"), "{ran:?}");
    let ran = bearer(token.trim(), &["users", "--as", "bob"]);
    assert!(ran.code == Some(4) && ran.err.contains("ann's"), "{ran:?}");
    assert_eq!(bearer(token.trim(), &["users", "--as", "ann"]).code, Some(0));
    let other = Person::new(&scene.http);
    let ran = other.run_with(&["users", "--as", "ann"], &[("KEEPLINE_PASSWORD", "not her password")], b"");
    assert!(ran.code == Some(4) && ran.err.contains("bad_credentials"), "{ran:?}");
    let ran = scene.run(&["send", "p.bob.carl", "hi", "--as", "ann"]);
    assert!(ran.code == Some(4) && ran.err.contains("not_member"), "{ran:?}");
}

#[test]
fn a_server_that_does_not_answer_is_5() {
    // It takes connections, by its backlog, and never a request.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", mute.local_addr().expect("it is bound"));
    let person = Person::new(&url);
    let ran = person.run(&["users", "--as", "ann", "--timeout", "100ms"]);
    assert!(ran.code == Some(5) && ran.err.contains("within 100ms"), "{ran:?}");
    let ran = person.run(&["kick", "1", &format!("--admin={url}"), "--timeout", "100ms"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    // One that says so itself, or can't say what became of it.
    for (head, code) in [("408 x", "timeout"), ("504 x", "unknown_outcome")] {
        let refusal = format!(r#"{{"error":{{"code":"{code}","message":"late","retry":true}}}}"#);
        let late = Fake::answering(vec![(head, refusal)]);
        let ran = person.run(&["conns", &format!("--admin={}", late.url)]);
        assert!(ran.code == Some(5) && ran.err.contains(code), "{head}: {ran:?}");
    }
}

#[test]
fn what_the_server_does_not_do_is_1() {
    let scene = Scene::open();
    for (arguments, code) in [
        (&["send", "nobody", "hi", "--as", "ann"][..], "unknown_conversation"),
        (&["groups", "show", "none", "--as", "ann"], "not_found"),
        (&["kick", "12345", "--as", "ann"], "not_found"),
        (&["schedule", "cancel", "none", "--as", "ann"], "not_found"),
        (&["users", "--as", "cim-1"], "reserved"),
    ] {
        let ran = scene.run(arguments);
        assert!(ran.code == Some(1) && ran.err.contains(code), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn what_is_no_keepline_is_told() {
    for (head, body) in [("200 OK", "<html>"), ("404 Not Found", "nothing"), ("200 OK", "{}")] {
        let fake = Fake::answering(vec![(head, body.to_owned())]);
        let ran = Person::new("x").run(&["conns", &format!("--admin={}", fake.url)]);
        assert!(ran.code == Some(1) && ran.err.contains("is no keepline server"), "{head} {body}: {ran:?}");
    }
    let closing = Fake::answering(vec![("", String::new())]);
    let ran = Person::new("x").run(&["conns", &format!("--admin={}", closing.url)]);
    assert!(ran.code == Some(3) && ran.err.contains("before it answered"), "{ran:?}");
}

#[test]
fn the_help_has_the_table() {
    let person = Person::new("x");
    let help = person.run(&["--help"]).ok();
    for line in ["0  done", "1  failed", "3  no server", "4  denied", "5  no answer"] {
        assert!(help.contains(line), "{line}: {help}");
    }
    let page = person.run(&["man"]).ok();
    assert!(page.contains(".TH keepline") && page.contains("Exit codes"), "{page}");
}
