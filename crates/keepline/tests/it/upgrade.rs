//! Servers with a step between accept and line: TLS, and peers that never finish it.

use keepline::serve::{Limits, Server};
use keepline::wire::echo::Echo;
use keepline::{Duration, Plain, Reason, Settings};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::serve_support::*;
use crate::support::*;
use crate::transports::tls;

/// A TLS server of mirrors.
fn secure(mut settings: Settings) -> (Running, tokio_rustls::TlsConnector) {
    let (acceptor, connector) = tls();
    let books = Arc::new(Books::default());
    settings.observer = Some(Arc::clone(&books) as _);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let upgrade = move |io: TcpStream| {
        let accept = acceptor.accept(io);
        async move { Ok(Box::new(Plain::new(accept.await?))) }
    };
    let task = tokio::spawn(server.run_upgraded(upgrade, |_| (Witness::mirror(), Echo::strict())));
    (Running { address, handle, task, books }, connector)
}

#[tokio::test]
async fn a_line_over_tls_answers() {
    let (server, connector) = secure(watched());
    let io = TcpStream::connect(server.address).await.unwrap();
    let mut peer = connector.connect(ServerName::try_from("localhost").unwrap(), io).await.unwrap();
    peer.write_all(&[PING, &frame(b"secret")].concat()).await.unwrap();
    let mut answer = [0; 16];
    peer.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *[PONG, &frame(b"secret")].concat());
    server.handle.drain(millis(0));
    assert_eq!(peer.read(&mut answer).await.unwrap(), 0, "closed in order, by TLS too");
    drop(peer);
    server.task.await.unwrap();
    assert_eq!(*server.books.closed.lock().unwrap(), [Reason::Draining]);
}

#[tokio::test(start_paused = true)]
async fn a_hello_of_one_byte_a_second_ends_at_the_deadline() {
    let table = [
        (None, None, secs(10)),
        (Some(secs(4)), None, secs(4)),
        (None, Some(secs(3)), secs(3)),
        (Some(secs(4)), Some(secs(9)), secs(4)),
    ];
    for (upgrade, handshake, expected) in table {
        let mut settings = watched();
        if let Some(within) = upgrade {
            settings.upgrade_within = within;
        }
        settings.handshake_within = handshake;
        let (server, _) = secure(settings);
        let start = Instant::now();
        let mut peer = TcpStream::connect(server.address).await.unwrap();
        // A record of 512 bytes that says it is a ClientHello.
        let hello = [&[22, 3, 1, 2, 0, 1, 0, 1, 252][..], &[3; 100]].concat();
        let (mut reads, mut writes) = peer.split();
        let dribble = async {
            for byte in hello {
                writes.write_all(&[byte]).await.unwrap();
                tokio::time::sleep(secs(1).to_std()).await;
            }
        };
        tokio::select! {
            () = dribble => unreachable!("100 s of a handshake"),
            _ = reads.read_u8() => {}
        }
        let took = Duration::from(start.elapsed());
        assert!(is_on_time(took, expected), "after {took}");
        assert_eq!(*server.books.refused.lock().unwrap(), [Reason::HandshakeTimeout]);
        assert_eq!(server.handle.lines(), 0, "the place is free");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_one_time_from_accept_through_the_upgrade() {
    let mut settings = watched();
    settings.handshake_within = Some(secs(5));
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let address = server.local_addr().unwrap();
    let upgrade = |io: TcpStream| async {
        tokio::time::sleep(secs(3).to_std()).await;
        Ok(io)
    };
    let _running = tokio::spawn(server.run_upgraded(upgrade, |_| (Witness::mirror(), Echo::strict())));
    let start = Instant::now();
    // A mirror never says that the handshake is done.
    let mut peer = joined(address).await;
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    let took = Duration::from(start.elapsed());
    assert!(is_on_time(took, secs(5)), "after {took}, of which the upgrade took 3 s");
}

#[tokio::test(start_paused = true)]
async fn another_time_for_the_handshake_is_for_lines_that_come_after_it() {
    let mut settings = watched();
    settings.handshake_within = Some(secs(8));
    let (over_tls, connector) = secure(settings.clone());
    let plain = server(settings, Limits::default());
    let before = Instant::now();
    let mut old = joined(plain.address).await;
    for running in [&plain, &over_tls] {
        running.handle.set_deadlines(secs(1), Some(secs(2)));
    }
    let after = |mut peer: TcpStream, expected: Duration| async move {
        let start = Instant::now();
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
        let took = Duration::from(start.elapsed());
        assert!(is_on_time(took, expected), "{took}, not {expected}");
    };
    after(TcpStream::connect(over_tls.address).await.unwrap(), secs(1)).await;
    after(joined(plain.address).await, secs(2)).await;
    let io = TcpStream::connect(over_tls.address).await.unwrap();
    let start = Instant::now();
    let mut peer = connector.connect(ServerName::try_from("localhost").unwrap(), io).await.unwrap();
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    let took = Duration::from(start.elapsed());
    assert!(is_on_time(took, secs(2)), "{took} over TLS");
    assert_eq!(old.read(&mut [0]).await.unwrap(), 0);
    let took = Duration::from(before.elapsed());
    assert!(is_on_time(took, secs(8)), "the one from before: {took}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_all_the_handshake_that_a_line_needs() {
    let mut settings = watched();
    settings.upgrade_within = secs(2);
    let (server, connector) = secure(settings);
    let io = TcpStream::connect(server.address).await.unwrap();
    let mut peer = connector.connect(ServerName::try_from("localhost").unwrap(), io).await.unwrap();
    for _ in 0..5 {
        peer.write_all(PING).await.unwrap();
        peer.read_exact(&mut [0; 5]).await.unwrap();
        tokio::time::sleep(secs(1).to_std()).await;
    }
    assert_eq!(server.handle.lines(), 1, "its deadline was the upgrade's alone");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_upgrades_and_what_is_no_tls_is_refused() {
    let (server, _) = secure(watched());
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(&frame(&[0; 100])).await.unwrap();
    let _ = plain.read_to_end(&mut Vec::new()).await;
    let _hanging = TcpStream::connect(server.address).await.unwrap();
    while server.handle.lines() == 0 {
        tokio::task::yield_now().await;
    }
    let start = Instant::now();
    server.handle.drain(secs(0));
    server.task.await.unwrap();
    assert!(start.elapsed() < millis(500).to_std(), "{:?}", start.elapsed());
    assert_eq!(server.handle.lines(), 0);
    assert_eq!(*server.books.refused.lock().unwrap(), [Reason::TlsError, Reason::Draining]);
}
