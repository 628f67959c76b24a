//! Serve: HTTP/1.1 on a listener, with bounds on connections, of all and of an address, on headers and on the end.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse as _;
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

use super::address::Dialled;
use super::door::{Door, Visitor};
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

/// Serves a router until `stop`, then lets requests in flight end in [`Limits::stop_within`].
///
/// With [`Tls`], each connection begins with its handshake, which has the same time as the first request's headers.
/// `name` is the listener's label in the metrics. The handlers find the address that was dialled as [`Dialled`], and
/// whose it came from as [`Peer`](super::Peer), among the request's extensions. Whom the [`Door`] does not let in is closed at once;
/// where there is no TLS, with an answer: 429.
pub async fn serve(
    (listener, tls): (TcpListener, Option<Arc<Tls>>),
    name: &'static str,
    router: Router,
    (limits, door): (Limits, Door),
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
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(listener = name, %error, "accepting failed");
                let _ = stop.run_until_cancelled(tokio::time::sleep(ACCEPT_AGAIN)).await;
                continue;
            }
        };
        let visitor = match door.enter(peer) {
            Ok(visitor) => visitor,
            Err(refused) => {
                metrics.http_refused(name, refused.name());
                turn_away(stream, tls.is_none());
                continue;
            }
        };
        let (http, router, stop, metrics) = (http.clone(), router.clone(), stop.clone(), Arc::clone(&metrics));
        let tls = tls.clone();
        connections.spawn(async move {
            metrics.http_opened(name);
            if let Err(error) = connection(stream, tls, &http, (router, visitor), &stop, limits).await {
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

/// What a connection that is turned away is told, before it has said anything.
const TURNED_AWAY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 1\r\n\
content-type: application/json\r\ncontent-length: 97\r\n\r\n\
{\"error\":{\"code\":\"rate_limited\",\"message\":\"too many connections from your address\",\"retry\":true}}";

/// Closes a connection, with a word if it can be read. It waits for nothing: whoever comes too often costs the least.
fn turn_away(stream: TcpStream, plain: bool) {
    let Ok(mut stream) = stream.into_std() else { return };
    if plain {
        // What has come is taken, as far as one read goes: a close before that is a reset, which may pass the answer.
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write(TURNED_AWAY);
        let _ = stream.shutdown(Shutdown::Write);
    }
}

/// One connection until its end.
async fn connection(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    http: &http1::Builder,
    (router, visitor): (Router, Visitor),
    stop: &CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    let dialled = Dialled(stream.local_addr()?);
    stream.set_nodelay(true)?;
    let unread_ms = u64::try_from(limits.unread_within.as_millis()).unwrap_or(u64::MAX);
    KernelWatch::after(keepline::Duration::from_millis(unread_ms)).apply(&stream)?;
    let Some(tls) = tls else { return exchanges(stream, dialled, http, (router, visitor), stop, limits).await };
    let shaking = tokio::time::timeout(limits.headers_within, tls.upgrade()(stream));
    match stop.run_until_cancelled(shaking).await {
        Some(Ok(secured)) => exchanges(secured?, dialled, http, (router, visitor), stop, limits).await,
        Some(Err(_)) => Err(io::ErrorKind::TimedOut.into()),
        None => Ok(()),
    }
}

/// The requests of one connection, and their answers.
async fn exchanges(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    dialled: Dialled,
    http: &http1::Builder,
    (router, visitor): (Router, Visitor),
    stop: &CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let guest = visitor.asks(request.headers());
        let answering = guest.map(|guest| {
            request.extensions_mut().insert(dialled);
            request.extensions_mut().insert(guest.peer);
            // Its place is taken until its handler ends, whoever waits for that.
            (router.call(request), guest)
        });
        async move {
            match answering {
                Ok((answering, _guest)) => answering.await,
                Err(refused) => Ok(refused.into_response()),
            }
        }
    });
    let mut serving = pin!(http.serve_connection(TokioIo::new(Patience::new(stream, limits.unread_within)), service));
    tokio::select! {
        ended = serving.as_mut() => return ended.map_err(io::Error::other),
        () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    match tokio::time::timeout(limits.stop_within, serving).await {
        Ok(ended) => ended.map_err(io::Error::other),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_turned_away_gets_a_whole_answer_in_our_shape() {
        let (head, body) = std::str::from_utf8(TURNED_AWAY).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        let said: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(said["error"]["code"], super::super::error::Code::RateLimited.name());
    }
}
