//! Metrics of what happens on the long connections: each is seen to move, and by how much.

use keepline_proto::wire::dialect::Dialect;
use serde_json::json;
use tokio::net::TcpStream;

use super::cim_line::CimLine;
use super::fixture::Fixture;
use crate::stage::{Body, Peer, hello};

/// The value of a metric with these labels; 0 where it is not there yet.
async fn metric(server: &Fixture, name: &str) -> u64 {
    let text = server.admin("GET", "/metrics").await.text;
    let row = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    row.map_or(0, |value| value.parse().expect("a whole number"))
}

#[tokio::test]
async fn logins_are_counted_by_dialect_and_outcome() {
    let server = Fixture::new().await;
    let (zs, ann) = (server.cim_user("zs").await, server.user("ann").await);
    let v1 = async |token: &str, device: &str| {
        let mut peer = Peer::new(TcpStream::connect(server.tcp()).await.unwrap(), Dialect::V1);
        peer.send(hello(token, device)).await;
        peer.next().await
    };
    assert!(matches!(v1(&ann, "phone").await, Some(Body::Welcome(_))));
    assert!(matches!(v1(&ann, "tablet").await, Some(Body::Close(_))), "a token of another device");
    assert!(matches!(v1("none", "phone").await, Some(Body::Close(_))));
    let _in = CimLine::login(&server, zs, "zs").await;
    let mut stranger = Peer::new(TcpStream::connect(server.tcp()).await.unwrap(), Dialect::Cim21);
    stranger.login_of_cim(Dialect::Cim21, zs, "forged").await;
    assert!(stranger.next_of_cim().await.is_none());
    for (labels, count) in [
        ("dialect=\"v1\",outcome=\"accepted\"", 1),
        ("dialect=\"v1\",outcome=\"auth_failed\"", 2),
        ("dialect=\"cim\",outcome=\"accepted\"", 1),
        ("dialect=\"cim\",outcome=\"auth_failed\"", 1),
    ] {
        assert_eq!(metric(&server, &format!("keepline_logins_total{{{labels}}}")).await, count, "{labels}");
    }
}

#[tokio::test]
async fn a_delivery_is_timed_at_its_first_push_and_what_is_read_later_is_not() {
    let server = Fixture::new().await;
    let (zs, ls) = (server.cim_user("zs").await, server.cim_user("ls").await);
    let say = |text: &str| json!({ "userId": ls, "receiveUserId": zs, "msg": text }).to_string();
    assert_eq!(server.cim("/p2pRoute", &say("caught up")).await.code(), "7000");
    let mut line = CimLine::login(&server, zs, "zs").await;
    assert_eq!(line.texts(1).await, ["caught up"]);
    assert_eq!(metric(&server, "keepline_delivery_seconds_count").await, 0);
    let mut other = CimLine::login(&server, server.cim_user("kk").await, "kk").await;
    for to_all in ["a", "b"] {
        let say = json!({ "userId": ls, "msg": to_all }).to_string();
        assert_eq!(server.cim("/groupRoute", &say).await.code(), "9000");
        assert_eq!([line.texts(1).await, other.texts(1).await], [[to_all], [to_all]]);
    }
    assert_eq!(metric(&server, "keepline_delivery_seconds_count").await, 2, "once a message, however many hear it");
    let text = server.admin("GET", "/metrics").await.text;
    let sum = text.lines().find_map(|line| line.strip_prefix("keepline_delivery_seconds_sum ")?.parse::<f64>().ok());
    assert!(sum.is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{sum:?}");
}
