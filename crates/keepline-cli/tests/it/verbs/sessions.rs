//! Sessions: seen and ended, by their user and by who runs the server.

use std::io::Read as _;
use std::net::TcpStream;

use super::scene::Scene;
use crate::harness::PATIENCE;

/// Waits until the server has ended a line.
#[track_caller]
fn ended(mut line: TcpStream) {
    line.set_read_timeout(Some(PATIENCE)).expect("a time");
    let mut rest = Vec::new();
    line.read_to_end(&mut rest).expect("it ends in order");
}

#[test]
fn a_user_sees_and_ends_his_own() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "bob"]);
    let (line, device) = scene.session("ann");
    let live = scene.json(&["conns", "--as", "ann"]);
    assert_eq!((live.len(), &live[0]["device"]), (1, &device.as_str().into()));
    let number = live[0]["session"].as_str().expect("a text").to_owned();
    let text = scene.ok(&["conns", "--as", "ann"]);
    let rows: Vec<_> = text.lines().collect();
    assert!(rows[0].starts_with("SESSION") && rows[1].starts_with(&number) && rows[1].contains(&device), "{text}");
    assert_eq!(scene.json(&["users", "--online", "--as", "bob"])[0]["user"], "ann");
    let others = scene.run(&["kick", &number, "--as", "bob"]);
    assert!(others.code == Some(1) && others.err.contains("not_found"), "{others:?}");
    assert_eq!(scene.ok(&["kick", &number, "--as", "ann"]), format!("session {number} kicked\n"));
    ended(line);
    assert_eq!(scene.ok(&["conns", "--as", "ann", "--json"]), "");
}

#[test]
fn who_runs_the_server_sees_and_ends_everybodys() {
    let scene = Scene::open();
    let (ann, _) = scene.session("ann");
    let (bob, device) = scene.session("bob");
    let admin = format!("--admin={}", scene.admin);
    let live = scene.json(&["conns", &admin]);
    assert_eq!(live.len(), 2, "{live:?}");
    let live = scene.json(&["conns", &admin, "--user", "bob"]);
    assert_eq!((live.len(), &live[0]["user"], &live[0]["device"]), (1, &"bob".into(), &device.as_str().into()));
    assert_eq!((&live[0]["dialect"], &live[0]["queue"]["messages"]), (&"v1".into(), &0.into()));
    let text = scene.ok(&["conns", &admin]);
    assert!(text.starts_with("SESSION") && text.contains(" bob ") && text.contains("127.0.0.1:"), "{text}");
    let number = live[0]["session"].as_str().expect("a text");
    let kicked = scene.json(&["kick", number, &admin]);
    assert_eq!((&kicked[0]["session"], &kicked[0]["done"]), (&number.into(), &"kicked".into()));
    ended(bob);
    assert_eq!(scene.json(&["conns", &admin])[0]["user"], "ann");
    drop(ann);
    let ran = scene.run(&["conns", &admin, "--as", "x"]);
    assert!(ran.code == Some(0) && ran.err.is_empty(), "nobody is made for it: {ran:?}");
}
