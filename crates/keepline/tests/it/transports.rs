//! The same few rules over every transport: in memory, TCP, a Unix socket, TLS in a box.

use std::sync::Arc;

use keepline::wire::echo::Echo;
use keepline::{Plain, Reason, Transport};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::*;

/// Answers in pieces and together, what waits for a slow reader, and an orderly end.
async fn suite<Io: Transport, P: AsyncRead + AsyncWrite + Unpin>(ours: Io, mut peer: P) {
    let line = line_over(ours, Witness::mirror(), Echo::strict(), watched());
    let sent = [frame(b"one"), PING.to_vec(), frame(b"two")].concat();
    let answered = [frame(b"one"), PONG.to_vec(), frame(b"two")].concat();
    let mut buffer = vec![0; answered.len()];
    for cut in [0, 3, 9, 13] {
        peer.write_all(&sent[..cut]).await.unwrap();
        peer.flush().await.unwrap();
        tokio::task::yield_now().await;
        peer.write_all(&sent[cut..]).await.unwrap();
        peer.flush().await.unwrap();
        peer.read_exact(&mut buffer).await.unwrap();
        assert_eq!(buffer, answered, "cut at {cut}");
    }
    // More than any buffer between the two: it waits, and leaves as the peer reads.
    let message: bytes::Bytes = frame(&[7; 1019]).into();
    for i in 0..1000 {
        while line.connection.send(message.clone()).is_err() {
            assert!(i > 100, "there is room for a hundred messages");
            peer.read_exact(&mut vec![0; 1024]).await.unwrap();
            line.connection.send(message.clone()).ok();
        }
        if i % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    line.connection.close(Reason::Draining);
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() % 1024 == 0 && rest.chunks(1024).all(|got| got == &message[..]), "{} bytes", rest.len());
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::Draining);
}

#[tokio::test]
async fn in_memory() {
    let (peer, ours) = duplex(4096);
    suite(ours, peer).await;
}

#[tokio::test]
async fn in_a_wrapper_that_knows_nothing() {
    let (peer, ours) = duplex(4096);
    suite(Plain::new(ours), peer).await;
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, peer)
}

#[tokio::test]
async fn over_tcp() {
    let (ours, peer) = tcp_pair().await;
    suite(ours, peer).await;
}

#[tokio::test]
async fn over_a_unix_socket() {
    let (ours, peer) = UnixStream::pair().unwrap();
    suite(ours, peer).await;
}

/// Both ends' settings, with a certificate made for this run.
pub(crate) fn tls() -> (TlsAcceptor, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let server =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)))
}

#[tokio::test]
async fn over_tls_in_a_box() {
    let (acceptor, connector) = tls();
    let (ours, peer) = tcp_pair().await;
    let name = ServerName::try_from("localhost").unwrap();
    let (ours, peer) = tokio::try_join!(acceptor.accept(ours), connector.connect(name, peer)).unwrap();
    suite(Box::new(Plain::new(ours)), peer).await;
}

#[tokio::test]
async fn a_tls_peer_that_breaks_off_without_a_close_is_seen() {
    let (acceptor, connector) = tls();
    let (ours, peer) = tcp_pair().await;
    let name = ServerName::try_from("localhost").unwrap();
    let (ours, peer) = tokio::try_join!(acceptor.accept(ours), connector.connect(name, peer)).unwrap();
    let line = line_over(Box::new(Plain::new(ours)), Witness::mirror(), Echo::strict(), watched());
    let mut peer = peer;
    peer.write_all(PING).await.unwrap();
    peer.read_exact(&mut [0; 5]).await.unwrap();
    // All is read, so the kernel sends a FIN; but TLS has not said goodbye.
    drop(peer.into_inner().0);
    assert_eq!(line.end().await.0.reason, Reason::PeerClosed);
}
