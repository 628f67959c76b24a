//! A listener behind proxies: whose address counts, and what a proxy that says nothing costs.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use keepline::KernelWatch;
use keepline::serve::{Limits, Proxied, Server, ServerHandle, tcp};
use keepline::wire::echo::Echo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::*;

const CLIENT: &str = "192.0.2.1:4711";
const V1: &[u8] = b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 11211\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x01\x0a\0\0\x01\x12\x67\x2b\xcb\x04\0\0";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
/// Where the proxy of these tests is; 127.0.0.1 is a client.
const PROXY: [u8; 4] = [127, 0, 0, 2];

type Peers = Arc<Mutex<Vec<Option<SocketAddr>>>>;

/// A server that trusts one proxy, and whom it has served.
fn running(limits: Limits) -> (SocketAddr, Peers, ServerHandle) {
    let listener = tcp("127.0.0.1:0".parse().unwrap(), KernelWatch::default()).unwrap();
    let listener = Proxied::new(listener, |address| address == IpAddr::from(PROXY));
    let address = listener.local_addr().unwrap();
    let server = Server::new(listener, watched(), limits);
    let (handle, peers) = (server.handle(), Peers::default());
    let seen = Arc::clone(&peers);
    drop(tokio::spawn(server.run(move |peer| {
        seen.lock().unwrap().push(peer);
        (Witness::mirror(), Echo::strict())
    })));
    (address, peers, handle)
}

async fn from(host: [u8; 4], to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((host, 0).into())?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn echoes(peer: &mut TcpStream) {
    let mut answer = [0; 9];
    peer.read_exact(&mut answer).await.expect("the line is served");
    assert_eq!(answer[..], frame(b"here"));
}

#[tokio::test]
async fn the_client_that_the_proxy_names_counts_however_the_header_comes() {
    let (address, peers, _handle) = running(Limits::default());
    for header in [V1, V2] {
        let all = [header, &frame(b"here")].concat();
        for first in 0..=header.len() {
            let mut peer = from(PROXY, address).await.unwrap();
            peer.write_all(&all[..first]).await.unwrap();
            tokio::task::yield_now().await;
            peer.write_all(&all[first..]).await.unwrap();
            echoes(&mut peer).await;
            assert_eq!(peers.lock().unwrap().pop(), Some(Some(CLIENT.parse().unwrap())), "after {first} bytes");
        }
        // A byte at a time.
        let mut peer = from(PROXY, address).await.unwrap();
        for byte in all {
            peer.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        echoes(&mut peer).await;
    }
    let mut check = from(PROXY, address).await.unwrap();
    check.write_all(&[LOCAL, &frame(b"here")].concat()).await.unwrap();
    echoes(&mut check).await;
    assert_eq!(peers.lock().unwrap().pop(), Some(Some(check.local_addr().unwrap())), "for itself");
}

#[tokio::test]
async fn nobody_else_is_believed_and_no_proxy_speaks_without_a_header() {
    let (address, peers, _handle) = running(Limits::default());
    let mut client = from([127, 0, 0, 1], address).await.unwrap();
    client.write_all(&frame(b"here")).await.unwrap();
    echoes(&mut client).await;
    let mut liar = from([127, 0, 0, 1], address).await.unwrap();
    liar.write_all(&[V1, &frame(b"here")].concat()).await.unwrap();
    let mut said = Vec::new();
    let _ = liar.read_to_end(&mut said).await;
    assert_eq!(said, b"", "the codec does not know what that is");
    let mut bare = from(PROXY, address).await.unwrap();
    bare.write_all(&frame(b"here")).await.unwrap();
    let _ = bare.read_to_end(&mut said).await;
    assert_eq!(said, b"");
    let own = [&client, &liar].map(|peer| Some(peer.local_addr().unwrap()));
    assert_eq!(*peers.lock().unwrap(), own, "and the third was no line at all");
}

#[tokio::test]
async fn the_limits_of_an_address_are_those_of_the_client() {
    let mut limits = Limits::default();
    limits.per_address = Some(2);
    let (address, _, handle) = running(limits);
    let mut lines = Vec::new();
    for client in 1..=5_u8 {
        for _ in 0..2 {
            let mut peer = from(PROXY, address).await.unwrap();
            let header = format!("PROXY TCP4 192.0.2.{client} 10.0.0.1 4711 11211\r\n");
            peer.write_all(&[header.as_bytes(), &frame(b"here")].concat()).await.unwrap();
            echoes(&mut peer).await;
            lines.push(peer);
        }
    }
    let mut third = from(PROXY, address).await.unwrap();
    third.write_all(V1).await.unwrap();
    let end = third.read(&mut [0]).await;
    assert!(matches!(end, Ok(0) | Err(_)), "192.0.2.1 has its two: {end:?}");
    assert_eq!(handle.lines(), 10);
}

#[tokio::test]
async fn a_proxy_that_says_nothing_holds_nobody_up_and_not_for_long() {
    let (address, peers, _handle) = running(Limits::default());
    let mut silent = Vec::new();
    for _ in 0..1024 {
        silent.push(from(PROXY, address).await.unwrap());
    }
    // As many as may wait: the next one is accepted when one of them goes.
    let mut next = from(PROXY, address).await.unwrap();
    next.write_all(&[V2, &frame(b"here")].concat()).await.unwrap();
    let early = tokio::time::timeout(millis(100).to_std(), next.readable()).await;
    assert!(early.is_err(), "the 1,025th was served while 1,024 waited");
    silent.pop();
    echoes(&mut next).await;
    let mut client = from([127, 0, 0, 1], address).await.unwrap();
    client.write_all(&frame(b"here")).await.unwrap();
    echoes(&mut client).await;

    // Nothing else happens from here on: the clock leaps to the first deadline.
    tokio::time::pause();
    let since = tokio::time::Instant::now();
    for peer in &mut silent {
        let end = peer.read(&mut [0]).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    assert!(since.elapsed() <= secs(6).to_std(), "{:?}", since.elapsed());
    assert_eq!(peers.lock().unwrap().len(), 2);
}
