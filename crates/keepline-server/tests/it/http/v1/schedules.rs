//! Messages for later.

use serde_json::{Value, json};

use crate::http::cim_line::CimLine;
use crate::http::fixture::Fixture;

/// A time that this test does not see.
const LATER_MS: u64 = 3_600_000;

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    u64::try_from(now.expect("a clock").as_millis()).expect("a time")
}

#[tokio::test]
async fn a_message_for_later_is_listed_edited_and_cancelled_by_its_owner() {
    let server = Fixture::new().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let due_ms = now_ms() + LATER_MS;
    let mut names = Vec::new();
    for text in ["one", "two", "three"] {
        let request = json!({ "conversation": "p.ann.bob", "due_ms": due_ms, "text": text });
        let answer = server.v1("POST", "/schedules", &ann, request).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        names.push(answer.json()["schedule"].as_str().unwrap().to_owned());
    }
    let path = format!("/schedules/{}", names[0]);
    for (method, path, token, body, status, code) in [
        ("PATCH", path.as_str(), &bob, json!({ "text": "forged" }), 404, "not_found"),
        ("DELETE", &path, &bob, Value::Null, 404, "not_found"),
        ("DELETE", "/schedules/none", &ann, Value::Null, 404, "not_found"),
        ("PATCH", &path, &ann, json!({ "due_ms": due_ms + 400 * 24 * LATER_MS }), 422, "too_late"),
        ("PATCH", &path, &ann, json!({ "kind": "image", "text": "x" }), 422, "bad_fields"),
        ("PATCH", &path, &ann, json!({ "text": "edited", "due_ms": due_ms + 5 }), 204, ""),
        ("DELETE", &format!("/schedules/{}", names[1]), &ann, Value::Null, 204, ""),
        ("PATCH", &format!("/schedules/{}", names[1]), &ann, json!({ "text": "x" }), 409, "cancelled"),
    ] {
        let answer = server.v1(method, path, token, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body}: {}", answer.text);
        assert!(code.is_empty() || answer.code() == code, "{method} {path} {body}: {}", answer.text);
    }
    assert_eq!(server.v1("GET", "/schedules", &bob, Value::Null).await.json()["schedules"], json!([]));
    let first = server.v1("GET", "/schedules?limit=1", &ann, Value::Null).await.json();
    assert_eq!((&first["schedules"][0]["text"], &first["schedules"][0]["state"]), (&json!("three"), &json!("waiting")));
    let next = format!("/schedules?limit=1&cursor={}", first["next"].as_str().unwrap());
    let second = server.v1("GET", &next, &ann, Value::Null).await.json();
    assert_eq!((&second["schedules"][0]["text"], &second["next"]), (&json!("edited"), &Value::Null));
    assert_eq!(second["schedules"][0]["due_ms"], due_ms + 5);
}

#[tokio::test]
async fn a_message_for_now_is_sent() {
    let server = Fixture::new().await;
    let ann = server.user("ann").await;
    let zs = server.cim_user("zs").await;
    let mut line = CimLine::login(&server, zs, "zs").await;
    let request = json!({ "conversation": format!("p.ann.cim-{zs}"), "due_ms": now_ms(), "text": "as if typed" });
    let answer = server.v1("POST", "/schedules", &ann, request).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(line.texts(1).await, ["as if typed"]);
}
