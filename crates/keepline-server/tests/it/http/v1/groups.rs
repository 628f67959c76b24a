//! Groups.

use serde_json::{Value, json};

use crate::http::fixture::Fixture;

#[tokio::test]
async fn a_group_is_its_members_own() {
    let server = Fixture::new().await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    let group = json!({ "group": "team", "title": "The team", "members": ["bob"] });
    let made = server.v1("POST", "/groups", &ann, group.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let members = json!([{ "user": "ann", "role": "owner" }, { "user": "bob", "role": "member" }]);
    assert_eq!((&made.json()["title"], &made.json()["members"]), (&json!("The team"), &members));
    let role = |role: &str| json!({ "role": role });
    let text = json!({ "text": "hi" });
    let table = [
        ("POST", "/groups", &ann, group, 409, "taken"),
        ("POST", "/groups", &ann, json!({ "group": "x", "members": ["nobody"] }), 404, "unknown_user"),
        ("POST", "/groups", &ann, json!({ "group": "x", "title": "x".repeat(257) }), 422, "bad_title"),
        ("GET", "/groups/team", &bob, Value::Null, 200, ""),
        ("GET", "/groups/team", &eve, Value::Null, 404, "not_found"),
        ("GET", "/groups/none", &eve, Value::Null, 404, "not_found"),
        ("POST", "/conversations/g.team/messages", &bob, text.clone(), 201, ""),
        ("POST", "/conversations/g.team/messages", &eve, text.clone(), 403, "not_member"),
        ("PUT", "/groups/team/members/eve", &eve, role("member"), 404, "not_found"),
        ("PUT", "/groups/team/members/eve", &bob, role("member"), 403, "not_allowed"),
        ("PUT", "/groups/team/members/nobody", &ann, role("member"), 404, "unknown_user"),
        ("PUT", "/groups/team/members/eve", &ann, role("king"), 422, "bad_fields"),
        ("PUT", "/groups/team/members/eve", &ann, role("member"), 204, ""),
        ("PUT", "/groups/team/members/bob", &ann, role("admin"), 204, ""),
        ("DELETE", "/groups/team/members/eve", &bob, Value::Null, 204, ""),
        ("PATCH", "/groups/team", &eve, json!({ "open": true }), 404, "not_found"),
        ("PATCH", "/groups/team", &bob, json!({ "open": true, "title": "All" }), 200, ""),
        ("PUT", "/groups/team/members/eve", &eve, role("admin"), 404, "not_found"),
        ("PUT", "/groups/team/members/ann", &eve, role("member"), 404, "not_found"),
        ("PUT", "/groups/team/members/eve", &eve, role("member"), 204, ""),
        ("POST", "/conversations/g.team/messages", &eve, text.clone(), 201, ""),
        ("PATCH", "/groups/team", &eve, json!({ "open": false }), 403, "not_allowed"),
        ("PATCH", "/groups/team", &bob, json!({ "open": false }), 200, ""),
        ("DELETE", "/groups/team/members/eve", &eve, Value::Null, 204, ""),
        ("PUT", "/groups/team/members/eve", &eve, role("member"), 404, "not_found"),
        ("PUT", "/groups/none/members/eve", &eve, role("member"), 404, "not_found"),
        ("POST", "/conversations/g.team/messages", &eve, text, 403, "not_member"),
        ("DELETE", "/groups/team/members/ann", &ann, Value::Null, 409, "owner_stays"),
        ("DELETE", "/groups/team", &bob, Value::Null, 403, "not_allowed"),
        ("DELETE", "/groups/team/members/bob", &bob, Value::Null, 204, ""),
        ("GET", "/groups/team", &bob, Value::Null, 404, "not_found"),
        ("DELETE", "/groups/team", &ann, Value::Null, 204, ""),
        ("GET", "/groups/team", &ann, Value::Null, 404, "not_found"),
    ];
    for (method, path, token, body, status, code) in table {
        let answer = server.v1(method, path, token, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body}: {}", answer.text);
        assert!(code.is_empty() || answer.code() == code, "{method} {path} {body}: {}", answer.text);
    }
    assert_eq!(server.v1("GET", "/groups", &ann, Value::Null).await.json(), json!([]));
    let mine = json!({ "group": "mine" });
    assert_eq!(server.v1("POST", "/groups", &eve, mine).await.status, 201);
    let listed = server.v1("GET", "/groups", &eve, Value::Null).await.json();
    assert_eq!(listed, json!([{ "group": "mine", "title": "", "members": 1 }]));
}
