//! Credentials: what is made, kept and asked for at the first use of a name, and later.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use serde_json::Value;

use super::scene::{Person, Scene};

/// The one entry of a file.
#[track_caller]
fn kept(person: &Person) -> Value {
    let text = fs::read_to_string(person.credentials()).expect("there is a file");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(file["entries"].as_array().map(Vec::len), Some(1), "{file}");
    file["entries"][0].clone()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}

#[test]
fn the_first_use_of_a_name_makes_it_and_the_second_knows_it() {
    let scene = Scene::open();
    let first = scene.run(&["users", "--as", "ann"]);
    assert!(first.code == Some(0) && first.err.contains("made the account ann"), "{first:?}");
    let path = scene.person.credentials();
    assert!(first.err.contains(path.to_str().expect("UTF-8")), "it says where the password is: {first:?}");
    assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
    let entry = kept(&scene.person);
    assert_eq!((&entry["server"], &entry["user"]), (&Value::from(scene.http.as_str()), &Value::from("ann")));
    for secret in ["token", "password"] {
        assert!(!first.err.contains(entry[secret].as_str().expect("a text")), "{secret} was printed: {first:?}");
    }
    let second = scene.run(&["users", "--as", "ann"]);
    assert!(second.code == Some(0) && second.err.is_empty(), "{second:?}");
    assert_eq!(kept(&scene.person), entry);
}

#[test]
fn a_token_that_is_over_or_revoked_is_replaced_by_the_kept_password() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "ann"]);
    let path = scene.person.credentials();
    let before = kept(&scene.person);
    let text = fs::read_to_string(&path).expect("there is a file");
    let over = text.replace(&before["expires_ms"].to_string(), "1000");
    fs::write(&path, over).expect("it can be written");
    scene.ok(&["users", "--as", "ann"]);
    let after = kept(&scene.person);
    assert!(after["token"] != before["token"] && after["device"] == before["device"], "{before} {after}");
    // Called back elsewhere: the server says so at the first request.
    let revoked = after["token"].as_str().expect("a text");
    let elsewhere = Person::new(&scene.http);
    elsewhere.run_with(&["token", "revoke"], &[("KEEPLINE_TOKEN", revoked)], b"").ok();
    scene.ok(&["users", "--as", "ann"]);
    let renewed = kept(&scene.person);
    assert!(renewed["token"].is_string() && renewed["token"] != after["token"], "{after} {renewed}");
}

#[test]
fn a_server_that_has_forgotten_the_user_is_told_him_again() {
    let (scene, anew) = (Scene::open(), Scene::open());
    scene.ok(&["users", "--as", "ann"]);
    let path = scene.person.credentials();
    let text = fs::read_to_string(&path).expect("there is a file").replace(&scene.http, &anew.http);
    fs::write(&path, text).expect("it can be written");
    let ran = scene.run(&["users", "--as", "ann", "--server", &anew.http]);
    assert!(ran.code == Some(0) && ran.err.contains("made the account again"), "{ran:?}");
    let quiet = scene.run(&["users", "--as", "ann", "--server", &anew.http]);
    assert!(quiet.code == Some(0) && quiet.err.is_empty(), "{quiet:?}");
}

#[test]
fn a_name_that_others_have_wants_its_password() {
    let scene = Scene::open();
    let password = scene.person.file("password", "correct horse battery\n");
    scene.ok(&["users", "--as", "ann", "--password-file", &password]);
    assert_eq!(kept(&scene.person)["password"], Value::Null, "a person's password is not kept");
    let other = Person::new(&scene.http);
    let ran = other.run(&["users", "--as", "ann"]);
    assert!(ran.code == Some(4) && ran.err.contains("KEEPLINE_PASSWORD"), "{ran:?}");
    let right = &[("KEEPLINE_PASSWORD", "correct horse battery")];
    other.run_with(&["users", "--as", "ann"], right, b"").ok();
    assert_ne!(kept(&other)["device"], kept(&scene.person)["device"]);
    other.run(&["users", "--as", "ann"]).ok();
}

#[test]
fn a_file_that_others_can_read_is_not_used() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "ann"]);
    let path = scene.person.credentials();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
    let ran = scene.run(&["users", "--as", "ann"]);
    assert!(ran.code == Some(1) && ran.err.contains("chmod 600"), "{ran:?}");
    let ran = scene.run(&["users", "--as", "bob"]);
    assert_eq!(ran.code, Some(1), "nothing is added to it either: {ran:?}");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    scene.ok(&["users", "--as", "ann"]);
}

#[test]
fn a_token_or_password_in_a_file_that_others_can_read_is_not_used() {
    let scene = Scene::open();
    let password = scene.person.file("password", "correct horse battery\n");
    scene.ok(&["users", "--as", "ann", "--password-file", &password]);
    let token = scene.ok(&["token", "new", "--as", "ann", "--password-file", &password]);
    let token = scene.person.file("token", &token);
    scene.ok(&["users", "--token-file", &token]);
    // Bob is new, as of who is known here no password is read.
    for (user, flag, file) in [("bob", "--password-file", &password), ("ann", "--token-file", &token)] {
        fs::set_permissions(file, Permissions::from_mode(0o640)).expect("it is ours");
        let ran = scene.run(&["users", "--as", user, flag, file]);
        let refused = format!("{file}: others can read this secret: chmod 600 it");
        assert!(ran.code == Some(1) && ran.err.contains(&refused), "{ran:?}");
    }
}

#[test]
fn many_at_the_first_use_make_one_account() {
    let scene = Scene::open();
    let codes: Vec<_> = std::thread::scope(|scope| {
        let person = &scene.person;
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| person.run(&["users", "--as", "ann"]))).collect();
        runs.into_iter().map(|run| run.join().expect("it ran")).collect()
    });
    assert!(codes.iter().all(|ran| ran.code == Some(0)), "{codes:?}");
    assert_eq!(codes.iter().filter(|ran| ran.err.contains("made the account")).count(), 1, "{codes:?}");
    kept(&scene.person);
}

#[test]
fn a_token_is_shown_made_and_revoked() {
    let scene = Scene::open();
    let first = scene.json(&["token", "new", "--as", "ann"]);
    let shown = scene.json(&["token", "--as", "ann"]);
    assert_eq!((&shown[0]["user"], &shown[0]["device"]), (&first[0]["user"], &first[0]["device"]));
    let second = scene.ok(&["token", "new", "--as", "ann"]);
    assert_ne!(first[0]["token"].as_str(), Some(second.trim()));
    let bearer = |token: &str| scene.person.run_with(&["token"], &[("KEEPLINE_TOKEN", token)], b"").code;
    assert_eq!((bearer(first[0]["token"].as_str().expect("a text")), bearer(second.trim())), (Some(0), Some(0)));
    scene.ok(&["token", "revoke", "--as", "ann"]);
    assert_eq!(kept(&scene.person)["token"], Value::Null);
    assert_eq!((bearer(first[0]["token"].as_str().expect("a text")), bearer(second.trim())), (Some(0), Some(4)));
    scene.ok(&["token", "revoke-all", "--as", "ann"]);
    assert_eq!(bearer(first[0]["token"].as_str().expect("a text")), Some(4));
}
