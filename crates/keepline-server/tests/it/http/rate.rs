//! Rate: how fast a user may send by HTTP, and all together to everyone.

use std::time::Duration;

use keepline::serve::Rate;
use keepline_proto::wire::dialect::Dialect;
use keepline_server::line::PaceLimit;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::fixture::{Answer, Fixture};
use crate::stage::{Body, Peer, hello};

const BURST: u32 = 3;

/// A server that takes two messages a second from a user, and one of all together to everyone. The clock stands.
async fn server() -> (Fixture, String, String) {
    let server = Fixture::configured(true, |config| {
        config.pace = Some(PaceLimit { per_second: 2, burst: BURST });
        config.everyone = Some(Rate { per_second: 1, burst: 2 });
    });
    let server = server.await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    tokio::time::pause();
    (server, ann, bob)
}

async fn send(server: &Fixture, token: &str, conversation: &str) -> Answer {
    let path = format!("/conversations/{conversation}/messages");
    server.v1("POST", &path, token, json!({ "text": "hi" })).await
}

#[tokio::test]
async fn a_user_who_sends_too_fast_is_refused_alone_and_taken_again_in_time() {
    let (server, ann, bob) = server().await;
    for _ in 0..BURST {
        assert_eq!(send(&server, &ann, "p.ann.bob").await.status, 201);
    }
    let refused = send(&server, &ann, "p.ann.bob").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "rate_limited"), "{}", refused.text);
    assert_eq!(
        (&refused.headers["retry-after"], &refused.json()["error"]["retry"]),
        (&"1".parse().unwrap(), &json!(true))
    );
    assert_eq!(send(&server, &bob, "p.ann.bob").await.status, 201, "bob has done nothing");
    tokio::time::advance(Duration::from_secs(1)).await;
    let after: Vec<_> = [send(&server, &ann, "p.ann.bob").await, send(&server, &ann, "p.ann.bob").await]
        .map(|answer| answer.status.as_u16())
        .into();
    assert_eq!(after, [201, 201], "as much as Retry-After says, and a message more");
    assert_eq!(send(&server, &ann, "p.ann.bob").await.status, 429);
    let metrics = server.admin("GET", "/metrics").await.text;
    assert!(metrics.contains("keepline_messages_refused_total{reason=\"rate_limited\"} 2"), "{metrics}");
}

#[tokio::test]
async fn everyone_is_sent_to_by_all_users_at_one_rate() {
    let (server, ann, bob) = server().await;
    let said = [send(&server, &ann, "all").await, send(&server, &bob, "all").await, send(&server, &bob, "all").await];
    assert_eq!(said.map(|answer| answer.status.as_u16()), [201, 201, 429]);
    assert_eq!(send(&server, &bob, "p.ann.bob").await.status, 201, "others hear it still");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(send(&server, &bob, "all").await.status, 201);
}

#[tokio::test]
async fn a_client_of_cim_is_told_of_failure_and_keeps_what_was_taken() {
    let server =
        Fixture::configured(true, |config| config.pace = Some(PaceLimit { per_second: 2, burst: BURST })).await;
    let (zs, ls) = (server.cim_user("zs").await, server.cim_user("ls").await);
    tokio::time::pause();
    let batch = json!({ "userId": zs, "receiveUserId": ls, "batchMsg": ["1", "2", "3", "4", "5"] }).to_string();
    let refused = server.cim("/p2pRoute", &batch).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (200, "4000"), "{}", refused.text);
    let group = json!({ "userId": zs, "msg": "hi" }).to_string();
    assert_eq!(server.cim("/groupRoute", &group).await.code(), "4000");
    let metrics = server.admin("GET", "/metrics").await.text;
    assert!(metrics.contains("keepline_messages_stored_total{kind=\"text\"} 3"), "{metrics}");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(server.cim("/groupRoute", &group).await.code(), "9000");
}

#[tokio::test]
async fn delayed_messages_that_are_due_at_once_are_sent_at_the_rate() {
    let (server, ann, bob) = server().await;
    let late = 2 * u64::from(BURST);
    for text in 0..late {
        let request = json!({ "conversation": "p.ann.bob", "due_ms": 0, "text": text.to_string() });
        assert_eq!(server.v1("POST", "/schedules", &ann, request).await.status, 201);
    }
    let sent = async {
        loop {
            let read = server.v1("GET", "/conversations/p.ann.bob/messages", &bob, Value::Null).await.json();
            let count = read["messages"].as_array().map_or(0, Vec::len) as u64;
            if count == late {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let begun = tokio::time::Instant::now();
    sent.await;
    assert!(begun.elapsed() > Duration::from_secs(1), "three more take a second at least: {:?}", begun.elapsed());
}

#[tokio::test]
async fn what_comes_over_a_line_is_read_later_and_never_refused() {
    let server =
        Fixture::configured(true, |config| config.pace = Some(PaceLimit { per_second: 50, burst: BURST })).await;
    let (ann, _bob) = (server.user("ann").await, server.user("bob").await);
    let mut line = Peer::new(TcpStream::connect(server.tcp()).await.unwrap(), Dialect::V1);
    line.send(hello(&ann, "phone")).await;
    assert!(matches!(line.next().await, Some(Body::Welcome(_))));
    for _ in 0..3 * BURST {
        line.say("p.ann.bob", "hi").await;
    }
    let mut taken = 0;
    while taken < 3 * BURST {
        match line.next().await {
            Some(Body::SendAck(_)) => taken += 1,
            Some(Body::Deliver(_)) => {}
            other => panic!("{other:?} after {taken}"),
        }
    }
}

#[tokio::test]
async fn without_limits_nobody_is_refused() {
    let server = Fixture::configured(true, |config| (config.pace, config.everyone) = (None, None)).await;
    let ann = server.user("ann").await;
    tokio::time::pause();
    for _ in 0..400 {
        assert_eq!(send(&server, &ann, "all").await.status, 201);
    }
}
