//! Guard: what stands before every endpoint: limits of size and time, panics caught, refusals in one shape, counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::LARGEST_BODY;
use crate::metrics::Metrics;

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
pub(super) fn guard(router: Router, face: Face, metrics: &Arc<Metrics>) -> Router {
    let (metrics, Face { listener, within, refuse }) = (Arc::clone(metrics), face);
    router
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, within))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(move |request: Request, next: Next| {
            let metrics = Arc::clone(&metrics);
            async move {
                let started = Instant::now();
                let response = shaped(request, next, refuse).await;
                metrics.http_answered(listener, response.status().as_u16(), started.elapsed());
                response
            }
        }))
}

/// Answers, with every refusal in the face's shape: the layers' own ones are plain text.
async fn shaped(request: Request, next: Next, refuse: Refuse) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let status = response.status();
    let json = header::HeaderValue::from_static("application/json");
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
