//! What those are told who are turned away at accept, and what that may cost.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use keepline::serve::{Limits, Server, ServerHandle, tcp};
use keepline::wire::echo::Echo;
use keepline::{Duration, KernelWatch, Plain, Reason};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::support::*;
use crate::transports::tls;

/// A listener of a server that has room for nobody.
fn full() -> (Server<TcpListener>, SocketAddr, ServerHandle) {
    let mut limits = Limits::default();
    limits.connections = 0;
    let listener = tcp("127.0.0.1:0".parse().unwrap(), KernelWatch::default()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(listener, watched(), limits);
    let handle = server.handle();
    (server, address, handle)
}

/// What is said to a peer that has said hello.
fn word(reason: Reason, heard: &[u8]) -> Option<Vec<u8>> {
    heard.starts_with(b"hello\n").then(|| format!("go away: {reason}\n").into_bytes())
}

fn running(word: impl Fn(Reason, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> (SocketAddr, ServerHandle) {
    let (server, address, handle) = full();
    drop(tokio::spawn(server.with_farewell(word).run(|_| (Witness::mirror(), Echo::strict()))));
    (address, handle)
}

/// All that a peer is told before the end, and whether that was in order.
async fn told(peer: &mut (impl AsyncReadExt + Unpin)) -> (String, bool) {
    let mut all = Vec::new();
    let end = peer.read_to_end(&mut all).await;
    (String::from_utf8(all).unwrap(), end.is_ok())
}

#[tokio::test]
async fn who_says_hello_is_told_why_and_the_connection_ends_in_order() {
    let (address, handle) = running(word);
    let behind = vec![b'x'; 4000];
    for says in [&[&b"hello\n"[..]][..], &[b"hel", b"lo\n"], &[b"hello\n", &behind], &[b"hello\n", b"x", b"y"]] {
        let mut peer = TcpStream::connect(address).await.unwrap();
        for part in says {
            peer.write_all(part).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(told(&mut peer).await, ("go away: server_full\n".to_owned(), true), "{} parts", says.len());
    }
    assert_eq!(handle.lines(), 0);
}

#[tokio::test]
async fn where_nothing_needs_to_be_heard_it_is_said_at_once() {
    let (address, _handle) = running(|reason, _| Some(reason.name().into()));
    let mut peer = TcpStream::connect(address).await.unwrap();
    assert_eq!(told(&mut peer).await, ("server_full".to_owned(), true));
}

/// More of them than are listened to at one time: each gives its place back.
#[tokio::test]
async fn a_panic_in_the_word_is_one_connections() {
    let (address, _handle) = running(|reason, heard| {
        assert!(!heard.starts_with(b"poison"), "on purpose");
        word(reason, heard)
    });
    let says = std::iter::repeat_n("poison", 100).chain(["hello\n"]);
    for says in says {
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(says.as_bytes()).await.unwrap();
        let (said, _) = told(&mut peer).await;
        assert_eq!(said.is_empty(), says == "poison", "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_or_too_much_is_closed_without_a_word() {
    let (address, _handle) = running(word);
    let start = Instant::now();
    let mut peer = TcpStream::connect(address).await.unwrap();
    assert_eq!(told(&mut peer).await.0, "");
    let took = Duration::from(start.elapsed());
    assert!(took >= secs(1) && took < millis(1_100), "after {took}");
    let (start, mut peer) = (Instant::now(), TcpStream::connect(address).await.unwrap());
    // It may be closed before all of it is written.
    let _ = peer.write_all(&vec![b'x'; 20_000]).await;
    assert_eq!(told(&mut peer).await.0, "");
    assert!(start.elapsed() < secs(1).to_std(), "what nobody understands is not listened to for long");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_listened_to_at_one_time() {
    let (address, _handle) = running(word);
    let mut peers = Vec::new();
    for _ in 0..120 {
        peers.push(TcpStream::connect(address).await.unwrap());
    }
    tokio::time::sleep(millis(500).to_std()).await;
    let is_held = |peer: &&TcpStream| peer.try_read(&mut [0]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
    assert_eq!(peers.iter().filter(is_held).count(), 96, "the others are closed at once");
    tokio::time::sleep(millis(600).to_std()).await;
    assert_eq!(peers.iter().filter(is_held).count(), 0, "and these in their time");
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(b"hello\n").await.unwrap();
    assert_eq!(told(&mut peer).await.0, "go away: server_full\n", "there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_nobody_who_was_turned_away() {
    let (address, handle) = running(word);
    let mut peer = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    tokio::time::sleep(millis(100).to_std()).await;
    handle.drain(Duration::ZERO);
    assert_eq!(told(&mut peer).await.0, "");
    assert!(start.elapsed() < millis(500).to_std(), "{:?}", start.elapsed());
}

#[tokio::test]
async fn behind_tls_it_is_said_by_tls() {
    let (acceptor, connector) = tls();
    let (server, address, _handle) = full();
    let upgrade = move |io: TcpStream| {
        let accept = acceptor.accept(io);
        async move { Ok(Box::new(Plain::new(accept.await?))) }
    };
    let server = server.with_farewell(word);
    drop(tokio::spawn(server.run_upgraded(upgrade, |_| (Witness::mirror(), Echo::strict()))));
    let io = TcpStream::connect(address).await.unwrap();
    let mut peer = connector.connect(ServerName::try_from("localhost").unwrap(), io).await.unwrap();
    peer.write_all(b"hello\n").await.unwrap();
    assert_eq!(told(&mut peer).await, ("go away: server_full\n".to_owned(), true));
    // What is no TLS is told nothing in the open.
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(b"hello\n").await.unwrap();
    assert!(!told(&mut peer).await.0.contains("go away"));
}

#[tokio::test]
async fn only_so_many_a_second_are_upgraded_to_be_told() {
    let (server, address, _handle) = full();
    let upgraded = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&upgraded);
    let upgrade = move |io: TcpStream| {
        count.fetch_add(1, Relaxed);
        async move { Ok(io) }
    };
    let server = server.with_farewell(word);
    drop(tokio::spawn(server.run_upgraded(upgrade, |_| (Witness::mirror(), Echo::strict()))));
    let start = Instant::now();
    for _ in 0..200 {
        let mut peer = TcpStream::connect(address).await.unwrap();
        // It may be closed before this is written.
        let _ = peer.write_all(b"hello\n").await;
        let _ = peer.read(&mut [0; 64]).await;
    }
    let most = 100.0 + 100.0 * start.elapsed().as_secs_f64() + 1.0;
    let upgraded = upgraded.load(Relaxed);
    assert!(upgraded >= 100 && upgraded as f64 <= most, "{upgraded} of 200 in {:?}", start.elapsed());
}
