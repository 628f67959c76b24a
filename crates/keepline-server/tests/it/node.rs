//! A whole server in the test's process: wired, reached, and let go.

use std::time::Duration;

use keepline_proto::wire::dialect::Dialect;
use keepline_server::accounts::Hashing;
use keepline_server::store::memory::Memory;
use keepline_server::{Config, Node, StartError};
use tokio::net::TcpStream;

use crate::stage::*;

fn config() -> Config {
    let free = ([127, 0, 0, 1], 0).into();
    let mut config = Config::default();
    (config.http, config.tcp, config.admin, config.cim_http) = (free, free, Some(free), Some(free));
    config.hashing = Hashing::cheapest();
    config
}

#[tokio::test]
async fn a_drain_says_when_to_come_back_then_why_it_ended() {
    let node = Node::start(config(), Memory::new()).await.unwrap();
    let accounts = &node.services().accounts;
    accounts.create("ann".parse().unwrap(), "correct horse").await.unwrap();
    let token = accounts.issue(&"ann".parse().unwrap(), "correct horse", "phone".parse().unwrap()).await.unwrap();
    let mut ann = Peer::new(TcpStream::connect(node.addresses().tcp).await.unwrap(), Dialect::V1);
    ann.send(hello(&token.text, "phone")).await;
    assert!(matches!(ann.next().await, Some(Body::Welcome(_))));
    let (ends, ()) = tokio::join!(
        async { [ann.next().await, ann.next().await, ann.next().await] },
        node.drain(keepline::Duration::from_millis(50)),
    );
    let [Some(Body::GoAway(bye)), Some(Body::Close(close)), None] = ends else { panic!("{ends:?}") };
    assert_eq!((bye.retry_after_ms, bye.nodes.len()), (50, 0));
    assert_eq!(close.reason, "draining");
    tokio::time::timeout(Duration::from_secs(10), node.stop()).await.expect("nothing is left to wait for");
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
