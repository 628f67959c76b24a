//! Bodies: what of requests and of their answers is in memory at one time, held in one pool of the whole server.
//!
//! ```text
//! client ──body──▶ as it arrives ──▶ handler ──answer──▶ written ──▶ client
//!                  │  16 KiB are the connection's own      │
//!                  └──────▶ the rest is the pool's ◀───────┘
//! ```
//! A slow client holds what it has sent, or has not read, and never what it has announced. Whoever comes while the pool
//! is full is refused if he wants more than his own part, and served if he does not: large bodies keep nobody from
//! logging in or from sending a short message.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::LARGEST_BODY;
use super::guard::Refuse;
use crate::overload::{Held, Pool};

/// Of each body this much is the connection's own, as the room for its headers is, in bytes.
pub(super) const OWN: usize = 16 << 10;

/// Marks an answer whose bytes are one copy for all who ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared;

/// Answers, with what is in memory of both bodies held in the pool. What does not fit is refused as 503.
pub(super) async fn held(request: Request, next: Next, pool: &Arc<Pool>, refuse: Refuse) -> Response {
    let path = request.uri().path().to_owned();
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let arrived = Arc::new(Mutex::new(Arrived { held: pool.hold_nothing(), refused: false }));
    let counted = Arc::clone(&arrived);
    let request = request.map(|body| Body::new(Counted { body, own: OWN, arrived: counted, forgets: LARGEST_BODY }));
    let response = next.run(request).await;
    // Whatever became of the half of a body that was read.
    if lock(&arrived).refused {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, &path);
    }
    drop(arrived);
    let length = response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if length <= OWN || response.extensions().get::<Shared>().is_some() {
        return response;
    }
    let mut held = pool.hold_nothing();
    // What was done is done, and is told.
    if !held.more(length - OWN) && reads {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, &path);
    }
    let (parts, body) = response.into_parts();
    // Of a body whose length is known there is one piece, which is not copied.
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => Response::from_parts(parts, Bytes::from_owner(Kept { bytes, _held: held }).into()),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &path),
    }
}

/// What has come of a request's body.
struct Arrived {
    held: Held,
    /// There was no room for the rest.
    refused: bool,
}

/// A request's body that is counted as it arrives, and held until its request is answered. One for which there is no room
/// is read to its end and forgotten: who is closed upon while he sends does not see why.
struct Counted {
    body: Body,
    own: usize,
    arrived: Arc<Mutex<Arrived>>,
    /// Bytes of it that may still be forgotten.
    forgets: usize,
}

impl Arrived {
    /// Whether there is room for more; where there is none, what has come is given back.
    fn takes(&mut self, bytes: usize) -> bool {
        self.refused = !self.held.more(bytes);
        if self.refused {
            self.held.give_back();
        }
        !self.refused
    }
}

/// An answer, held until the last byte of it is with the kernel.
struct Kept {
    bytes: Bytes,
    _held: Held,
}

