//! Limits of an HTTP listener, on real sockets: what a client may hold up, and for how long.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use keepline_server::http::Dialled;
use keepline_server::http::Door;
use keepline_server::http::serve::{Limits, serve};
use keepline_server::metrics::Metrics;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here may take; who waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(200);

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Serves `GET /` and `POST /` (which reads its body) under these limits.
async fn served(limits: Limits) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/", post(|body: String| async move { body.len().to_string() }))
        .route("/large", get(|| async { vec![b'x'; 32 << 20] }))
        .route("/dialled", get(|axum::Extension(Dialled(at)): axum::Extension<Dialled>| async move { at.to_string() }));
    let (stop, metrics) = (CancellationToken::new(), Metrics::new().into());
    let task = tokio::spawn(serve((listener, None), "test", router, (limits, Door::default()), metrics, stop.clone()));
    Served { address, stop, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Sends these bytes and reads until the server closes.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.expect("the server reads");
        until_closed(&mut stream).await
    }
}

async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset is a close too: the server may have closed with bytes of ours unread.
    let _ = read.expect("the server closes in time");
    String::from_utf8(answer).expect("answers are text")
}

fn short() -> Limits {
    Limits { headers_within: SOON, ..Limits::default() }
}

#[tokio::test]
async fn b9_headers_that_do_not_come_end_the_connection() {
    let served = served(short()).await;
    for sent in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\nx-slow: 1"] {
        assert_eq!(served.exchange(sent.as_bytes()).await, "", "{sent:?}");
    }
}

#[tokio::test]
async fn b9_dribbled_headers_win_no_time() {
    let served = served(short()).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let dribble = async {
        let mut lines = 0;
        while stream.write_all(b"x-slow: 1\r\n").await.is_ok() {
            lines += 1;
            tokio::time::sleep(SOON / 10).await;
        }
        lines
    };
    let lines = tokio::time::timeout(PATIENCE, dribble).await.expect("the server closes in time");
    assert!(lines < 100, "the limit of headers closed it, not that of time");
}

#[tokio::test]
async fn b9_an_idle_connection_is_let_go() {
    let served = served(short()).await;
    let answer = served.exchange(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("here"), "{answer}");
}

#[tokio::test]
async fn b9_headers_have_a_size_and_a_number() {
    let served = served(Limits::default()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(17 << 10));
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x-many: 1\r\n".repeat(101));
    for request in [long, many] {
        let answer = served.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test]
async fn b9_a_body_with_two_lengths_is_no_second_request() {
    let served = served(short()).await;
    let smuggled = "GET /dialled HTTP/1.1\r\nhost: a\r\n\r\n";
    let lengths = [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", 5 + smuggled.len()),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", 5 + smuggled.len()),
        format!("content-length: 5\r\ncontent-length: {}\r\n", 5 + smuggled.len()),
        "transfer-encoding: identity, chunked, identity\r\n".to_owned(),
    ];
    for length in lengths {
        let answer =
            served.exchange(format!("POST / HTTP/1.1\r\nhost: a\r\n{length}\r\n0\r\n\r\n{smuggled}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") || !answer.contains("127.0.0.1"), "{length}: {answer}");
    }
}

#[tokio::test]
async fn a_full_listener_serves_the_next_when_one_ends() {
    let served = served(Limits { connections: 1, ..Limits::default() }).await;
    let first = served.connect().await;
    let mut second = served.connect().await;
    second.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(SOON, second.read(&mut byte)).await;
    assert!(early.is_err(), "answered while the listener was full");
    drop(first);
    assert!(until_closed(&mut second).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn b9_who_does_not_read_holds_a_place_for_so_long_and_no_longer() {
    let limits = Limits { connections: 1, unread_within: Duration::from_secs(1), ..Limits::default() };
    let served = served(limits).await;
    let mut stuck = served.connect().await;
    stuck.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    stuck.readable().await.unwrap();
    let next = served.exchange(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(next.ends_with("here"), "{next}");
}

/// The kernel sees progress, and would let it go on for hours.
#[tokio::test]
async fn b9_who_reads_a_few_bytes_at_a_time_holds_a_place_for_so_long_and_no_longer() {
    let limits = Limits { connections: 1, unread_within: Duration::from_secs(2), ..Limits::default() };
    let served = served(limits).await;
    // With little room, so that the server's kernel hears of each of his few bytes.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(served.address).await.unwrap();
    slow.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let reading = tokio::spawn(async move {
        let mut few = [0; 512];
        while slow.read(&mut few).await.is_ok_and(|count| count > 0) {
            tokio::time::sleep(SOON / 4).await;
        }
    });
    let next = served.exchange(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(next.ends_with("here"), "{next}");
    reading.abort();
}

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_end_and_closes_the_idle() {
    let hour = Duration::from_secs(3600);
    let served = served(Limits { headers_within: hour, stop_within: hour, ..Limits::default() }).await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut busy = served.connect().await;
    busy.write_all(b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n").await.unwrap();
    let mut go_on = [0; 25];
    busy.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "the handler is reading");
    served.stop.cancel();
    assert!(until_closed(&mut idle).await.ends_with("here"));
    busy.write_all(b"body").await.unwrap();
    assert!(until_closed(&mut busy).await.ends_with("\r\n\r\n4"));
    tokio::time::timeout(PATIENCE, served.task).await.expect("it ends in time").unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_it_says() {
    let served = served(Limits { stop_within: SOON, ..Limits::default() }).await;
    let mut stuck = served.connect().await;
    stuck.write_all(b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n").await.unwrap();
    let mut go_on = [0; 25];
    stuck.read_exact(&mut go_on).await.unwrap();
    served.stop.cancel();
    tokio::time::timeout(PATIENCE, served.task).await.expect("it ends in time").unwrap();
    assert_eq!(until_closed(&mut stuck).await, "");
}

#[tokio::test]
async fn a_handler_sees_the_address_that_was_dialled() {
    let served = served(short()).await;
    let answer = served.exchange(b"GET /dialled HTTP/1.1\r\nhost: forged\r\n\r\n").await;
    assert!(answer.ends_with(&served.address.to_string()), "{answer}");
}
