//! Refusals: each in the one shape, and none that says the server failed for what a client sent.

use axum::body::Body;
use axum::http::Request;
use keepline_server::store::StoreError;
use serde_json::{Value, json};

use crate::http::failing::Failure;
use crate::http::fixture::{Answer, Fixture, Listener};

fn assert_shape(answer: &Answer) {
    let json = answer.json();
    let parts = json["error"].as_object().unwrap_or_else(|| panic!("{}", answer.text));
    assert_eq!(json.as_object().unwrap().len(), 1, "{}", answer.text);
    assert_eq!(parts.keys().collect::<Vec<_>>(), ["code", "message", "retry"], "{}", answer.text);
    assert!(parts["code"].is_string() && parts["message"].is_string() && parts["retry"].is_boolean());
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers.contains_key("retry-after"), parts["retry"] == true, "{}", answer.text);
}

/// A request as it is, with ann's token; what it is answered, and with which code.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str, u16, &'a str);

async fn refuse(server: &Fixture, cases: &[Case<'_>]) {
    let token = server.user("ann").await;
    for (method, path, media_type, body, status, code) in cases {
        let mut request = Request::builder().method(*method).uri(*path);
        request = request.header("authorization", format!("Bearer {token}"));
        if !media_type.is_empty() {
            request = request.header("content-type", *media_type);
        }
        let answer = server.send(Listener::Public, request.body(Body::from((*body).to_owned())).unwrap()).await;
        let what: String = format!("{method} {path} {body}").chars().take(100).collect();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (*status, *code), "{what}: {}", answer.text);
        assert_shape(&answer);
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_in_the_one_shape() {
    let send = "/v1/conversations/all/messages";
    let json = "application/json";
    // With a text that would be taken: what is too large here is the request.
    let padded = |bytes: usize| "{\"text\":\"a\"}".to_owned() + &" ".repeat(bytes - 12);
    let large = padded((1 << 20) + 1);
    let over = json!({ "text": "x".repeat((60 << 10) + 1) }).to_string();
    let server = Fixture::new().await;
    let cases = [
        ("POST", send, json, "{", 400, "bad_json"),
        ("POST", send, json, "", 400, "bad_json"),
        ("POST", send, json, "[]", 422, "bad_fields"),
        ("POST", send, json, "{}", 422, "bad_fields"),
        ("POST", send, json, "{\"text\":1}", 422, "bad_fields"),
        ("POST", send, json, "{\"text\":\"a\",\"sender\":\"bob\"}", 422, "bad_fields"),
        ("POST", send, json, "{\"kind\":\"song\",\"text\":\"a\"}", 422, "bad_fields"),
        ("POST", send, json, "{\"text\":\"a\",\"id\":\"7\"}", 400, "bad_message_id"),
        ("POST", send, "text/plain", "{}", 415, "unsupported_media_type"),
        ("POST", send, "", "{}", 415, "unsupported_media_type"),
        ("POST", send, json, &large, 413, "too_large"),
        ("POST", send, json, &over, 413, "too_large"),
    ];
    refuse(&server, &cases).await;
    let token = server.token("ann", "phone").await;
    let fits = json!({ "text": "x".repeat(60 << 10) });
    assert_eq!(server.v1("POST", "/conversations/all/messages", &token, fits).await.status, 201);
    let request = Request::post(send).header("authorization", format!("Bearer {token}"));
    let request = request.header("content-type", json).body(Body::from(padded(1 << 20))).unwrap();
    assert_eq!(server.send(Listener::Public, request).await.status, 201, "a request of 1 MiB fits");
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_refused_in_the_one_shape() {
    let (json, text) = ("application/json", "{\"text\":\"a\"}");
    let cases = [
        ("GET", "/v1", "", "", 404, "not_found"),
        ("GET", "/v1/nothing", "", "", 404, "not_found"),
        ("PUT", "/v1/accounts", json, "{}", 405, "method_not_allowed"),
        ("POST", "/v1/conversations/x/messages", json, text, 400, "bad_request"),
        ("POST", "/v1/conversations/%ff/messages", json, text, 400, "bad_request"),
        ("POST", "/v1/conversations/p.ann.nobody/messages", json, text, 404, "unknown_conversation"),
        ("POST", "/v1/conversations/g.none/messages", json, text, 404, "unknown_conversation"),
        ("GET", "/v1/conversations?limit=0", "", "", 400, "bad_request"),
        ("GET", "/v1/conversations?limit=x", "", "", 400, "bad_request"),
        ("GET", "/v1/conversations?lim=1", "", "", 400, "bad_request"),
        ("GET", "/v1/conversations?cursor=x", "", "", 400, "bad_request"),
        ("GET", "/v1/presence", "", "", 400, "bad_request"),
        ("GET", "/v1/presence?users=a.b", "", "", 400, "bad_request"),
        ("DELETE", "/v1/sessions/x", "", "", 400, "bad_request"),
        ("DELETE", "/v1/sessions/1", "", "", 404, "not_found"),
    ];
    refuse(&Fixture::new().await, &cases).await;
}

#[tokio::test]
async fn a_failing_store_says_whether_to_try_again() {
    let server = Fixture::new().await;
    let token = server.user("ann").await;
    // From here on the token is at hand, and needs no store.
    assert_eq!(server.v1("GET", "/sessions", &token, Value::Null).await.status, 200);
    let gone = StoreError::Unavailable("gone".into());
    for (failure, status, code) in [
        (Failure::Refuses(StoreError::Full), 507, "storage_full"),
        (Failure::Refuses(gone), 503, "unavailable"),
        (Failure::Forgets, 504, "unknown_outcome"),
    ] {
        server.store.fail(failure);
        let answer = server.v1("POST", "/conversations/all/messages", &token, json!({ "text": "a" })).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
        assert_eq!(answer.json()["error"]["retry"], true);
        assert_shape(&answer);
    }
    server.store.fail(Failure::None);
    let answer = server.v1("POST", "/conversations/all/messages", &token, json!({ "text": "a" })).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["seq"]), (201, &Value::from("1")));
}
