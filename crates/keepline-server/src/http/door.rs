//! Door: who may come in at an HTTP listener, and as whom: the limits of an address, and the proxies that are believed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::HeaderMap;
use keepline::Reason;
use keepline::serve::{Admission, Admitted, Limits};

use super::address::Peer;
use super::error::{ApiError, Code};
use super::forwarded;
use crate::guard::{GuardLimits, Network};

/// Who may come in. The default lets everybody in, each as the address that it comes from.
#[derive(Clone, Debug, Default)]
pub struct Door {
    connections: Option<Arc<Admission>>,
    /// The requests that proxies send on, by the addresses that they name: their connections are all of one address.
    forwarded: Option<Arc<Admission>>,
    trusted: Arc<[Network]>,
}

/// One connection that was let in. It has its place until this is dropped.
#[derive(Debug)]
pub(super) struct Visitor {
    door: Door,
    peer: SocketAddr,
    by_proxy: bool,
    _place: Option<Admitted>,
}

/// One request, and whose it is.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) peer: Peer,
    _place: Option<Admitted>,
}

impl Door {
    /// With the limits that lines of an address have: so many new ones a second, and as many open at one time as lines
    /// without a login. The trusted proxies have neither; of an address that they name as many requests are taken at one
    /// time.
    #[must_use]
    pub fn guarded(limits: &GuardLimits, trusted: &[Network]) -> Self {
        let [connections, forwarded] = shares(limits).map(|limits| Some(Admission::new(limits)));
        Self { connections, forwarded, trusted: trusted.into() }
    }

    /// Other limits from now on, where it has any. Who is in stays.
    pub(crate) fn set_limits(&self, limits: &GuardLimits) {
        for (admission, limits) in [&self.connections, &self.forwarded].into_iter().zip(shares(limits)) {
            if let Some(admission) = admission {
                admission.set_limits(limits);
            }
        }
    }

    /// A connection has come.
    ///
    /// # Errors
    /// Why it is turned away.
    pub(super) fn enter(&self, peer: SocketAddr) -> Result<Visitor, Reason> {
        let by_proxy = self.trusts(peer.ip());
        let admission = self.connections.as_ref().filter(|_| !by_proxy);
        let place = admission.map(|admission| admission.admit(peer.ip())).transpose()?;
        Ok(Visitor { door: self.clone(), peer, by_proxy, _place: place })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// Of an address: its connections, and its requests through a proxy.
fn shares(limits: &GuardLimits) -> [Limits; 2] {
    let mut forwarded = Limits::default();
    forwarded.per_address = limits.unauthenticated_per_address;
    let mut connections = forwarded;
    connections.new_per_address = limits.new_per_address;
    [connections, forwarded]
}

impl Visitor {
    /// A request has come on it.
    ///
    /// # Errors
    /// The address that the proxy names has as many requests under way as it may.
    pub(super) fn asks(&self, headers: &HeaderMap) -> Result<Guest, ApiError> {
        let direct = Guest { peer: Peer(self.peer), _place: None };
        if !self.by_proxy {
            return Ok(direct);
        }
        let Some(address) = forwarded::client(headers, |address| self.door.trusts(address)) else { return Ok(direct) };
        let place = self.door.forwarded.as_ref().map(|admission| admission.admit(address)).transpose();
        let refused = |_| ApiError::new(Code::RateLimited, "too many requests of your address are being answered");
        // Which port the proxy's client has is not known.
        Ok(Guest { peer: Peer(SocketAddr::new(address, 0)), _place: place.map_err(refused)? })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn door(trusted: &[&str]) -> Door {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        Door::guarded(&GuardLimits::default(), &trusted)
    }

    fn at(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 4000)
    }

    fn for_client(address: &'static str) -> HeaderMap {
        [(forwarded::HEADER, HeaderValue::from_static(address))].into_iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_its_share_and_a_proxy_all() {
        let door = door(&["10.0.0.0/8"]);
        let enter = |address| (0..100).filter_map(|_| door.enter(at(address)).ok()).collect::<Vec<_>>();
        assert_eq!(enter("192.0.2.1").len(), 50);
        assert_eq!(enter("192.0.2.2").len(), 50, "another has its own");
        assert_eq!(enter("10.0.0.1").len(), 100, "of a proxy all are taken");
        let open = Door::guarded(&GuardLimits::default().of_no_address(), &[]);
        assert!((0..1000).all(|_| open.enter(at("192.0.2.1")).is_ok()));
        open.set_limits(&GuardLimits::default());
        assert_eq!((0..100).filter(|_| open.enter(at("192.0.2.1")).is_ok()).count(), 50, "as it is told while it runs");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_named_by_a_proxy_has_so_many_requests_at_one_time() {
        let door = door(&["10.0.0.0/8"]);
        let proxy = door.enter(at("10.0.0.1")).unwrap();
        let asked = |client| (0..100).filter_map(|_| proxy.asks(&for_client(client)).ok()).collect::<Vec<_>>();
        let guests = asked("192.0.2.1");
        assert_eq!(guests.len(), 64);
        assert_eq!(guests[0].peer, Peer("192.0.2.1:0".parse().unwrap()));
        assert_eq!(asked("192.0.2.2").len(), 64, "another has his own");
        drop(guests);
        assert_eq!(asked("192.0.2.1").len(), 64, "answered, they are taken again");
        assert_eq!(
            proxy.asks(&HeaderMap::new()).unwrap().peer,
            Peer(at("10.0.0.1")),
            "who names nobody speaks for itself"
        );
    }

    #[tokio::test]
    async fn who_is_no_proxy_is_not_believed() {
        for trusted in [&[][..], &["10.0.0.0/8"]] {
            let visitor = door(trusted).enter(at("192.0.2.1")).unwrap();
            assert_eq!(visitor.asks(&for_client("127.0.0.1")).unwrap().peer, Peer(at("192.0.2.1")));
        }
    }
}
