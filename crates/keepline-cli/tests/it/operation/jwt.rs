//! Tokens that others sign, at a server as a process: over both listeners, while the keys change, and to their ends.

mod ends;
mod scene;

use serde_json::json;

use super::keepline;
use crate::harness::Folder;
use scene::{Scene, Signer, now};

#[test]
fn d2_a_token_of_others_opens_http_and_a_line_and_a_forged_one_neither() {
    let (good, stranger) = (Signer::new("one"), Signer::new("one"));
    let scene = Scene::new("jwt", &[&good], "");
    let token = good.token("ann", &json!({ "exp": now() + 600 }));
    for (what, forged) in [
        ("another key", stranger.token("ann", &json!({ "exp": now() + 600 }))),
        ("over", good.token("ann", &json!({ "exp": now() - 60 }))),
        ("for others", good.token("ann", &json!({ "exp": now() + 600, "aud": "other" }))),
        ("of another issuer", good.token("ann", &json!({ "exp": now() + 600, "iss": "other" }))),
        ("cut", token[..token.len() - 4].to_owned()),
    ] {
        assert_eq!(scene.ask("GET", "/v1/accounts/me", &forged).0, 401, "{what}");
        assert!(scene.log_in(&forged, "phone").is_err(), "{what}");
    }
    assert_eq!(scene.ask("GET", "/v1/users", &token).1.to_string().matches("ann").count(), 1, "made by her first one");
    let (status, me) = scene.ask("GET", "/v1/accounts/me", &token);
    assert!(status == 200 && me["user"] == "ann", "{status} {me}");
    let phone = scene.log_in(&token, "phone").expect("a welcome");
    let tablet = scene.log_in(&token, "tablet").expect("a JWT is not of one device");
    assert_eq!(scene.live(&token), 2);
    let (status, refused) = scene.ask("DELETE", "/v1/tokens/current", &token);
    assert!(status == 403 && refused["error"]["code"] == "not_allowed", "{status} {refused}");
    let sent =
        keepline("send ann hello --as ann --json", &[("KEEPLINE_TOKEN", &token), ("KEEPLINE_SERVER", &scene.url())]);
    let sent = { sent }.output().expect("it runs");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    drop((phone, tablet));
}

#[test]
fn g3_keys_change_under_a_server_that_drops_no_line() {
    let (old, new) = (Signer::new("2026-10"), Signer::new("2026-11"));
    let scene = Scene::new("jwt-keys", &[&old], "");
    let good = |signer: &Signer| {
        let token = signer.token("ann", &json!({ "exp": now() + 600 }));
        scene.ask("GET", "/v1/accounts/me", &token).0 == 200
    };
    let token = |signer: &Signer| signer.token("ann", &json!({ "exp": now() + 600 }));
    assert_eq!([good(&old), good(&new)], [true, false]);
    let mut lines = vec![scene.log_in(&token(&old), "phone").expect("a welcome")];
    scene.keys(&[&old, &new]);
    assert!(scene.hangup("the keys of tokens").contains("reloaded"));
    assert_eq!([good(&old), good(&new)], [true, true], "both, while they change");
    lines.push(scene.log_in(&token(&old), "tablet").expect("a welcome"));
    lines.push(scene.log_in(&token(&new), "desk").expect("a welcome"));
    scene.write("nonsense");
    assert!(scene.hangup("keys of tokens").contains("the old ones stay"));
    assert_eq!([good(&old), good(&new)], [true, true]);
    scene.keys(&[&new]);
    assert!(scene.hangup("the keys of tokens").contains("reloaded"));
    assert_eq!([good(&old), good(&new)], [false, true]);
    assert!(scene.log_in(&token(&old), "late").is_err(), "nor over a line");
    assert_eq!(scene.live(&token(&new)), 3, "lines of both keys, dropped: {}", 3 - scene.live(&token(&new)));
    for line in &mut lines {
        assert!(line.is_up(), "no line has heard anything of it");
    }
    let rotated: Vec<String> = scene.audited("key.rotate", 2).iter().map(|line| line["object"].to_string()).collect();
    assert_eq!(rotated, ["\"keys of tokens: 2026-10, 2026-11\"", "\"keys of tokens: 2026-11\""]);
    let made = scene.audited("account.create", 1);
    assert!(made[0]["actor"] == "ann" && made[0]["object"] == "jwt", "{made:?}");
}

#[test]
fn keys_that_mean_nothing_start_no_server() {
    let folder = Folder::new("jwt-settings");
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    file("none.json", r#"{"keys":[]}"#);
    for (arguments, said) in [
        ("--token-keys none.json", "tokens.keys wants tokens.audience beside it"),
        ("--token-audience chat", "tokens.audience wants tokens.keys beside it"),
        ("--token-keys none.json --token-audience chat", "it has no key that can be used"),
        ("--token-keys gone.json --token-audience chat", "gone.json: No such file"),
    ] {
        let free = "--http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin off --cim off --memory";
        let mut command = keepline(&format!("serve {free} {arguments}"), &[]);
        let output = command.current_dir(folder.path()).output().expect("it runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && complaint.contains(said), "{arguments}: {complaint}");
    }
}
