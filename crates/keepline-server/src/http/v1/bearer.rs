//! Bearer: a token that is none counts against the address it came from, as over a line and as a wrong password.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::guard::Guard;
use crate::http::Peer;
use crate::http::error::{ApiError, Code};

/// Passes on what shows no token, or comes from an address that is not banned; tells the guard of tokens that were none.
pub(super) async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return next.run(request).await;
    }
    let address: Option<IpAddr> = request.extensions().get().map(|Peer(peer)| peer.ip());
    if let Err(refused) = guard.token(address) {
        return ApiError::from(refused).into_response();
    }
    let response = next.run(request).await;
    if response.extensions().get() == Some(&Code::AuthFailed) {
        guard.bad_token(address);
    }
    response
}
