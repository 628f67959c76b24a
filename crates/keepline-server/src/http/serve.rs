//! Serve: HTTP/1.1 on a listener, with bounds on connections, on headers and on the end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use keepline::KernelWatch;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::patience::Patience;
use crate::metrics::Metrics;
use crate::tls::Tls;

/// What one listener allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "settings, made with the defaults: Limits { .., ..Limits::default() }")]
pub struct Limits {
    /// Connections at a time. Further ones wait in the listener's backlog.
    pub connections: usize,
    /// From the first moment, or from the last answer, to the end of the next request's headers: also how long an idle
    /// connection is kept.
    pub headers_within: Duration,
    /// Bytes of a request's line and headers; at least 8 KiB.
    pub headers: usize,
    /// How long a client may leave what it is sent unread or unacknowledged: the kernel ends the connection then, and
    /// we do where it takes less than 16 KiB a second for so long.
    pub unread_within: Duration,
    /// How long requests in flight may take once the server stops.
    pub stop_within: Duration,
}

impl Default for Limits {
    /// 1024 connections, 5 s and 16 KiB for headers, 30 s to read, 10 s to stop.
    fn default() -> Self {
        Self {
            connections: 1024,
            headers_within: Duration::from_secs(5),
            headers: 16 << 10,
            unread_within: Duration::from_secs(30),
            stop_within: Duration::from_secs(10),
        }
    }
}

/// The most headers of one request.
const MOST_HEADERS: usize = 100;
/// What accepting waits after a failure, as when no descriptor is left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The server's own address that a client dialled: where `0.0.0.0` is listened on, it differs by client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "one value")]
pub struct Dialled(pub SocketAddr);

/// The address of the client's end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "one value")]
pub struct Peer(pub SocketAddr);

/// Serves a router until `stop`, then lets requests in flight end in [`Limits::stop_within`].
///
/// With [`Tls`], each connection begins with its handshake, which has the same time as the first request's headers.
/// `name` is the listener's label in the metrics. The handlers find the address that was dialled as [`Dialled`], and
/// whose it came from as [`Peer`], among the request's extensions.
pub async fn serve(
    (listener, tls): (TcpListener, Option<Arc<Tls>>),
    name: &'static str,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_headers(MOST_HEADERS)
        .max_buf_size(limits.headers.max(8 << 10));
    let room = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    while let Some(permit) = stop.run_until_cancelled(Arc::clone(&room).acquire_owned()).await {
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else { break };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(listener = name, %error, "accepting failed");
                let _ = stop.run_until_cancelled(tokio::time::sleep(ACCEPT_AGAIN)).await;
                continue;
            }
        };
        let (http, router, stop, metrics) = (http.clone(), router.clone(), stop.clone(), Arc::clone(&metrics));
        let tls = tls.clone();
        connections.spawn(async move {
            metrics.http_opened(name);
            if let Err(error) = connection(stream, tls, &http, router, &stop, limits).await {
                tracing::debug!(listener = name, %error, "HTTP connection ended");
            }
            metrics.http_closed(name);
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// One connection until its end.
async fn connection(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    http: &http1::Builder,
    router: Router,
    stop: &CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    let (dialled, peer) = (Dialled(stream.local_addr()?), Peer(stream.peer_addr()?));
    stream.set_nodelay(true)?;
    let unread_ms = u64::try_from(limits.unread_within.as_millis()).unwrap_or(u64::MAX);
    KernelWatch::after(keepline::Duration::from_millis(unread_ms)).apply(&stream)?;
    let Some(tls) = tls else { return exchanges(stream, (dialled, peer), http, router, stop, limits).await };
    let shaking = tokio::time::timeout(limits.headers_within, tls.upgrade()(stream));
    match stop.run_until_cancelled(shaking).await {
        Some(Ok(secured)) => exchanges(secured?, (dialled, peer), http, router, stop, limits).await,
        Some(Err(_)) => Err(io::ErrorKind::TimedOut.into()),
        None => Ok(()),
    }
}

/// The requests of one connection, and their answers.
async fn exchanges(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    (dialled, peer): (Dialled, Peer),
    http: &http1::Builder,
    router: Router,
    stop: &CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(dialled);
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let stream = Patience::new(stream, limits.unread_within);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = serving.as_mut() => return ended.map_err(io::Error::other),
        () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    match tokio::time::timeout(limits.stop_within, serving).await {
        Ok(ended) => ended.map_err(io::Error::other),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
