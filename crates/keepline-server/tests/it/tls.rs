//! TLS of a whole server: lines and HTTP over it, and certificates that are renewed, or broken, under them.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use keepline_proto::wire::dialect::Dialect;
use keepline_server::accounts::Hashing;
use keepline_server::delivery::Sender;
use keepline_server::store::memory::Memory;
use keepline_server::tls::{Reloaded, Tls, TlsFiles};
use keepline_server::{Config, Node};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::stage::*;

/// A folder with a certificate and its key, which is removed with its value.
struct Papers {
    folder: PathBuf,
    files: TlsFiles,
}

impl Papers {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tls-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        Self { folder, files }
    }

    /// Puts a new pair in place, as a program that renews does; returns its certificate.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&self.files.cert, made.cert.pem()).unwrap();
        let new = self.folder.join("new");
        fs::write(&new, made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, &self.files.key).unwrap();
        made.cert.der().clone()
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn node(papers: &Papers, change: impl FnOnce(&mut Config)) -> Node {
    let free = ([127, 0, 0, 1], 0).into();
    let mut config = Config::default();
    (config.http, config.tcp, config.admin, config.cim_http) = (free, free, Some(free), None);
    config.hashing = Hashing::cheapest();
    config.tls = Some(papers.files.clone());
    change(&mut config);
    Node::start(config, Memory::new()).await.unwrap()
}

/// Connects as one who trusts this certificate and no other.
async fn dial(at: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(ServerName::try_from("localhost").unwrap(), TcpStream::connect(at).await?).await
}

async fn log_in(node: &Node, name: &str, io: TlsStream<TcpStream>) -> Peer {
    let (accounts, user) = (&node.services().accounts, name.parse().unwrap());
    accounts.create(name.parse().unwrap(), "correct horse").await.unwrap();
    let token = accounts.issue(&user, "correct horse", "phone".parse().unwrap()).await.unwrap();
    let mut peer = Peer::new(io, Dialect::V1);
    peer.send(hello(&token.text, "phone")).await;
    assert!(matches!(peer.next().await, Some(Body::Welcome(_))));
    peer
}

/// Whether a message comes through to this peer, who is `to`.
async fn lives(node: &Node, peer: &mut Peer, to: &str, text: &str) -> bool {
    let sender = Sender { user: to.parse().unwrap(), session: None };
    let conversation = format!("p.{to}.{to}");
    node.services().delivery.send(sender, draft(&conversation, text, text)).await.unwrap();
    matches!(peer.next().await, Some(Body::Deliver(_)))
}

async fn status_over_tls(at: SocketAddr, trusted: &CertificateDer<'static>) -> String {
    let mut stream = dial(at, trusted).await.unwrap();
    stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // The description is long: its first line is enough.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer[..answer.len().min(15)]).into_owned()
}

#[tokio::test]
async fn g3_a_renewed_certificate_is_shown_to_new_lines_and_drops_no_old_one() {
    let papers = Papers::new();
    let first = papers.renew();
    let node = node(&papers, |_| {}).await;
    let at = node.addresses().clone();
    let mut ann = log_in(&node, "ann", dial(at.tcp, &first).await.unwrap()).await;
    assert!(lives(&node, &mut ann, "ann", "one").await);
    assert_eq!(status_over_tls(at.http, &first).await, "HTTP/1.1 200 OK");
    let tls = node.tls().unwrap();
    assert_eq!(tls.reload_if_touched().unwrap(), Reloaded::Same);

    let second = papers.renew();
    assert!(dial(at.tcp, &second).await.is_err(), "not before it was read");
    assert_eq!(tls.reload_if_touched().unwrap(), Reloaded::Changed);
    let mut bob = log_in(&node, "bob", dial(at.tcp, &second).await.unwrap()).await;
    assert!(dial(at.tcp, &first).await.is_err(), "the old one is shown to nobody new");
    assert_eq!(status_over_tls(at.http, &second).await, "HTTP/1.1 200 OK");
    assert!(lives(&node, &mut ann, "ann", "two").await, "the old line lives on");
    assert!(lives(&node, &mut bob, "bob", "three").await);

    fs::write(&papers.files.cert, "-----BEGIN CERTIFICATE-----\nnonsense\n").unwrap();
    let said = tls.reload_if_touched().unwrap_err().to_string();
    assert!(said.contains("cert.pem has no certificate in PEM"), "{said}");
    assert_eq!(tls.reload_if_touched().unwrap(), Reloaded::Same, "what is broken is told of once");
    assert!(dial(at.tcp, &second).await.is_ok(), "the last good one is shown on");
    assert!(lives(&node, &mut ann, "ann", "four").await);
    node.stop().await;
}

#[tokio::test]
async fn papers_that_are_no_good_start_no_server() {
    let papers = Papers::new();
    papers.renew();
    let key = fs::read(&papers.files.key).unwrap();
    let refused = || Tls::load(papers.files.clone()).unwrap_err().to_string();
    let mode = |mode| fs::set_permissions(&papers.files.key, fs::Permissions::from_mode(mode)).unwrap();
    for open in [0o604, 0o620, 0o666] {
        mode(open);
        assert!(refused().contains("key.pem can be read by everybody"), "{open:o}");
    }
    for closed in [0o400, 0o600, 0o640] {
        mode(closed);
        assert!(Tls::load(papers.files.clone()).is_ok(), "{closed:o}");
    }
    papers.renew();
    fs::write(&papers.files.key, key).unwrap();
    assert!(refused().contains("don't fit each other"), "{}", refused());
    fs::write(&papers.files.key, "").unwrap();
    assert!(refused().contains("key.pem has no private key in PEM"), "{}", refused());
    fs::write(&papers.files.cert, "").unwrap();
    assert!(refused().contains("cert.pem has no certificate in PEM"), "{}", refused());
    fs::remove_file(&papers.files.cert).unwrap();
    assert!(refused().contains("cert.pem: No such file"), "{}", refused());
}

/// A9: the handshake and the login have one deadline together, whoever takes his time with which.
#[tokio::test]
async fn a_slow_hello_and_a_slow_login_end_within_the_time_to_log_in() {
    const WITHIN: Duration = Duration::from_secs(2);
    let papers = Papers::new();
    let certificate = papers.renew();
    let node = node(&papers, |config| config.login_within = WITHIN).await;
    let at = node.addresses().clone();
    let late = WITHIN + Duration::from_secs(1);

    let began = Instant::now();
    let mut shaken = dial(at.tcp, &certificate).await.unwrap();
    // A handshake has half of the time: who begins a quarter later, and never ends it, is gone before.
    tokio::time::sleep(WITHIN / 4).await;
    let started = Instant::now();
    let mut silent = TcpStream::connect(at.tcp).await.unwrap();
    // A record that says it is a ClientHello of 508 bytes, and does not come.
    silent.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252]).await.unwrap();
    let (mut byte, mut rest) = ([0], Vec::new());
    tokio::select! {
        biased;
        closed = tokio::time::timeout(late, silent.read(&mut byte)) => drop(closed.expect("closed in time")),
        _ = shaken.read_to_end(&mut rest) => panic!("who does not shake hands stays longer"),
    }
    assert!(started.elapsed() >= WITHIN / 2 - Duration::from_millis(50), "{:?}", started.elapsed());

    let _ = tokio::time::timeout(late, shaken.read_to_end(&mut rest)).await.expect("closed in time");
    assert!(began.elapsed() >= WITHIN - Duration::from_millis(50), "{:?}", began.elapsed());

    let mut plain = TcpStream::connect(at.http).await.unwrap();
    plain.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "plaintext is not answered in plaintext");
    node.stop().await;
}
