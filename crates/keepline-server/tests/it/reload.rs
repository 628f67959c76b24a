//! Reload: a running server takes other limits, and nobody is dropped for it.

use std::time::{Duration, Instant};

use keepline::serve::Rate;
use keepline_proto::wire::dialect::Dialect;
use keepline_server::accounts::Hashing;
use keepline_server::delivery::{SendError, Sender};
use keepline_server::guard::StrikeLimit;
use keepline_server::http::admin::AdminToken;
use keepline_server::line::PaceLimit;
use keepline_server::store::memory::Memory;
use keepline_server::{Config, ConfigError, Node};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::*;

const PASSWORD: &str = "correct horse";

fn config() -> Config {
    let free = ([127, 0, 0, 1], 0).into();
    let mut config = Config::default();
    (config.http, config.tcp, config.admin, config.cim_http) = (free, free, Some(free), None);
    config.hashing = Hashing::cheapest();
    config.admin_token = Some(AdminToken::of("the first"));
    config
}

async fn ann(node: &Node) -> Peer {
    let accounts = &node.services().accounts;
    accounts.create("ann".parse().unwrap(), PASSWORD).await.unwrap();
    let token = accounts.issue(&"ann".parse().unwrap(), PASSWORD, "phone".parse().unwrap()).await.unwrap();
    let mut peer = Peer::new(TcpStream::connect(node.addresses().tcp).await.unwrap(), Dialect::V1);
    peer.send(hello(&token.text, "phone")).await;
    assert!(matches!(peer.next().await, Some(Body::Welcome(_))));
    peer
}

async fn send(node: &Node, id: &str) -> Result<(), SendError> {
    let sender = Sender { user: "ann".parse().unwrap(), session: None };
    node.services().delivery.send(sender, draft("p.ann.ann", id, id)).await.map(|_| ())
}

/// How long the server leaves a line open that says nothing.
async fn patience(node: &Node) -> Duration {
    let begun = Instant::now();
    let mut silent = TcpStream::connect(node.addresses().tcp).await.unwrap();
    let _ = silent.read_to_end(&mut Vec::new()).await;
    begun.elapsed()
}

/// Whether the admin listener takes this token.
async fn is_admin(node: &Node, token: &str) -> bool {
    let mut stream = TcpStream::connect(node.addresses().admin.unwrap()).await.unwrap();
    let request = format!(
        "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn g3_limits_are_taken_anew_and_who_is_in_stays() {
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let mut ann = ann(&node).await;
    for id in ["a", "b", "c"] {
        send(&node, id).await.unwrap();
        assert!(matches!(ann.next().await, Some(Body::Deliver(_))), "within the first pace");
    }
    let mut new = config();
    new.connections = Some(1);
    new.pace = Some(PaceLimit { per_second: 1, burst: 1 });
    new.guard.failures_of_user =
        Some(StrikeLimit { failures: 1, within: Duration::from_secs(60), ban: Duration::from_secs(60) });
    new.admin_token = Some(AdminToken::of("the second"));
    new.guard.sign_ups = false;
    assert!(node.services().guard.allows_sign_ups());
    assert!(is_admin(&node, "the first").await && !is_admin(&node, "the second").await);
    node.reload(&new).unwrap();
    assert!(!node.services().guard.allows_sign_ups());

    assert!(!is_admin(&node, "the first").await && is_admin(&node, "the second").await);
    assert_eq!((node.room().lines, node.lines().lines()), (1, 1));
    assert!(patience(&node).await < Duration::from_secs(5), "a second line is turned away, and not after 10 s");
    // What was sent before counts on: it may have used up the second that one message costs now.
    let sent = [send(&node, "d").await, send(&node, "e").await];
    assert_eq!(sent[1], Err(SendError::RateLimited), "{sent:?}: two at once are too many");
    let guard = &node.services().guard;
    guard.attempt(&"ann".parse().unwrap(), None).unwrap().failed();
    assert!(guard.attempt(&"ann".parse().unwrap(), None).is_err(), "after one failure");
    node.reload(&config()).unwrap();
    send(&node, "f").await.unwrap();
    assert!(matches!(ann.next().await, Some(Body::Deliver(_))), "her line lives on");
    assert_eq!(node.room(), config().room().unwrap());
    node.stop().await;
}

/// What the admin listener says of a path, by its status.
async fn status(node: &Node, path: &str) -> u16 {
    let mut stream = TcpStream::connect(node.addresses().admin.unwrap()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn another_limit_of_memory_holds_at_once() {
    // More than the limit below, and touched, so that it is in use.
    let ballast = vec![1_u8; 64 << 20];
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let mut little = config();
    little.memory = Some(32 << 20);
    for (settings, expected) in [(&little, 503), (&config(), 200)] {
        node.reload(settings).unwrap();
        let begun = Instant::now();
        // Without being asked, nobody looks at it for a minute where there was no limit.
        while [status(&node, "/ready").await, status(&node, "/ready/lines").await] != [expected; 2] {
            assert!(begun.elapsed() < Duration::from_secs(30), "no {expected} in half a minute");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(ballast.last(), Some(&1));
    node.stop().await;
}

#[tokio::test]
async fn another_time_to_log_in_is_for_who_comes_from_now_on() {
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let mut before = TcpStream::connect(node.addresses().tcp).await.unwrap();
    until("it is in", || node.lines().lines() == 1).await;
    let within = Duration::from_secs(1);
    let mut new = config();
    new.login_within = within;
    node.reload(&new).unwrap();
    let took = patience(&node).await;
    assert!(took >= within && took < Duration::from_secs(8), "{took:?}");
    let early = tokio::time::timeout(Duration::from_millis(50), before.read(&mut [0])).await;
    assert!(early.is_err(), "the one that was in has its 10 s: {early:?}");
    node.stop().await;
}

#[tokio::test]
async fn settings_that_can_not_work_change_nothing() {
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let mut new = config();
    (new.name, new.connections) = (String::new(), Some(1));
    new.guard.new_per_address = Some(Rate { per_second: 1, burst: 1 });
    assert_eq!(node.reload(&new), Err(ConfigError::Name));
    assert_eq!((node.room(), node.services().guard.limits()), (config().room().unwrap(), config().guard));
    node.stop().await;
}
