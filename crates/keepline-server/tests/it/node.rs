//! A whole server in the test's process: wired, reached, and let go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keepline_proto::wire::dialect::Dialect;
use keepline_server::accounts::Hashing;
use keepline_server::store::memory::Memory;
use keepline_server::{Config, Node, StartError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::*;

fn config() -> Config {
    let free = ([127, 0, 0, 1], 0).into();
    let mut config = Config::default();
    (config.http, config.tcp, config.admin, config.cim_http) = (free, free, Some(free), Some(free));
    config.hashing = Hashing::cheapest();
    config
}

/// A new user's phone.
async fn logged_in(node: &Node, name: &str) -> Peer {
    let (accounts, user) = (&node.services().accounts, name.parse().unwrap());
    accounts.create(name.parse().unwrap(), "correct horse").await.unwrap();
    let token = accounts.issue(&user, "correct horse", "phone".parse().unwrap()).await.unwrap();
    let mut peer = Peer::new(TcpStream::connect(node.addresses().tcp).await.unwrap(), Dialect::V1);
    peer.send(hello(&token.text, "phone")).await;
    assert!(matches!(peer.next().await, Some(Body::Welcome(_))));
    peer
}

#[tokio::test]
async fn a_drain_says_when_to_come_back_then_why_it_ended() {
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let mut ann = logged_in(&node, "ann").await;
    let (ends, ()) = tokio::join!(
        async { [ann.next().await, ann.next().await, ann.next().await] },
        node.drain(keepline::Duration::from_millis(50)),
    );
    let [Some(Body::GoAway(bye)), Some(Body::Close(close)), None] = ends else { panic!("{ends:?}") };
    assert_eq!((bye.retry_after_ms, bye.nodes.len()), (50, 0));
    assert_eq!(close.reason, "draining");
    tokio::time::timeout(Duration::from_secs(10), node.stop()).await.expect("nothing is left to wait for");
}

/// The status of a GET; 0 where nobody listens.
async fn status(at: SocketAddr, path: &str) -> u16 {
    let Ok(mut stream) = TcpStream::connect(at).await else { return 0 };
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_drain_closes_the_lines_first_then_public_http_then_admin() {
    let node = Arc::new(Node::start(config(), Memory::new()).await.unwrap());
    let at = node.addresses().clone();
    let (admin, push) = (at.admin.unwrap(), at.cim_http.unwrap());
    let mut peers = [logged_in(&node, "ann").await, logged_in(&node, "bob").await];
    // A request of which the rest is still to come.
    let mut half = TcpStream::connect(at.http).await.unwrap();
    let head = "POST /v1/accounts HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    half.write_all(format!("{head}content-length: 2\r\n\r\n").as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    half.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!([status(admin, "/ready").await, status(at.http, "/v1/openapi.json").await], [200, 200]);

    // The second line has half an hour.
    let draining = tokio::spawn({
        let node = Arc::clone(&node);
        async move { node.drain(keepline::Duration::from_secs(3600)).await }
    });
    for peer in &mut peers {
        assert!(matches!(peer.next().await, Some(Body::GoAway(_))), "both are told");
    }
    eventually("one line is let go", || node.lines().lines() == 1).await;
    let told = [status(admin, "/ready").await, status(admin, "/health").await, status(at.tcp, "/").await];
    assert_eq!(told, [503, 200, 0], "not ready, alive, and no new lines");
    assert_eq!(status(at.http, "/v1/openapi.json").await, 200, "HTTP serves on");
    assert_eq!(status(push, "/").await, 404);

    // The second leaves by itself: there is nothing more to wait for, but for the request.
    drop(peers);
    eventually("the lines have left", || node.lines().lines() == 0).await;
    while status(at.http, "/v1/openapi.json").await != 0 {}
    while status(push, "/").await != 0 {}
    assert_eq!(status(admin, "/ready").await, 503, "admin is there while a request is in flight");
    assert!(!draining.is_finished());
    half.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    tokio::time::timeout(Duration::from_secs(10), draining).await.expect("it ends").unwrap();
    assert_eq!(status(admin, "/ready").await, 0);
}

#[tokio::test]
async fn a_server_told_by_its_admin_listener_is_not_ready_and_serves_until_it_is_drained() {
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let (admin, http) = (node.addresses().admin.unwrap(), node.addresses().http);
    let mut asking = TcpStream::connect(admin).await.unwrap();
    asking.write_all(b"POST /drain HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    node.stop_asked().await;
    assert_eq!([status(admin, "/ready").await, status(http, "/v1/openapi.json").await], [503, 200]);
    node.drain(keepline::Duration::ZERO).await;
    assert_eq!([status(admin, "/ready").await, status(http, "/v1/openapi.json").await], [0, 0]);
}

#[tokio::test]
async fn what_can_not_start_says_why_and_leaves_nothing() {
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let mut second = config();
    second.http = node.addresses().http;
    let error = Node::start(second, Memory::new()).await.unwrap_err();
    assert!(matches!(&error, StartError::Listen { what: "HTTP", .. }), "{error}");
    let mut wrong = config();
    wrong.terms.silence = wrong.terms.ping_after;
    assert!(matches!(Node::start(wrong, Memory::new()).await, Err(StartError::Config(_))));
}
