//! A peer that will stop: when the client comes back, and to whom. And messages that have no answer.

use std::sync::Arc;

use keepline::client::{Client, Incoming, NotSent, Opening, Options, Protocol};
use keepline::wire::{WireError, echo};
use keepline::{Duration, RetryHint};
use tokio::io::DuplexStream;

use crate::client_net::{Fate, Marked, Net, ROOM, net, options, read_frame, settle, up, write_frame};

/// [`Marked`], whose peer may say that it goes: the seconds in one byte, then the nodes between commas.
struct Leaving;

const GO_AWAY: u8 = 30;

impl Protocol for Leaving {
    type Codec = echo::Echo;
    type Message = Vec<u8>;
    type Answer = Vec<u8>;

    fn codec(&mut self) -> echo::Echo {
        Marked.codec()
    }

    fn hello(&mut self, codec: &mut echo::Echo, out: &mut Vec<u8>) -> Result<Opening, WireError> {
        Marked.hello(codec, out)
    }

    fn encode(
        &mut self,
        id: u64,
        message: Vec<u8>,
        codec: &mut echo::Echo,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        Marked.encode(id, message, codec, out)
    }

    fn on_frame(&mut self, frame: echo::Frame<'_>) -> Incoming<Vec<u8>> {
        let (GO_AWAY, [secs, nodes @ ..]) = (frame.kind, frame.content) else { return Marked.on_frame(frame) };
        let after = Duration::from_secs((*secs).into());
        let nodes = str::from_utf8(nodes).unwrap().split(',').filter(|node| !node.is_empty());
        Incoming::GoAway(RetryHint { after, spread: Duration::ZERO }, nodes.map(Arc::from).collect())
    }
}

/// Where a client goes when the peer of its first line has said this and gone; its attempts, with seconds between them.
async fn way_back(said: &[u8], options: Options, lines: usize, rule: fn(&str, usize) -> Fate) -> Vec<(u64, String)> {
    let (connect, mut net) = net(rule);
    let (_client, mut events) = Client::new(connect, Leaving, options).unwrap();
    up(&mut events).await;
    let mut peer = net.peer().await;
    write_frame(&mut peer, GO_AWAY, said).await;
    settle().await;
    assert_eq!(net.attempts().len(), 1, "it stays until the peer ends the line");
    drop(peer);
    let mut peers: Vec<DuplexStream> = Vec::new();
    for _ in 1..lines {
        up(&mut events).await;
        peers.push(net.peer().await);
        peers.clear();
    }
    between(&net)
}

fn between(net: &Net) -> Vec<(u64, String)> {
    let attempts = net.attempts();
    let start = attempts[0].0;
    attempts.into_iter().map(|(at, endpoint)| ((at - start).as_secs(), endpoint)).collect()
}

fn named(attempts: &[(u64, String)]) -> Vec<&str> {
    attempts.iter().map(|(_, endpoint)| endpoint.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_after_the_time_and_to_the_nodes_and_then_to_its_own_list() {
    let accept = |_: &str, _: usize| Fate::Accept(ROOM);
    let attempts = way_back(b"\x3c", options(&["a", "b"]), 2, accept).await;
    assert_eq!(named(&attempts), ["a", "b"], "no nodes: the list goes on");
    assert!((60..62).contains(&attempts[1].0), "{attempts:?}");

    let attempts = way_back(b"\x3cx,y,z", options(&["a", "b"]), 3, accept).await;
    // The seed of the options, 7, begins with the second of three. That line counts for all of them.
    assert_eq!(named(&attempts), ["a", "y", "a"]);
    assert!((60..62).contains(&attempts[1].0), "{attempts:?}");

    // Nodes that do not answer are passed at once; the list follows.
    let attempts = way_back(b"\x3cx,y,z", options(&["a", "b"]), 2, |endpoint, _| match endpoint {
        "x" | "y" | "z" => Fate::Refuse,
        _ => Fate::Accept(ROOM),
    });
    let attempts = attempts.await;
    assert_eq!(named(&attempts), ["a", "y", "z", "x", "b"]);
    assert!(attempts[1].0 == attempts[4].0, "{attempts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_can_not_name_nodes_without_end() {
    let many = (0..40).map(|node| format!("n{node}")).collect::<Vec<_>>().join(",");
    let said = [b"\x01", many.as_bytes()].concat();
    let attempts = way_back(&said, options(&["a", "b"]), 2, |endpoint, _| match endpoint {
        "a" | "b" => Fate::Accept(ROOM),
        _ => Fate::Refuse,
    });
    assert_eq!(attempts.await.len(), 1 + 16 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_an_answer_leaves_in_its_turn_and_takes_no_room_from_the_others() {
    let mut options = options(&["a"]);
    options.in_flight = 1;
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (client, mut events) = Client::new(connect, Leaving, options).unwrap();
    assert_eq!(client.post(b"early".to_vec()), Err(NotSent::NotConnected));
    up(&mut events).await;
    let mut peer = net.peer().await;
    for post in ["one", "two", "three"] {
        client.post(post.into()).unwrap();
    }
    let answer = client.send(b"asked".to_vec());
    for expected in ["one", "two", "three", "asked"] {
        assert_eq!(read_frame(&mut peer).await.unwrap().1, expected.as_bytes());
    }
    write_frame(&mut peer, Marked::ANSWER, b"told").await;
    assert_eq!(answer.await, keepline::client::Verdict::Answered(b"told".to_vec()));
    client.close();
    assert_eq!(client.post(b"late".to_vec()), Err(NotSent::Closed));
}
