//! Spring's refusal: `{timestamp, status, error, path}`, as cim's processes answer what is no request of theirs.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::iso::iso;
use crate::clock::{Clock as _, System};

/// The body of a refusal.
#[derive(Debug, Serialize)]
struct Refusal<'a> {
    timestamp: String,
    status: u16,
    error: &'a str,
    path: &'a str,
}

/// A refusal with this status, for a request to this path.
pub(super) fn refuse(status: StatusCode, path: &str) -> Response {
    // Java's libraries know no 422: what can't be bound to a field is a bad request there.
    let status = if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status };
    let error = status.canonical_reason().unwrap_or("Error");
    let refusal = Refusal { timestamp: iso(System.now_ms()), status: status.as_u16(), error, path };
    (status, Json(refusal)).into_response()
}
