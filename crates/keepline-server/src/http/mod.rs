//! HTTP: cim's endpoints, our own API under `/v1`, and the admin listener.
//!
//! ```text
//! public listener (8083)   /v1/...  our API           http::v1
//!                          /...     cim's route       http::cim, where cim is on
//! cim's push (8081)        /sendMsg                   http::cim, where it is on
//! admin (8084, loopback)   /health /metrics ...       http::admin
//! ```
//!
//! Each is a `Router` without a socket, so that tests call it in memory; [`serve`] puts one on a listener.

mod address;
pub mod admin;
mod bodies;
pub mod cim;
mod door;
mod error;
mod extract;
mod forwarded;
mod guard;
mod list;
mod object;
mod patience;
mod send;
pub mod serve;
mod services;
pub mod v1;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::guard::Network;
pub use address::{Dialled, Peer};
pub use door::Door;
pub use guard::REQUEST_WITHIN;
pub use services::{About, CimSettings, Services};

/// The endpoints of the public listener: our own API, and with `cim` also those of cim's route.
pub fn public(services: &Arc<Services>, cim: bool) -> Router {
    let ours = TowerToHyperService::new(v1::router(services));
    let cims = cim.then(|| TowerToHyperService::new(cim::route(services)));
    let from = services.cim.from.clone();
    Router::new().fallback(move |request: Request| match &cims {
        // Whatever is not ours is refused in cim's shape.
        Some(cims) if !is_ours(request.uri().path()) && may_speak_cim(&request, &from) => cims.call(request),
        _ => ours.call(request),
    })
}

/// Whether cim's endpoints are there for whoever asks; without an address, as in memory, it is on this machine.
fn may_speak_cim(request: &Request, from: &[Network]) -> bool {
    request.extensions().get::<Peer>().is_none_or(|Peer(peer)| crate::guard::may_speak_cim(peer.ip(), from))
}

fn is_ours(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// The largest body of a request, in bytes.
pub const LARGEST_BODY: usize = 1 << 20;
