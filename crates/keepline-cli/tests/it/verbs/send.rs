//! Send: whom to, what, and once.

use serde_json::Value;

use super::fake::Fake;
use super::scene::{Person, Scene};

#[test]
fn each_way_to_say_whom_and_what_arrives() {
    let scene = Scene::open();
    for name in ["ann", "bob"] {
        scene.ok(&["users", "--as", name]);
    }
    scene.ok(&["groups", "create", "team", "bob", "--as", "ann"]);
    for (to, conversation) in [
        ("bob", "p.ann.bob"),
        ("@bob", "p.ann.bob"),
        ("p.ann.bob", "p.ann.bob"),
        ("ann", "p.ann.ann"),
        ("#team", "g.team"),
        ("g.team", "g.team"),
        ("all", "all"),
    ] {
        let sent = scene.json(&["send", to, "hello", "there", "--as", "ann"]);
        assert_eq!((&sent[0]["conversation"], &sent[0]["duplicate"]), (&conversation.into(), &false.into()), "{to}");
        let said = scene.json(&["history", conversation, "--limit", "1", "--as", "ann"]);
        assert_eq!((&said[0]["text"], &said[0]["id"]), (&"hello there".into(), &sent[0]["id"]), "{to}");
        assert!(said[0]["seq"].is_string(), "a number of 64 bits is a text: {}", said[0]);
    }
    let line = scene.ok(&["send", "bob", "--as", "ann", "--", "--json"]);
    assert_eq!(line, "sent to p.ann.bob as 4\n");
}

#[test]
fn stdin_is_sent_as_it_is_but_for_the_end_of_its_line() {
    let scene = Scene::open();
    let send = |arguments: &[&str], input: &[u8]| {
        scene.person.run_with(&[&["send", "ann", "-", "--as", "ann"], arguments].concat(), &[], input)
    };
    let largest = "x".repeat(60 << 10);
    for (arguments, input, code) in [
        (&[][..], "two\nlines\n".as_bytes(), 0),
        (&["--kind", "custom"], b"\xff\n", 0),
        (&[], b"\xff\n", 2),
        (&[], b"\n", 2),
        (&[], largest.as_bytes(), 0),
        (&[], format!("{largest}x").as_bytes(), 2),
    ] {
        let ran = send(arguments, input);
        assert_eq!(ran.code, Some(code), "{} bytes: {:?}", input.len(), ran.err);
    }
    let said = scene.json(&["history", "ann", "--as", "ann"]);
    let said: Vec<_> = said.iter().map(|said| (said["kind"].as_str(), said["text"].as_str(), &said["data"])).collect();
    let data = Value::from("/wo=");
    assert_eq!(said[..2], [(Some("text"), Some("two\nlines"), &Value::Null), (Some("custom"), None, &data)]);
    assert_eq!((said.len(), said[2].1), (3, Some(largest.as_str())));
    assert!(scene.ok(&["history", "ann", "--as", "ann", "--before", "3"]).contains("[custom, 2 bytes]"));
}

#[test]
fn the_same_id_is_stored_once() {
    let scene = Scene::open();
    let id = "0123456789abcdef0123456789abcdef";
    let first = scene.json(&["send", "ann", "hi", "--id", id, "--as", "ann"]);
    let again = scene.json(&["send", "ann", "hi", "--id", id, "--as", "ann"]);
    assert_eq!((&first[0]["id"], &first[0]["seq"]), (&again[0]["id"], &again[0]["seq"]));
    assert_eq!((&first[0]["duplicate"], &again[0]["duplicate"]), (&false.into(), &true.into()));
    assert!(scene.ok(&["send", "ann", "hi", "--id", id, "--as", "ann"]).starts_with("was sent before"));
    let other = scene.run(&["send", "ann", "something else", "--id", id, "--as", "ann"]);
    assert!(other.code == Some(1) && other.err.contains("id_reused"), "{other:?}");
}

#[test]
fn what_may_be_stored_or_not_is_sent_again_with_the_same_id() {
    let me = r#"{"user":"ann","device":"d","expires_ms":1}"#;
    let unknown = r#"{"error":{"code":"unknown_outcome","message":"who knows","retry":true}}"#;
    let stored = r#"{"id":"x","seq":"7","duplicate":true,"at_ms":1}"#;
    let fake = Fake::answering(vec![
        ("200 OK", me.to_owned()),
        ("504 x\r\nretry-after: 0", unknown.to_owned()),
        // Ends the connection without an answer.
        ("", String::new()),
        ("200 OK", stored.to_owned()),
    ]);
    let ran = Person::new(&fake.url).run_with(&["send", "bob", "hi"], &[("KEEPLINE_TOKEN", "kl_x")], b"");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "was sent before to p.ann.bob as 7\n"), "{ran:?}");
    assert_eq!(ran.err.matches("sending it again").count(), 2, "{ran:?}");
    assert!(fake.request().line.starts_with("GET /v1/accounts/me "));
    let tries = [fake.request(), fake.request(), fake.request()];
    let id = |body: &str| serde_json::from_str::<Value>(body).expect("JSON")["id"].clone();
    for request in &tries {
        assert!(request.line.starts_with("POST /v1/conversations/p.ann.bob/messages "), "{request:?}");
        assert_eq!(id(&request.body), id(&tries[0].body));
    }
    assert_eq!(id(&tries[0].body).as_str().map(str::len), Some(32));
}

#[test]
fn what_a_server_can_not_store_now_is_sent_again_when_it_says() {
    let me = r#"{"user":"ann","device":"d","expires_ms":1}"#;
    let busy = r#"{"error":{"code":"busy","message":"more work is waiting","retry":true}}"#;
    let stored = r#"{"id":"x","seq":"7","duplicate":false,"at_ms":1}"#;
    let again = ("503 x\r\nretry-after: 0", busy.to_owned());
    let fake = Fake::answering(vec![("200 OK", me.to_owned()), again, ("200 OK", stored.to_owned())]);
    let ran = Person::new(&fake.url).run_with(&["send", "bob", "hi"], &[("KEEPLINE_TOKEN", "kl_x")], b"");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "sent to p.ann.bob as 7\n"), "{ran:?}");
    assert!(ran.err.contains("it is not stored (more work is waiting (busy)"), "{ran:?}");
    let [_, first, second] = [fake.request(), fake.request(), fake.request()];
    assert_eq!(first.body, second.body, "the same id");
}

#[test]
fn a_refusal_is_not_sent_again_and_an_endless_doubt_ends() {
    let me = || ("200 OK", r#"{"user":"ann","device":"d","expires_ms":1}"#.to_owned());
    let refusal = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"no","retry":true}}}}"#);
    let unknown = || ("504 x\r\nretry-after: 0", refusal("unknown_outcome"));
    let send = |fake: &Fake| Person::new(&fake.url).run_with(&["send", "bob", "hi"], &[("KEEPLINE_TOKEN", "x")], b"");
    let refusing = Fake::answering(vec![me(), ("503 x", refusal("busy"))]);
    let ran = send(&refusing);
    assert!(ran.code == Some(1) && !ran.err.contains("again"), "{ran:?}");
    let doubting = Fake::answering(vec![me(), unknown(), unknown(), unknown(), unknown()]);
    let ran = send(&doubting);
    assert!(ran.code == Some(5) && ran.err.matches("sending it again").count() == 3, "{ran:?}");
}
