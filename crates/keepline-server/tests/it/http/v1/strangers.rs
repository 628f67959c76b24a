//! Strangers: what one who has shown nothing may cost.

use axum::body::Body;
use axum::http::Request;
use keepline_server::guard::GuardLimits;
use keepline_server::http::Peer;
use serde_json::{Value, json};

use crate::http::fixture::{Answer, Fixture, Listener, PASSWORD};
use crate::store::engine::Folder;

/// What of a request's body each connection has for itself.
const OWN: usize = 16 << 10;

async fn post(server: &Fixture, path: &str, from: &str, body: String) -> Answer {
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.extension(Peer(from.parse().unwrap()));
    server.send(Listener::Public, request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn of_a_stranger_no_more_is_read_than_a_connection_has_for_itself() {
    let server = Fixture::new().await;
    let padded = |json: Value, length: usize| {
        let json = json.to_string();
        let blanks = " ".repeat(length - json.len());
        json + &blanks
    };
    let account = || json!({ "user": "ann", "password": PASSWORD });
    let credentials = || json!({ "user": "ann", "password": PASSWORD, "device": "phone" });
    for (path, body, length, status) in [
        ("/v1/accounts", account(), OWN + 1, 413),
        ("/v1/accounts", account(), OWN, 201),
        ("/v1/tokens", credentials(), OWN + 1, 413),
        ("/v1/tokens", credentials(), OWN, 201),
    ] {
        let answer = post(&server, path, "192.0.2.1:1", padded(body, length)).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {length}: {}", answer.text);
    }
    // Whoever is known may send what is larger.
    let ann = server.token("ann", "phone").await;
    let large = json!({ "text": "x".repeat(3 * OWN) });
    assert_eq!(server.v1("POST", "/conversations/all/messages", &ann, large).await.status, 201);
}

/// Each password that is hashed is a core for some time, and those who wait for one are few.
#[tokio::test]
async fn one_address_does_not_take_all_the_hashing_by_making_accounts() {
    let server = Fixture::configured(false, |config| config.guard = GuardLimits::default()).await;
    let at_once = GuardLimits::default().failures_of_address.unwrap().failures;
    let under_way: Vec<_> = (0..at_once)
        .map(|number| {
            let user = format!("u{number}").parse().unwrap();
            server.services().guard.attempt(&user, Some("192.0.2.1".parse().unwrap())).unwrap()
        })
        .collect();
    let make = async |user: &str, from: &str| {
        let account = json!({ "user": user, "password": PASSWORD }).to_string();
        post(&server, "/v1/accounts", from, account).await.status.as_u16()
    };
    assert_eq!(make("ann", "192.0.2.1:1").await, 429);
    assert_eq!(make("ann", "192.0.2.2:1").await, 201, "from another address");
    drop(under_way);
    assert_eq!(make("bob", "192.0.2.1:1").await, 201);
    assert_eq!(make("bob", "192.0.2.1:1").await, 409);
    // A name that is taken is no failed login.
    for _ in 0..2 * at_once {
        assert_eq!(make("bob", "192.0.2.1:1").await, 409);
    }
}

#[tokio::test]
async fn where_nobody_may_sign_up_the_operator_makes_the_accounts() {
    let folder = Folder::new();
    let path = folder.path().join("audit.log");
    let server = Fixture::configured(false, |config| {
        config.guard.sign_ups = false;
        config.audit = Some(path.clone());
    })
    .await;
    let account = |user: &str| json!({ "user": user, "password": PASSWORD });
    let made = async |user: &str| {
        let request = Request::post("/accounts").header("host", "127.0.0.1:8084");
        let request = request.header("content-type", "application/json").body(account(user).to_string().into());
        server.send(Listener::Admin, request.unwrap()).await
    };
    let refused = server.v1("POST", "/accounts", "", account("ann")).await;
    assert_eq!((refused.status.as_u16(), &*refused.code()), (403, "not_allowed"), "{}", refused.text);
    let answer = made("ann").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (201, json!({ "user": "ann" })));
    let again = made("ann").await;
    assert_eq!((again.status.as_u16(), &*again.code()), (409, "taken"));
    let odd = made("cim-7").await;
    assert_eq!((odd.status.as_u16(), &*odd.code()), (409, "reserved"), "{}", odd.text);
    server.token("ann", "phone").await;
    let known = server.v1("POST", "/accounts", "", account("ann")).await;
    assert_eq!(known.status, 403, "nor is a stranger told which names there are: {}", known.text);
    server.services().audit().flush().await;
    let lines = std::fs::read_to_string(path).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let made =
        lines.filter(|line| line["actor"] == "@admin").map(|line| format!("{} {}", line["object"], line["outcome"]));
    assert_eq!(made.collect::<Vec<_>>(), [r#""ann" "ok""#, r#""ann" "taken""#, r#""cim-7" "reserved""#]);
}