/// No room in the pool.
#[derive(Debug, thiserror::Error)]
#[error("there is no room for more of this body")]
struct NoRoom;

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let refused = lock(&self.arrived).refused;
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()? {
                Some(frame) if !refused || self.forgets > 0 => frame,
                _ if refused => return Poll::Ready(Some(Err(NoRoom.into()))),
                end => return Poll::Ready(end.map(Ok)),
            };
            let length = frame.data_ref().map_or(0, Bytes::len);
            if refused {
                self.forgets = self.forgets.saturating_sub(length);
                continue;
            }
            let own = length.min(self.own);
            self.own -= own;
            if lock(&self.arrived).takes(length - own) {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn lock(arrived: &Mutex<Arrived>) -> MutexGuard<'_, Arrived> {
    arrived.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::response::IntoResponse as _;
    use axum::routing::{get, post};
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use tokio::sync::mpsc;

    use super::*;

    const ROOM: usize = 64 << 10;

    fn refuse(status: StatusCode, _: &str) -> Response {
        status.into_response()
    }

    /// Endpoints before a pool with this much room: one that reads its request's body and hangs if that begins with
    /// `h`, and one that answers so much.
    fn router(pool: &Arc<Pool>) -> TowerToHyperService<Router> {
        pool.allow(ROOM as u64);
        let reads = |body: Bytes| async move {
            if body.starts_with(b"h") {
                std::future::pending::<()>().await;
            }
        };
        let says = |axum::extract::Path(length): axum::extract::Path<usize>| async move { vec![b'x'; length] };
        let pool = Arc::clone(pool);
        let layer = from_fn(move |request, next| {
            let pool = Arc::clone(&pool);
            async move { held(request, next, &pool, refuse).await }
        });
        let shared = || async { (axum::Extension(Shared), vec![b'x'; ROOM * 2]) };
        let router = Router::new().route("/", post(reads)).route("/{length}", get(says).post(says));
        TowerToHyperService::new(router.route("/shared", get(shared)).layer(layer))
    }

    async fn ask(router: &TowerToHyperService<Router>, method: &str, path: &str, body: Body) -> Response {
        let request = Request::builder().method(method).uri(path).body(body).unwrap();
        let Ok(response) = router.call(request).await;
        response
    }

    #[tokio::test]
    async fn a_body_is_held_as_it_arrives_and_until_its_request_is_over() {
        let pool = Arc::default();
        let router = router(&pool);
        let whole = |length: usize| Body::from(vec![b'x'; length]);
        let status = async |body| ask(&router, "POST", "/", body).await.status().as_u16();
        assert_eq!(status(whole(OWN + ROOM)).await, 200);
        assert_eq!(status(whole(OWN + ROOM + 1)).await, 503);
        assert_eq!(status(whole(OWN + ROOM)).await, 200, "what was held is given back");

        // One that comes slowly has all of the pool but one byte.
        let (send, pieces) = mpsc::channel::<Bytes>(1);
        let slow = tokio::spawn({
            let router = router.clone();
            async move { ask(&router, "POST", "/", Body::new(Pieces(pieces))).await.status().as_u16() }
        });
        send.send(vec![b'h'; OWN + ROOM - 1].into()).await.unwrap();
        send.reserve().await.unwrap();
        // The second place is free once the first piece was taken; it is counted in the same breath.
        assert_eq!(status(whole(OWN + 2)).await, 503, "the pool is full");
        assert_eq!(status(whole(OWN)).await, 200, "and everybody has his own part");
        assert_eq!(status(whole(OWN + 1)).await, 200);
        drop(send);
        tokio::task::yield_now().await;
        assert_eq!(status(whole(OWN + 2)).await, 503, "its handler has it");
        slow.abort();
        let _ = slow.await;
        assert_eq!(status(whole(OWN + ROOM)).await, 200);
    }

    #[tokio::test]
    async fn an_answer_is_held_until_it_is_written() {
        let pool = Arc::default();
        let router = router(&pool);
        let length = (OWN + ROOM).to_string();
        let first = ask(&router, "GET", &format!("/{length}"), Body::empty()).await;
        assert_eq!(first.status(), 200);
        let status =
            async |method: &str, path: String| ask(&router, method, &path, Body::empty()).await.status().as_u16();
        assert_eq!(status("GET", format!("/{}", OWN + 1)).await, 503);
        assert_eq!(status("GET", format!("/{OWN}")).await, 200, "everybody has his own part");
        assert_eq!(status("POST", format!("/{}", OWN + 1)).await, 200, "what was done is told");
        assert_eq!(status("GET", "/shared".to_owned()).await, 200, "one copy for all");
        let bytes = to_bytes(first.into_body(), usize::MAX).await.unwrap();
        let tail = bytes.slice(bytes.len() - 1..);
        drop(bytes);
        assert_eq!(status("GET", format!("/{}", OWN + 1)).await, 503, "its last byte is not written");
        drop(tail);
        assert_eq!(status("GET", format!("/{length}")).await, 200);
    }

    /// A body that comes piece by piece.
    struct Pieces(mpsc::Receiver<Bytes>);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        }
    }
}
