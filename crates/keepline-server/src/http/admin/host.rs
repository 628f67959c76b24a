//! Host: who a request believes it talks to.

use axum::extract::Request;
use axum::http::{Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::error::{ApiError, Code};

/// Lets through what was sent to an address or to `localhost`, and nothing that a page of another origin sends.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if !is_meant(&request) {
        return refuse("the Host of a request to the admin listener is an address or localhost");
    }
    // A browser names the page's origin whenever a page of another site sends something that can change anything.
    if request.headers().contains_key(header::ORIGIN) {
        return refuse("the admin listener is not for pages of browsers");
    }
    next.run(request).await
}

fn refuse(why: &str) -> Response {
    ApiError::new(Code::NotAllowed, why).into_response()
}

fn is_meant(request: &Request) -> bool {
    match request.headers().get(header::HOST) {
        Some(host) => host.to_str().is_ok_and(is_here),
        // A balancer's probe, as HAProxy's. A browser names a host, whatever page it shows.
        None => request.version() == Version::HTTP_10,
    }
}

/// Whether a `Host` is one that no name server can point elsewhere: an address, or `localhost`; with or without a port.
fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::Ipv4Addr>().is_ok()
        || bracketed.is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn d9_a_name_that_points_here_is_not_here() {
        for host in ["127.0.0.1", "127.0.0.1:8084", "localhost", "LocalHost:80", "[::1]", "[::1]:8084", "10.0.0.1:8084"]
        {
            assert!(is_here(host), "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:8084", "localhost.evil.example", "127.0.0.1.evil.example", "::1", ":80"]
        {
            assert!(!is_here(host), "{host}");
        }
    }
    #[test]
    fn d9_only_a_probe_of_http_1_0_need_not_say_whom_it_means() {
        let table = [
            (Version::HTTP_10, None, true),
            (Version::HTTP_10, Some("127.0.0.1"), true),
            (Version::HTTP_10, Some("evil.example"), false),
            (Version::HTTP_11, None, false),
            (Version::HTTP_11, Some("127.0.0.1"), true),
        ];
        for (version, host, expected) in table {
            let request = Request::builder().uri("/ready").version(version);
            let request = host.into_iter().fold(request, |request, host| request.header(header::HOST, host));
            assert_eq!(is_meant(&request.body(Body::empty()).unwrap()), expected, "{version:?} {host:?}");
        }
    }
}
