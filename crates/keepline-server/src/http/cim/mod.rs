//! cim: its route's seven endpoints and its server's one, as an unmodified Java client needs them.
//!
//! A business error is HTTP 200 with a code. A reply has exactly the fields that cim's has, because that client refuses
//! others. What is no request at all is refused as Spring refuses it: 400, 404, 405, 415, with Spring's four fields.

mod accounts;
mod iso;
mod messages;
mod presence;
mod reply;
mod request;
mod send_msg;
mod spring;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::Services;
use super::guard::{Face, REQUEST_WITHIN, guard};

/// The endpoints of cim's route: 8083 there.
pub fn route(services: &Arc<Services>) -> Router {
    let router = Router::new()
        .route("/registerAccount", post(accounts::register))
        .route("/login", post(accounts::login))
        .route("/offLine", post(presence::off_line))
        // 2.x asks by GET, 1.x by POST.
        .route("/onlineUser", get(presence::online_user).post(presence::online_user))
        .route("/groupRoute", post(messages::group))
        .route("/p2pRoute", post(messages::p2p))
        .route("/fetchOfflineMsgs", post(messages::fetch_offline))
        .with_state(Arc::clone(services))
        .layer(from_fn(from_no_page));
    slashes_forgiven(guard(router, face("public"), &services.metrics, Some(services.bodies())))
}

/// The endpoint of cim's server: 8081 there.
pub fn push(services: &Arc<Services>) -> Router {
    let router = Router::new().route("/sendMsg", post(send_msg::send_msg)).with_state(Arc::clone(services));
    let router = router.layer(from_fn(from_no_page));
    slashes_forgiven(guard(router, face("cim_push"), &services.metrics, Some(services.bodies())))
}

/// Nobody here is asked who he is, so a page that a browser of this machine shows could be any user, by a name of its
/// own that points here (DNS rebinding) too. With each POST a browser says where its page is from; cim's clients do not.
async fn from_no_page(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

const fn face(listener: &'static str) -> Face {
    Face { listener, within: REQUEST_WITHIN, refuse: spring::refuse }
}

/// The router, for paths with `//` as for those with `/`: clients join a base URL and a name, and some bases end in one.
fn slashes_forgiven(inner: Router) -> Router {
    let inner = TowerToHyperService::new(inner);
    Router::new().fallback(move |mut request: Request| {
        if let Some(uri) = single_slashes(request.uri()) {
            *request.uri_mut() = uri;
        }
        inner.call(request)
    })
}

/// The URI with each run of slashes in its path as one; `None` if there is none to change.
fn single_slashes(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains("//") {
        return None;
    }
    let mut path = String::with_capacity(uri.path().len());
    for character in uri.path().chars() {
        if character != '/' || !path.ends_with('/') {
            path.push(character);
        }
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_slashes_become_one() {
        for (before, after) in [
            ("//login", Some("/login")),
            ("/api///login//?a=//b", Some("/api/login/?a=//b")),
            ("http://host//login", Some("http://host/login")),
            ("/login?x=//", None),
        ] {
            let uri = single_slashes(&before.parse().unwrap());
            assert_eq!(uri.map(|uri| uri.to_string()).as_deref(), after, "{before}");
        }
    }
}
