//! The admin listener.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use keepline_server::http::admin::{BACKUP_WITHIN, Drain as _};
use keepline_server::store::StoreError;
use serde_json::json;

use super::cim_line::CimLine;
use super::failing::Failure;
use super::fixture::{Fixture, Listener};

#[tokio::test]
async fn health_is_told_and_readiness_is_lost_with_the_store_and_at_the_end() {
    let server = Fixture::new().await;
    let status = async |path: &str| server.admin("GET", path).await.status.as_u16();
    let health = server.admin("GET", "/health").await.json();
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({ "version": version, "durability": "memory", "store": { "state": "ok" },
        "memory": "enough", "sessions": 0, "draining": false });
    assert_eq!(health, expected);
    assert_eq!((status("/ready").await, status("/ready/lines").await), (200, 200));
    server.store.fail(Failure::Refuses(StoreError::Full));
    let ready = server.admin("GET", "/ready").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["store"]["state"]), (503, &json!("failing")));
    assert_eq!(status("/health").await, 200, "it lives");
    server.store.fail(Failure::None);
    assert_eq!(status("/ready").await, 200, "without a restart");
    assert_eq!(server.admin("POST", "/drain").await.status, 202);
    assert!(server.draining.is_draining());
    assert_eq!((status("/ready").await, status("/ready/lines").await), (503, 503));
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let server = Fixture::new().await;
    let zs = server.cim_user("zs").await;
    let ann = server.cim_user("ann").await;
    let say = |text: &str| json!({ "userId": ann, "receiveUserId": zs, "msg": text }).to_string();
    assert_eq!(server.cim("/p2pRoute", &say("caught up")).await.code(), "7000");
    let mut line = CimLine::login(&server, zs, "zs").await;
    assert_eq!(line.texts(1).await, ["caught up"]);
    assert_eq!(server.cim("/p2pRoute", &say("pushed")).await.code(), "9000");
    assert_eq!(line.texts(1).await, ["pushed"]);
    server.store.fail(Failure::Refuses(StoreError::Full));
    assert_eq!(server.cim("/p2pRoute", &say("refused")).await.code(), "9200");
    server.store.fail(Failure::None);
    let metrics = server.admin("GET", "/metrics").await;
    assert_eq!(metrics.headers["content-type"], keepline_server::metrics::MEDIA_TYPE);
    for line in [
        "keepline_connections 1",
        "keepline_sessions{dialect=\"cim\"} 1",
        "keepline_store_up 1",
        "keepline_messages_stored_total{kind=\"text\"} 2",
        "keepline_messages_refused_total{reason=\"storage_full\"} 1",
        "keepline_messages_caught_up_total 1",
        "keepline_messages_pushed_total 1",
        "keepline_store_refused_total{reason=\"storage_full\"} 1",
    ] {
        assert!(metrics.text.lines().any(|metric| metric == line), "{line} is not in\n{}", metrics.text);
    }
    // A row with labels is there from its first value on; what is there is a row.
    let named = metrics.text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next());
    let rows = keepline_server::metrics::Metrics::ROWS;
    for name in named {
        let bare = ["_seconds", "_bytes"].iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
        assert!(rows.iter().any(|row| bare == row.name), "{name}");
    }
    assert!(!metrics.text.contains(&zs.to_string()), "no user is named in\n{}", metrics.text);
}

