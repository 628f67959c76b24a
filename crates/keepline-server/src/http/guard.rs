//! Guard: what stands before every endpoint: limits of size and time, panics caught, refusals in one shape, counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use hyper::body::Body as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::{LARGEST_BODY, bodies};
use crate::metrics::Metrics;
use crate::overload::Pool;

/// From a request's head to its answer's: reading its body, and the store's work. What was begun in the store goes on
/// behind it.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// How a face writes a refusal that a layer gave without words: by status, for this path.
pub(super) type Refuse = fn(StatusCode, &str) -> Response;

/// What one set of endpoints is to the outside.
#[derive(Clone, Copy)]
pub(super) struct Face {
    /// The label in the metrics.
    pub(super) listener: &'static str,
    /// From a request's head to its answer's.
    pub(super) within: Duration,
    /// How it refuses.
    pub(super) refuse: Refuse,
}

/// Puts the guard before a router; call it once its routes are complete.
///
/// Where there is a pool, what is in memory of bodies is held in it: see [`bodies`].
pub(super) fn guard(router: Router, face: Face, metrics: &Arc<Metrics>, pool: Option<&Arc<Pool>>) -> Router {
    let (metrics, Face { listener, within, refuse }) = (Arc::clone(metrics), face);
    let router = router.layer(DefaultBodyLimit::max(LARGEST_BODY));
    let router = match pool.map(Arc::clone) {
        Some(pool) => router.layer(from_fn(move |request: Request, next: Next| {
            let pool = Arc::clone(&pool);
            async move { bodies::held(request, next, &pool, refuse).await }
        })),
        None => router,
    };
    router
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, within))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(move |request: Request, next: Next| {
            let metrics = Arc::clone(&metrics);
            async move {
                let (started, _answering) = (Instant::now(), metrics.http_in_flight(listener));
                let response = kept_to_itself(shaped(request, next, refuse).await);
                metrics.http_answered(listener, response.status().as_u16(), started.elapsed());
                response
            }
        }))
}

/// Answers, with every refusal in the face's shape: the layers' own ones are plain text.
async fn shaped(request: Request, next: Next, refuse: Refuse) -> Response {
    let path = request.uri().path().to_owned();
    if is_encoded(&request) {
        let mut refusal = refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, &path);
        refusal.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        return refusal;
    }
    // Known before a byte of it has come: nobody waits for what is announced.
    if request.body().size_hint().lower() > LARGEST_BODY as u64 {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, &path);
    }
    let response = next.run(request).await;
    let status = response.status();
    let json = HeaderValue::from_static("application/json");
    let in_shape = response.headers().get(header::CONTENT_TYPE) == Some(&json);
    if in_shape || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut refusal = refuse(status, &path);
    if let Some(verbs) = response.headers().get(header::ALLOW) {
        refusal.headers_mut().insert(header::ALLOW, verbs.clone());
    }
    refusal
}

/// With what keeps an answer where it belongs: in no cache, as tokens and messages are not to be found there (RFC 6749,
/// 5.1), and never taken by a browser for a page.
fn kept_to_itself(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether a body is to be unpacked: nothing here does, so that no kilobyte becomes a gigabyte. What to do then, and the
/// header of the answer, are RFC 9110's (15.5.16).
fn is_encoded(request: &Request) -> bool {
    let encodings = request.headers().get_all(header::CONTENT_ENCODING);
    encodings.iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::response::IntoResponse;
    use axum::routing::{get, post};
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    fn refuse(status: StatusCode, path: &str) -> Response {
        let shape = format!("{{\"refused\":\"{path}\"}}");
        (status, [(header::CONTENT_TYPE, "application/json")], shape).into_response()
    }

    #[tokio::test(start_paused = true)]
    async fn every_failure_of_a_layer_is_refused_in_shape() {
        let router = Router::new()
            .route(
                "/panics",
                get(|| async {
                    if true {
                        panic!("on purpose")
                    }
                }),
            )
            .route("/hangs", get(std::future::pending::<()>))
            .route("/reads", post(|_: String| async {}))
            .route("/says", get(|| async { (StatusCode::CONFLICT, axum::Json("its own words")) }));
        let metrics = Arc::new(Metrics::new());
        let face = Face { listener: "test", within: REQUEST_WITHIN, refuse };
        let router = TowerToHyperService::new(guard(router, face, &metrics, None));
        let never = || Body::from_stream(Never);
        let large = || Body::from(vec![b'x'; LARGEST_BODY + 1]);
        let table = [
            ("GET", "/panics", Body::empty(), 500, true),
            ("GET", "/hangs", Body::empty(), 408, true),
            ("POST", "/reads", never(), 408, true),
            ("POST", "/reads", large(), 413, true),
            ("POST", "/reads", Body::from(vec![b'x'; LARGEST_BODY]), 200, false),
            ("PUT", "/reads", Body::empty(), 405, true),
            ("GET", "/none", Body::empty(), 404, true),
            ("GET", "/says", Body::empty(), 409, false),
            ("GET", "/says", large(), 413, true),
            ("POST gzip", "/reads", Body::from("x"), 415, true),
            ("POST identity, br", "/reads", Body::from("x"), 415, true),
            ("POST Identity", "/reads", Body::from("x"), 200, false),
        ];
        let mut refused = 0;
        for (method, path, body, status, shaped) in table {
            let (verb, encoding) = method.split_once(' ').unwrap_or((method, ""));
            let request = Request::builder().method(verb).uri(path);
            let request = if encoding.is_empty() { request } else { request.header("content-encoding", encoding) };
            let request = request.body(body).unwrap();
            let answer = tokio::time::timeout(REQUEST_WITHIN * 2, router.call(request)).await;
            let Ok(response) = answer.unwrap_or_else(|_| panic!("{method} {path} is never answered"));
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            let kept = [header::CACHE_CONTROL, header::X_CONTENT_TYPE_OPTIONS].map(|name| response.headers().get(name));
            let kept = kept.map(|value| value.and_then(|value| value.to_str().ok()));
            assert_eq!(kept, [Some("no-store"), Some("nosniff")], "{method} {path}");
            let bytes = axum::body::to_bytes(response.into_body(), LARGEST_BODY).await.unwrap();
            assert_eq!(bytes == format!("{{\"refused\":\"{path}\"}}"), shaped, "{method} {path}: {bytes:?}");
            refused += u32::from((400..500).contains(&status));
        }
        let counted = format!("keepline_http_requests_total{{listener=\"test\",status=\"4xx\"}} {refused}");
        assert!(metrics.render().contains(&counted), "{counted}");
    }

    /// A body that does not come.
    struct Never;

    impl futures_core::Stream for Never {
        type Item = Result<bytes::Bytes, std::io::Error>;

        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Pending
        }
    }
}
