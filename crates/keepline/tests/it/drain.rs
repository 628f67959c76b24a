//! The end of a server: paced, cut short, or hard. Peers live in the same runtime, so time may be paused.

use std::sync::{Arc, Mutex};

use keepline::serve::{Limits, Server};
use keepline::wire::echo::Echo;
use keepline::{Duration, Flow, Reason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::serve_support::*;
use crate::support::*;

/// Peers that leave as soon as the server ends their line, and tell when that was.
async fn leaving(server: &Running, count: usize) -> JoinSet<Instant> {
    let mut peers = JoinSet::new();
    for _ in 0..count {
        let mut peer = joined(server.address).await;
        peers.spawn(async move {
            assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0, "in order");
            Instant::now()
        });
    }
    peers
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_the_lines_go_evenly() {
    let server = server(unwatched(), Limits::default());
    let peers = leaving(&server, 50).await;
    let start = Instant::now();
    server.handle.drain(secs(10));
    server.handle.drain(secs(1000));
    server.task.await.unwrap();
    let took = Duration::from(start.elapsed());
    assert!(took >= millis(9_700) && took <= secs(11), "{took}: the first call decides");
    let mut left: Vec<_> = peers.join_all().await.into_iter().map(|at| at - start).collect();
    left.sort();
    for (i, at) in left.iter().enumerate() {
        let due = millis(200 * i as u64);
        let at = Duration::from(*at);
        assert!(at >= due && at <= due + millis(50), "peer {i} at {at}");
    }
    assert_eq!(*server.books.closed.lock().unwrap(), [Reason::Draining; 50]);
    assert_eq!(server.handle.lines(), 0);
    assert!(TcpStream::connect(server.address).await.is_err(), "none is accepted after");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_drain_that_has_begun() {
    let server = server(unwatched(), Limits::default());
    let peers = leaving(&server, 20).await;
    let start = Instant::now();
    server.handle.drain(secs(3600));
    tokio::time::sleep(secs(10).to_std()).await;
    server.handle.stop();
    server.task.await.unwrap();
    let took = Duration::from(start.elapsed());
    assert!(took >= secs(10) && took <= secs(11), "{took}");
    assert_eq!(peers.join_all().await.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_over_when_the_last_line_has_gone_by_itself() {
    let server = server(unwatched(), Limits::default());
    let peers = [joined(server.address).await, joined(server.address).await];
    let start = Instant::now();
    server.handle.drain(secs(3600));
    tokio::time::sleep(secs(1).to_std()).await;
    drop(peers);
    server.task.await.unwrap();
    let took = Duration::from(start.elapsed());
    assert!(took <= secs(2), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_leaves_costs_its_linger_and_no_more() {
    let mut settings = unwatched();
    settings.linger = secs(3);
    let server = server(settings, Limits::default());
    let mut stubborn = joined(server.address).await;
    let start = Instant::now();
    server.handle.stop();
    server.task.await.unwrap();
    let took = Duration::from(start.elapsed());
    assert!(is_on_time(took, secs(3)), "{took}");
    assert_eq!(server.handle.lines(), 0);
    let _ = stubborn.write_all(PING).await;
}

/// Real time: a thread is blocked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_stuck_does_not_hold_the_server() {
    let mut settings = unwatched();
    settings.linger = millis(100);
    let (release, stuck) = std::sync::mpsc::sync_channel::<()>(0);
    let stuck = Arc::new(Mutex::new(stuck));
    let entered = Arc::new(Notify::new());
    let enters = Arc::clone(&entered);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let task = tokio::spawn(server.run(move |_| {
        let (stuck, enters) = (Arc::clone(&stuck), Arc::clone(&enters));
        let witness = Witness::new(move |_, _| {
            enters.notify_one();
            let _ = stuck.lock().unwrap().recv();
            Flow::Continue
        });
        (witness, Echo::strict())
    }));
    let (mut other, mut peer) = (joined(address).await, joined(address).await);
    peer.write_all(&frame(b"block")).await.unwrap();
    entered.notified().await;
    handle.drain(secs(3600));
    assert_eq!(other.read(&mut [0]).await.unwrap(), 0, "the drain has begun");
    handle.stop();
    task.await.unwrap();
    assert_eq!(handle.lines(), 1, "it could not end, and was left");
    drop(release);
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0, "it ends when it can");
}
