//! Words: each verb does what it says, for a person and for a program.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::scene::Scene;

/// The first words of each line of a text.
fn columns(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn users_are_listed() {
    let scene = Scene::open();
    for name in ["bob", "ann", "anna"] {
        scene.ok(&["users", "--as", name]);
    }
    let text = scene.ok(&["users", "an", "--as", "bob"]);
    assert_eq!(text, "USER  ONLINE  NAME AT CIM\nann   no\nanna  no\n");
    let all = scene.json(&["users", "--as", "bob"]);
    assert_eq!(all, ["ann", "anna", "bob"].map(|user| json!({ "user": user, "online": false })));
    assert_eq!(scene.ok(&["users", "--online", "--as", "bob", "--json"]), "");
    // Who he is may stand in the environment.
    let ran = scene.person.run_with(&["users", "张"], &[("KEEPLINE_USER", "bob")], b"");
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 1), "{ran:?}");
}

#[test]
fn groups_are_made_changed_and_deleted() {
    let scene = Scene::open();
    for name in ["ann", "bob", "carl"] {
        scene.ok(&["users", "--as", name]);
    }
    let made = scene.json(&["groups", "create", "team", "bob", "--title", "The Team", "--as", "ann"]);
    let member = |user: &str, role: &str| json!({ "user": user, "role": role });
    assert_eq!(made[0]["members"], json!([member("ann", "owner"), member("bob", "member")]));
    assert_eq!(scene.ok(&["groups", "--as", "bob"]), "GROUP  TITLE     MEMBERS\nteam   The Team  2\n");
    assert_eq!(
        scene.json(&["groups", "list", "--as", "bob"]),
        [json!({ "group": "team", "title": "The Team", "members": 2 })]
    );
    assert_eq!(scene.ok(&["groups", "add", "team", "carl", "--as", "ann"]), "team: carl added member\n");
    assert_eq!(scene.ok(&["groups", "role", "team", "carl", "admin", "--as", "ann"]), "team: carl made admin\n");
    assert_eq!(
        scene.json(&["groups", "remove", "team", "bob", "--as", "carl"]),
        [json!({ "group": "team", "user": "bob", "done": "removed" })]
    );
    let shown = scene.ok(&["groups", "show", "team", "--as", "ann"]);
    assert_eq!(columns(&shown), [["USER", "ROLE"], ["ann", "owner"], ["carl", "admin"]]);
    assert_eq!(scene.run(&["groups", "join", "team", "--as", "bob"]).code, Some(1), "it is closed");
    assert_eq!(scene.ok(&["groups", "open", "team", "--as", "carl"]), "team: opened\n");
    assert_eq!(scene.ok(&["groups", "join", "team", "--as", "bob"]), "team: joined\n");
    assert_eq!(scene.ok(&["groups", "close", "team", "--as", "ann"]), "team: closed\n");
    assert_eq!(scene.json(&["groups", "show", "team", "--as", "bob"])[0]["open"], false);
    let refused = scene.run(&["groups", "delete", "team", "--as", "carl"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert_eq!(scene.ok(&["groups", "delete", "team", "--as", "ann"]), "team: deleted\n");
    assert_eq!(scene.json(&["groups", "--as", "ann"]), Vec::<Value>::new());
}

#[test]
fn history_is_read_both_ways_searched_and_marked() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "bob"]);
    for text in ["one", "two", "three", "four"] {
        scene.ok(&["send", "bob", text, "--as", "ann"]);
    }
    let said = |arguments: &[&str]| -> Vec<String> {
        let messages = scene.json(&[&["history"], arguments, &["--as", "bob"]].concat());
        messages.iter().map(|message| message["text"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(said(&["ann"]), ["one", "two", "three", "four"]);
    assert_eq!(said(&["ann", "--limit", "2"]), ["three", "four"]);
    assert_eq!(said(&["ann", "--before", "3"]), ["one", "two"]);
    assert_eq!(said(&["ann", "--after", "1", "--limit", "2"]), ["two", "three"]);
    assert_eq!(said(&["ann", "--search", "O"]), ["four", "two", "one"]);
    assert_eq!(said(&["--search", "thr"]), ["three"]);
    let unread = || scene.json(&["history", "--as", "bob"])[0]["unread"].clone();
    assert_eq!(unread(), "4");
    assert_eq!(said(&["ann", "--before", "4", "--read"]).len(), 3);
    assert_eq!(unread(), "1");
    let text = scene.ok(&["history", "--as", "bob"]);
    assert_eq!(columns(&text)[0], ["CONVERSATION", "LAST", "READ", "UNREAD"]);
    assert_eq!(columns(&text)[1], ["p.ann.bob", "4", "3", "1"]);
    let text = scene.ok(&["history", "ann", "--limit", "1", "--as", "bob"]);
    assert!(columns(&text)[1][..2] == ["p.ann.bob", "4"] && columns(&text)[1][3..] == ["ann", "four"], "{text}");
}

#[test]
fn schedules_are_added_edited_listed_and_cancelled() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "bob"]);
    let day = Duration::from_secs(24 * 3600);
    let now = SystemTime::now();
    let moment = |after: Duration| humantime::format_rfc3339_seconds(now + after).to_string();
    let (month, week) = (moment(30 * day), moment(7 * day));
    // The same moment, where clocks are an hour behind.
    let elsewhere = moment(30 * day - Duration::from_secs(3600)).replace('Z', "-01:00");
    let first = scene.json(&["schedule", "add", "bob", "happy", "new", "--at", &elsewhere, "--as", "ann"]);
    assert_eq!((first[0]["due_ms"].is_u64(), &first[0]["done"]), (true, &"added".into()));
    let name = first[0]["schedule"].as_str().expect("a name").to_owned();
    scene.ok(&["schedule", "add", "bob", "x", "--in", "1h", "--as", "ann"]);
    let text = scene.ok(&["schedule", "--as", "ann"]);
    let rows = columns(&text);
    assert_eq!(rows[0], ["SCHEDULE", "DUE", "CONVERSATION", "STATE", "SAYS"]);
    assert_eq!(rows[1][4], "x");
    assert_eq!(rows[2], [name.as_str(), &month, "p.ann.bob", "waiting", "happy", "new"]);
    scene.ok(&["schedule", "edit", &name, "other", "words", "--as", "ann"]);
    scene.ok(&["schedule", "edit", &name, "--at", &week, "--as", "ann"]);
    let text = scene.ok(&["schedule", "list", "--as", "ann"]);
    assert_eq!(columns(&text)[2][1..], [week.as_str(), "p.ann.bob", "waiting", "other", "words"]);
    assert_eq!(scene.json(&["schedule", "list", "--as", "ann"])[1]["text"], "other words");
    assert_eq!(scene.run(&["schedule", "edit", &name, "--as", "ann"]).code, Some(2));
    assert_eq!(scene.run(&["schedule", "add", "bob", "x", "--as", "ann"]).code, Some(2));
    assert_eq!(scene.ok(&["schedule", "cancel", &name, "--as", "ann"]), format!("{name} cancelled\n"));
    assert_eq!(scene.json(&["schedule", "--as", "ann"]).len(), 1);
}

#[test]
fn completions_and_man_pages_are_written() {
    let scene = Scene::open();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scene.ok(&["completions", shell]);
        assert!(script.contains("schedule"), "{shell}");
    }
    let folder = crate::harness::Folder::new("man");
    scene.ok(&["man", folder.path().to_str().expect("UTF-8")]);
    for page in ["keepline.1", "keepline-send.1", "keepline-groups-create.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).expect("it was written");
        assert!(text.contains(".TH"), "{page}");
    }
    assert_eq!(scene.run(&["man", "/nowhere/at/all"]).code, Some(1));
}
