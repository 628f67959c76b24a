//! What a peer sends unasked: bounded here, held back there, and nothing lost.

use std::time::Duration;

use keepline::client::Client;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::client_net::{Fate, Marked, marked, net, options, settle, up, write_frame};

const BOUND: usize = 4;
/// Far more than anything here takes: a test fails, and does not hang.
const LIMIT: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn pushes_that_nobody_takes_hold_the_peer_back_and_none_is_lost() {
    let mut options = options(&["a"]);
    options.in_flight = BOUND;
    // 200 KB through 1 KB of socket and the 64 KiB that one read may take.
    let (connect, mut net) = net(|_, _| Fate::Accept(1024));
    let (client, mut events) = Client::new(connect, Marked, options).unwrap();
    up(&mut events).await;
    const PUSHES: u32 = 1000;
    // It reads: pings go on in a pause, and a peer that took none of them would be a slow consumer.
    let (mut pings, mut peer) = tokio::io::split(net.peer().await);
    drop(tokio::spawn(async move { tokio::io::copy(&mut pings, &mut tokio::io::sink()).await }));
    let mut writing = tokio::spawn(async move {
        for i in 0..PUSHES {
            write_frame(&mut peer, Marked::PUSH, &[&i.to_be_bytes()[..], &[0; 200]].concat()).await;
        }
        peer
    });
    // An hour: a paused line is not idle, and the peer is still held back.
    let held = timeout(LIMIT, &mut writing).await;
    assert!(held.is_err(), "the peer could write everything");
    for i in 0..PUSHES {
        let push = timeout(LIMIT, client.next_push()).await.expect("the line reads again");
        assert_eq!(push.unwrap()[..4], i.to_be_bytes());
    }
    writing.await.unwrap().shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pushes_stay_bounded_over_many_lines() {
    let mut options = options(&["a"]);
    options.in_flight = BOUND;
    let (client, mut events, mut net, mut peer) = marked(options).await;
    for _ in 0..20 {
        for _ in 0..2 * BOUND {
            write_frame(&mut peer, Marked::PUSH, b"push").await;
        }
        settle().await;
        // A paused line does not read, so it does not see its peer's end; a write does.
        drop(peer);
        drop(client.send(b"fail".to_vec()));
        up(&mut events).await;
        peer = net.peer().await;
    }
    client.close();
    let mut waiting = 0;
    while client.next_push().await.is_some() {
        waiting += 1;
    }
    assert_eq!(waiting, BOUND, "each line added to the bound");
}

#[tokio::test(start_paused = true)]
async fn every_waiter_gets_a_push_or_the_end() {
    let (client, _events, _net, mut peer) = marked(options(&["a"])).await;
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.next_push().await })
        })
        .collect();
    settle().await;
    peer.write_all(b"\0\0\0\x06\x05A\0\0\0\x06\x05B").await.unwrap();
    settle().await;
    client.close();
    let mut got = Vec::new();
    for waiter in waiters {
        got.push(timeout(LIMIT, waiter).await.expect("nobody waits for ever").unwrap());
    }
    got.sort();
    assert_eq!(got, [None, Some(b"A".to_vec()), Some(b"B".to_vec())]);
}