#[tokio::test]
async fn a_session_is_listed_and_kicked() {
    let server = Fixture::new().await;
    let zs = server.cim_user("zs").await;
    let mut line = CimLine::login(&server, zs, "zs").await;
    let user = format!("cim-{zs}");
    let listed = server.admin("GET", &format!("/sessions?user={user}")).await.json();
    let session = &listed["sessions"][0];
    assert_eq!((&session["user"], &session["dialect"]), (&json!(user), &json!("cim")), "{listed}");
    assert!(session["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{listed}");
    assert_eq!(session["queue"], json!({ "messages": 0, "bytes": 0, "oldest_ms": 0 }));
    assert!(session["caught_up"].is_boolean(), "{session}");
    assert_eq!(server.admin("GET", "/sessions?user=nobody").await.json(), json!({ "sessions": [], "total": 0 }));
    assert_eq!(server.admin("DELETE", "/sessions/1").await.code(), "not_found");
    let path = format!("/sessions/{}", session["session"].as_str().unwrap());
    assert_eq!(server.admin("DELETE", &path).await.status, 204);
    assert_eq!(line.next().await, None);
}

#[tokio::test]
async fn d9_a_page_of_a_browser_reads_and_changes_nothing() {
    let server = Fixture::new().await;
    let table = [
        ("/health", Some("127.0.0.1:8084"), None, 200),
        ("/health", Some("localhost:8084"), None, 200),
        ("/health", None, None, 403),
        ("/health", Some("rebound.example:8084"), None, 403),
        ("/drain", Some("rebound.example:8084"), None, 403),
        ("/drain", Some("127.0.0.1:8084"), Some("https://evil.example"), 403),
        ("/backup", Some("rebound.example:8084"), None, 403),
        ("/nothing", Some("rebound.example:8084"), None, 403),
    ];
    for (path, host, origin, status) in table {
        let method = if path == "/health" { "GET" } else { "POST" };
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in [("host", host), ("origin", origin)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        let answer = server.send(Listener::Admin, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {host:?} {origin:?}: {}", answer.text);
    }
    for (path, code) in [("/drain", "method_not_allowed"), ("/sessions/1", "not_found")] {
        assert_eq!(server.admin("GET", path).await.code(), code, "a GET changes nothing: {path}");
    }
    assert!(!server.draining.is_draining());
}

#[tokio::test]
async fn a_backup_is_answered_once_it_is_made() {
    let server = Fixture::new().await;
    let made = json!({ "to": "/backups/a", "logs": 1, "records": 2, "bytes": 3 });
    for (request, failure, status, answered) in [
        (json!({ "to": "/backups/a" }), Failure::None, 200, made),
        (json!({ "to": "backups/a" }), Failure::None, 422, json!("bad_fields")),
        (json!({ "to": "/backups/a", "from": "/" }), Failure::None, 422, json!("bad_fields")),
        (json!({}), Failure::None, 422, json!("bad_fields")),
        (json!({ "to": "/backups/a" }), Failure::Refuses(StoreError::Full), 507, json!("storage_full")),
    ] {
        server.store.fail(failure);
        let asked = Request::post("/backup").header("host", "localhost").header("content-type", "application/json");
        let asked = asked.body(Body::from(request.to_string())).unwrap();
        let answer = server.send(Listener::Admin, asked).await;
        assert_eq!(answer.status.as_u16(), status, "{request}: {}", answer.text);
        let said = answer.json();
        assert_eq!(if answered.is_string() { &said["error"]["code"] } else { &said }, &answered, "{request}");
    }
}

#[tokio::test]
async fn a_backup_has_the_time_that_its_client_waits_and_no_more() {
    let server = Fixture::new().await;
    tokio::time::pause();
    let second = Duration::from_secs(1);
    for (takes, status) in [(BACKUP_WITHIN - second, 200), (BACKUP_WITHIN + second, 408)] {
        server.store.fail(Failure::Copies(takes));
        let asked = Request::post("/backup").header("host", "localhost").header("content-type", "application/json");
        let asked = asked.body(Body::from(json!({ "to": "/backups/a" }).to_string())).unwrap();
        let (begun, answer) = (tokio::time::Instant::now(), server.send(Listener::Admin, asked).await);
        assert_eq!(answer.status.as_u16(), status, "{takes:?}: {}", answer.text);
        assert!(begun.elapsed() <= BACKUP_WITHIN + second / 2, "{:?}", begun.elapsed());
        let said = answer.text.contains("longer than 60 minutes: its file is there once it is whole");
        assert_eq!((said, status == 408 && answer.code() != "timeout"), (status == 408, false), "{}", answer.text);
    }
}
