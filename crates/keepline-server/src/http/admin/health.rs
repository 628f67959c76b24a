//! Health: whether the server lives, whether it takes work, what it counts; and how it is told to go.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{Admin, rendered};
use crate::overload::Level;
use crate::session::Speaks;

/// The state of the server.
#[derive(Debug, Serialize)]
struct Health {
    version: &'static str,
    /// How durable what is acknowledged is: `memory` or `disk`.
    durability: String,
    store: Store,
    /// How short memory is: `enough`, `closed`, `shedding` or `refusing`.
    memory: &'static str,
    sessions: usize,
    draining: bool,
}

/// The state of the store.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Store {
    Ok,
    /// Takes no writes; the engine's words.
    Failing {
        reason: String,
    },
}

/// `GET /health`: 200 as long as the process answers; the body says how it is.
pub(super) async fn health(State(admin): State<Admin>) -> Response {
    Json(look(&admin)).into_response()
}

/// `GET /ready`: 200 while it takes messages, else 503: while the store takes no writes or memory is so short that they
/// are refused, and once it has been told to go.
pub(super) async fn ready(State(admin): State<Admin>) -> Response {
    answer(&admin, Level::Refusing)
}

/// `GET /ready/lines`: as `/ready`, and 503 also while memory is so short that new long connections are turned away. For
/// what sends those somewhere: to give a server no more lines is no reason to take its HTTP away.
pub(super) async fn ready_for_lines(State(admin): State<Admin>) -> Response {
    answer(&admin, Level::Closed)
}

/// 503 where memory is as short as at this level.
fn answer(admin: &Admin, short: Level) -> Response {
    let (health, level) = (look(admin), admin.services.hub.environment().overload.level());
    let ready = matches!(health.store, Store::Ok) && !health.draining && level < short;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

/// `GET /metrics`.
pub(super) async fn metrics(State(admin): State<Admin>) -> Response {
    let services = &admin.services;
    let mut by_dialect = [("v1", 0), ("cim", 0)];
    // Without a list of them: who watches asks each second.
    services.hub.each(|session| by_dialect[usize::from(*session.speaks() != Speaks::V1)].1 += 1);
    for (dialect, count) in by_dialect {
        services.metrics.set_sessions(dialect, count);
    }
    services.metrics.set_store_up(services.store.health().is_ok());
    rendered(services.metrics.render())
}

/// `POST /drain`: answered at once; the drain takes its time.
pub(super) async fn drain(State(admin): State<Admin>) -> StatusCode {
    tracing::info!("told to drain by the admin listener");
    admin.drain.drain();
    StatusCode::ACCEPTED
}

fn look(admin: &Admin) -> Health {
    let services = &admin.services;
    let mut sessions = 0;
    // Without a list of them: a balancer asks each second.
    services.hub.each(|_| sessions += 1);
    Health {
        version: env!("CARGO_PKG_VERSION"),
        durability: services.store.durability().to_string(),
        store: services
            .store
            .health()
            .map_or_else(|error| Store::Failing { reason: error.to_string() }, |()| Store::Ok),
        memory: services.hub.environment().overload.level().name(),
        sessions,
        draining: admin.drain.is_draining(),
    }
}
