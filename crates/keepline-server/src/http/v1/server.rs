//! Server: what a client wants to know before it says who it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keepline_proto::wire::im::Im;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::{Clock as _, System};
use crate::http::Services;
use crate::http::error::ErrorBody;
use crate::message::LARGEST_BODY;

/// What anybody may know of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServerView {
    /// As its operator calls it.
    name: String,
    version: &'static str,
    /// Its clock, in milliseconds since 1970.
    time_ms: u64,
    lines: LinesView,
    limits: LimitsView,
}

/// Where the long connections come in, on the host of this request.
#[derive(Debug, Serialize, ToSchema)]
struct LinesView {
    /// As the server has it: what stands before it may have another.
    port: u16,
    /// Whether the server itself speaks TLS there.
    tls: bool,
}

/// What is refused beyond.
#[derive(Debug, Serialize, ToSchema)]
struct LimitsView {
    /// The body of a message, in bytes.
    message_bytes: usize,
    /// A frame of a long connection after the login, in bytes.
    frame_bytes: u32,
}

/// What a client wants to know before it logs in: who the server is, where its long connections come in, what it takes
#[utoipa::path(get, path = "/v1/server", tag = "server",
    responses((status = 200, body = ServerView), (status = "default", body = ErrorBody)))]
pub(super) async fn show(State(services): State<Arc<Services>>) -> Json<ServerView> {
    let about = &services.about;
    Json(ServerView {
        name: about.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        time_ms: System.now_ms(),
        lines: LinesView { port: about.lines_port, tls: about.lines_tls },
        limits: LimitsView { message_bytes: LARGEST_BODY, frame_bytes: Im::AFTER_LOGIN },
    })
}
