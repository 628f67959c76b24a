//! Once: the list as a script gets it.

use serde_json::Value;

use super::{TOKEN, run};
use crate::chat::scene::Scene;

/// The lines of `--json`, without what changes from one look to the next.
fn objects(text: &str) -> Vec<Value> {
    let object = |line: &str| {
        let mut object: Value = serde_json::from_str(line).expect("JSON");
        for name in ["silent_ms", "bytes_in", "bytes_out", "rtt_us"] {
            assert!(object[name].is_u64(), "no {name} in {line}");
            object[name] = Value::Null;
        }
        object
    };
    text.lines().map(object).collect()
}

#[test]
fn a_script_gets_what_conns_prints_sorted_filtered_and_cut() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (_ann, _bob) = (scene.chat("ann"), scene.chat("bob"));
    let top = |more: &str| run(&scene, &format!("top --once {TOKEN}{more}"));
    let (code, out, err) = top(" --json --sort session");
    let (_, conns, _) = run(&scene, &format!("conns --json --admin {TOKEN}"));
    assert_eq!(code, Some(0), "{err}");
    let (mut told, mut listed) = (objects(&out), objects(&conns));
    assert_eq!(told[0]["user"], "ann", "the first to log in: {out}");
    for list in [&mut told, &mut listed] {
        list.sort_by_key(|session| session["user"].to_string());
    }
    assert_eq!(told, listed);
    let (_, out, _) = top(" --sort user --reverse");
    let rows: Vec<_> = out.lines().collect();
    assert!(rows.len() == 3 && rows[0].starts_with("SESSION") && rows[1].contains(" bob "), "{out}");
    let (_, out, err) = top(" --json --sort user --limit 1");
    assert!(objects(&out)[0]["user"] == "ann" && err.contains("1 of 2 sessions"), "{out}{err}");
    let (_, out, _) = top(" --json --filter bo");
    assert!(objects(&out).len() == 1 && objects(&out)[0]["user"] == "bob", "{out}");
}

#[test]
fn who_can_not_be_shown_anything_is_told_why() {
    let Some(scene) = Scene::open() else { return };
    for (arguments, expected, said) in [
        ("top --once", 3, "no server at http://127.0.0.1:8084"),
        ("top", 2, "keepline top wants a terminal; --once prints"),
        ("top --json", 2, "--once"),
        ("top --every 1ms", 2, "at least 100ms"),
        ("top --sort colour", 2, "bytes_out"),
    ] {
        let (code, _, err) = run(&scene, arguments);
        assert!(code == Some(expected) && err.contains(said), "{arguments}: {code:?} {err}");
    }
    let _server = scene.serve("");
    let (code, _, err) = run(&scene, "top --once");
    assert!(code == Some(4) && err.contains("wants Authorization"), "without its token: {code:?} {err}");
}
