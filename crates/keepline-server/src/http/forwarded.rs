//! Forwarded: whom a proxy speaks for, by `X-Forwarded-For`.
//!
//! Each proxy appends the address that it was asked from. What stands left of the first one that we do not trust may be
//! anybody's invention, so the list is read from its right end.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

/// The header's name.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The right-most address that is no trusted proxy's. `None` if there is none, or if what stands there is no address.
pub(super) fn client(headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    // Of several headers the last was appended last (RFC 9110, 5.3).
    let lists = headers.get_all(HEADER).iter().rev();
    let entries = lists.flat_map(|list| list.to_str().unwrap_or("?").rsplit(','));
    let addresses = entries.map(|entry| address(entry.trim()));
    addresses.map_while(|address| address).find(|address| !trusted(*address))
}

/// An address, as some write it also with its port, or in brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().or_else(|_| entry.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::guard::Network;

    #[test]
    fn only_what_trusted_proxies_have_written_is_believed() {
        let trusted: [Network; 2] = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        let table: [(&[&str], Option<&str>); 14] = [
            (&[], None),
            (&[""], None),
            (&["192.0.2.1"], Some("192.0.2.1")),
            (&["127.0.0.1, 192.0.2.1"], Some("192.0.2.1")),
            (&["127.0.0.1,192.0.2.1 , 10.0.0.7,fd00::1"], Some("192.0.2.1")),
            (&["192.0.2.1", "10.0.0.7"], Some("192.0.2.1")),
            (&["192.0.2.1", "192.0.2.2"], Some("192.0.2.2")),
            (&["10.0.0.7, 10.0.0.8"], None),
            (&["192.0.2.1, unknown"], None),
            (&["192.0.2.1, unknown, 10.0.0.7"], None),
            (&["192.0.2.1:4711"], Some("192.0.2.1")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["::ffff:192.0.2.1, ::ffff:10.0.0.7"], Some("192.0.2.1")),
        ];
        for (lists, expected) in table {
            let headers: HeaderMap = lists.iter().map(|list| (HEADER, HeaderValue::from_static(list))).collect();
            let found = client(&headers, |address| trusted.iter().any(|network| network.contains(address)));
            assert_eq!(found, expected.map(|address| address.parse().unwrap()), "{lists:?}");
        }
    }
}
