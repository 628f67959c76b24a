//! cim's endpoints, letter by letter.

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use keepline_server::store::StoreError;
use serde_json::{Value, json};

use super::failing::Failure;
use super::fixture::{Fixture, Listener};

/// Every endpoint, its listener, and a field of it; `onlineUser` has none, and answers GET too.
const ENDPOINTS: [(&str, Listener, Option<&str>); 8] = [
    ("/registerAccount", Listener::Public, Some("userName")),
    ("/login", Listener::Public, Some("userId")),
    ("/offLine", Listener::Public, Some("userId")),
    ("/groupRoute", Listener::Public, Some("msg")),
    ("/p2pRoute", Listener::Public, Some("receiveUserId")),
    ("/fetchOfflineMsgs", Listener::Public, Some("receiveUserId")),
    ("/sendMsg", Listener::Push, Some("userId")),
    ("/onlineUser", Listener::Public, None),
];

/// Messages of cim's table, by code.
const MESSAGES: [(&str, &str); 7] = [
    ("9000", "Success"),
    ("3000", "invalid argument"),
    ("4000", "Failure"),
    ("7000", "You selected user is offline!, please try again later!"),
    ("9100", "The User information you have used is incorrect!"),
    ("9200", "Offline message storage error!"),
    ("9201", "Offline message fetch error!"),
];

fn request(method: &str, path: &str, media_type: &str, body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("content-type", media_type);
    request.body(body.to_owned().into()).expect("a request")
}

/// Spring's four fields and no other, with this status and path.
fn assert_spring(answer: &super::fixture::Answer, status: u16, error: &str, path: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    let json = answer.json();
    let fields = json.as_object().expect("an object");
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["error", "path", "status", "timestamp"], "{}", answer.text);
    assert_eq!((&json["status"], &json["error"], &json["path"]), (&json!(status), &json!(error), &json!(path)));
    let timestamp = json["timestamp"].as_str().expect("a text");
    assert!(timestamp.len() == 29 && timestamp.ends_with("+00:00"), "{timestamp}");
}

#[tokio::test]
async fn what_is_no_request_is_refused_as_spring_does() {
    let server = Fixture::new().await;
    for (path, listener, field) in ENDPOINTS {
        let wrong = if field.is_some() { "GET" } else { "PUT" };
        let answer = server.send(listener, request(wrong, path, "application/json", "{}")).await;
        assert_spring(&answer, 405, "Method Not Allowed", path);
        assert!(answer.headers.contains_key("allow"), "{path}");
        let Some(field) = field else { continue };
        let wrong_type = format!("{{\"{field}\":[{{}}]}}");
        for bad in ["", "{", "[]", "null", "\"x\"", "{}{", "\u{0}", &wrong_type] {
            let answer = server.send(listener, request("POST", path, "application/json", bad)).await;
            assert_spring(&answer, 400, "Bad Request", path);
        }
        let answer = server.send(listener, request("POST", path, "text/plain", "{}")).await;
        assert_spring(&answer, 415, "Unsupported Media Type", path);
        let large = format!("{{\"msg\":\"{}\"}}", "x".repeat(1 << 20));
        let answer = server.send(listener, request("POST", path, "application/json", &large)).await;
        assert_spring(&answer, 413, "Payload Too Large", path);
    }
    let answer = server.send(Listener::Public, request("POST", "/sendMsg", "application/json", "{}")).await;
    assert_spring(&answer, 404, "Not Found", "/sendMsg");
    let answer = server.send(Listener::Push, request("POST", "/login", "application/json", "{}")).await;
    assert_spring(&answer, 404, "Not Found", "/login");
}

#[tokio::test]
async fn no_page_of_a_browser_is_a_client_of_cim() {
    let server = Fixture::new().await;
    for (path, listener, _) in ENDPOINTS {
        let mut from_a_page = request("POST", path, "application/json", r#"{"userName":"zs"}"#);
        from_a_page.headers_mut().insert("origin", HeaderValue::from_static("http://evil.example"));
        assert_spring(&server.send(listener, from_a_page).await, 403, "Forbidden", path);
    }
    let answer =
        server.send(Listener::Public, request("POST", "/registerAccount", "application/json", r#"{"userName":"zs"}"#));
    assert_eq!(answer.await.json()["code"], "9000", "nobody had made him");
}

/// The reply has cim's four fields and no other, and the code its message.
fn assert_reply(answer: &super::fixture::Answer, code: &str, data_body: &Value, what: &str) {
    assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text);
    let message = MESSAGES.iter().find(|row| row.0 == code).map(|row| row.1);
    let expected = json!({ "code": code, "message": message, "reqNo": null, "dataBody": data_body });
    assert_eq!(answer.json(), expected, "{what}");
}

#[tokio::test]
async fn each_endpoint_answers_with_its_codes() {
    let server = Fixture::new().await;
    let (ann, bob) = (server.cim_user("ann").await, server.cim_user("bob").await);
    let null = Value::Null;
    let address = json!({ "ip": "127.0.0.2", "cimServerPort": server.tcp().port(), "httpPort": 8081 });
    let named = |id: i64, name: &str| json!({ "userId": id, "userName": name });
    let table = [
        ("/registerAccount", json!({ "userName": "ann" }), "9000", named(ann, "ann")),
        (
            "/registerAccount",
            json!({ "userName": "bob", "reqNo": "7", "timeStamp": 1, "x": [] }),
            "9000",
            named(bob, "bob"),
        ),
        ("/registerAccount", json!({}), "3000", null.clone()),
        ("/registerAccount", json!({ "userName": "" }), "3000", null.clone()),
        ("/registerAccount", json!({ "userName": "x".repeat(257) }), "3000", null.clone()),
        ("/login", json!({ "userId": ann, "userName": "ann" }), "9000", address.clone()),
        ("/login", json!({ "userId": ann.to_string(), "userName": "ann" }), "9000", address),
        ("/login", json!({ "userId": ann, "userName": "bob" }), "9100", null.clone()),
        ("/login", json!({ "userId": ann }), "9100", null.clone()),
        ("/login", json!({ "userId": 1, "userName": "ann" }), "9100", null.clone()),
        ("/login", json!({}), "9100", null.clone()),
        ("/offLine", json!({ "userId": ann, "msg": "offLine" }), "9000", null.clone()),
        ("/offLine", json!({ "userId": 1 }), "9000", null.clone()),
        ("/offLine", json!({ "userId": i64::MIN }), "9000", null.clone()),
        ("/groupRoute", json!({ "userId": ann, "msg": "hello" }), "9000", null.clone()),
        ("/groupRoute", json!({ "userId": ann, "msg": "" }), "3000", null.clone()),
        ("/groupRoute", json!({ "userId": 1, "msg": "hello" }), "9100", null.clone()),
        ("/p2pRoute", json!({ "userId": ann, "receiveUserId": bob, "msg": "hi" }), "7000", null.clone()),
        ("/p2pRoute", json!({ "userId": ann, "receiveUserId": bob }), "3000", null.clone()),
        (
            "/p2pRoute",
            json!({ "userId": ann, "receiveUserId": bob, "msg": "x".repeat(61 << 10) }),
            "3000",
            null.clone(),
        ),
        ("/p2pRoute", json!({ "userId": ann, "receiveUserId": 1, "msg": "hi" }), "9100", null.clone()),
        ("/p2pRoute", json!({ "userId": 1, "receiveUserId": bob, "msg": "hi" }), "9100", null.clone()),
        ("/p2pRoute", json!({ "userId": ann, "msg": "hi" }), "9100", null.clone()),
        ("/onlineUser", json!({}), "9000", null.clone()),
        ("/fetchOfflineMsgs", json!({ "receiveUserId": ann }), "9000", null.clone()),
        ("/fetchOfflineMsgs", json!({ "receiveUserId": 1 }), "9000", null.clone()),
        ("/fetchOfflineMsgs", json!({}), "9000", null.clone()),
        ("/sendMsg", push(ann, bob, "MESSAGE"), "9000", json!({ "msg": "OK" })),
        ("/sendMsg", push(ann, bob, "OFFLINE"), "9000", json!({ "msg": "OK" })),
        ("/sendMsg", push(ann, bob, "PING"), "3000", null.clone()),
        ("/sendMsg", push(ann, 1, "MESSAGE"), "9100", null.clone()),
        ("/sendMsg", push(1, bob, "MESSAGE"), "9100", null.clone()),
        ("/sendMsg", json!({ "userId": bob, "msg": "hi", "cmd": "MESSAGE" }), "9100", null.clone()),
        ("/sendMsg", json!({ "userId": bob, "msg": "hi" }), "3000", null.clone()),
    ];
    for (path, request, code, data_body) in table {
        let answer = server.cim(path, &request.to_string()).await;
        assert_reply(&answer, code, &data_body, &format!("{path} {request}"));
    }
    let answer = server.send(Listener::Public, request("GET", "/onlineUser", "text/plain", "")).await;
    assert_reply(&answer, "9000", &null, "GET /onlineUser");
}

/// What cim's route asks of cim's server.
fn push(sender: i64, receiver: i64, cmd: &str) -> Value {
    let properties =
        json!({ "sendUserId": sender.to_string(), "sendUserName": "x", "receiveUserId": receiver.to_string() });
    json!({ "userId": receiver, "msg": "hi", "cmd": cmd, "properties": properties })
}

#[tokio::test]
async fn double_slashes_are_forgiven() {
    let server = Fixture::new().await;
    for path in ["//registerAccount", "///registerAccount"] {
        assert_eq!(server.cim(path, "{\"userName\":\"ann\"}").await.code(), "9000", "{path}");
    }
    let answer = server.cim("//nowhere", "{}").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_cim_its_endpoints_are_not_there() {
    let server = Fixture::with_cim(false).await;
    for (path, ..) in ENDPOINTS {
        let answer = server.cim(path, "{}").await;
        if !path.contains("sendMsg") {
            assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn a_failing_store_is_never_a_success() {
    let server = Fixture::new().await;
    let (ann, bob) = (server.cim_user("ann").await, server.cim_user("bob").await);
    for failure in
        [Failure::Refuses(StoreError::Full), Failure::Refuses(StoreError::Unavailable("gone".into())), Failure::Forgets]
    {
        server.store.fail(failure.clone());
        for (path, request, code) in [
            ("/p2pRoute", json!({ "userId": ann, "receiveUserId": bob, "msg": "hi" }), "9200"),
            ("/groupRoute", json!({ "userId": ann, "msg": "hi" }), "9200"),
            ("/sendMsg", push(ann, bob, "MESSAGE"), "9200"),
            ("/registerAccount", json!({ "userName": "new" }), "4000"),
        ] {
            let answer = server.cim(path, &request.to_string()).await;
            assert_reply(&answer, code, &Value::Null, &format!("{failure:?} {path}"));
        }
    }
    server.store.fail(Failure::Refuses(StoreError::Unavailable("gone".into())));
    let answer = server.cim("/fetchOfflineMsgs", &json!({ "receiveUserId": bob }).to_string()).await;
    assert_reply(&answer, "9201", &Value::Null, "fetchOfflineMsgs");
    server.store.fail(Failure::None);
    let answer =
        server.cim("/p2pRoute", &json!({ "userId": ann, "receiveUserId": bob, "msg": "hi" }).to_string()).await;
    assert_eq!(answer.code(), "7000");
}
