//! Bound: the listeners of a server, bound before anything else: an address that is taken is the commonest failure.

use std::net::SocketAddr;

use keepline::KernelWatch;
use keepline::serve::{Proxied, tcp};
use tokio::net::TcpListener;

use super::StartError;
use crate::config::Config;

/// Where a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// HTTP.
    pub http: SocketAddr,
    /// The long connections.
    pub tcp: SocketAddr,
    /// Health, metrics, sessions, backup.
    pub admin: Option<SocketAddr>,
    /// cim's `/sendMsg`.
    pub cim_http: Option<SocketAddr>,
}

/// The listeners.
pub(super) struct Bound {
    pub(super) addresses: Addresses,
    pub(super) http: TcpListener,
    pub(super) tcp: Proxied,
    pub(super) admin: Option<TcpListener>,
    pub(super) cim_http: Option<TcpListener>,
}

impl Bound {
    pub(super) fn at(config: &Config) -> Result<Self, StartError> {
        let mut watch = KernelWatch::default();
        watch.user_timeout = Some((config.slow_after * 3 / 2).into());
        let lines = listen("long connections", config.tcp, watch)?;
        // HTTP watches over each connection by itself, once it is accepted.
        let http = |what, address| listen(what, address, KernelWatch::default());
        let public = http("HTTP", config.http)?;
        let admin = config.admin.map(|address| http("admin", address)).transpose()?;
        let cim_http = config.cim_http.filter(|_| config.speaks_cim());
        let cim_http = cim_http.map(|address| http("cim's /sendMsg", address)).transpose()?;
        let bound = |listener: &TcpListener, asked: SocketAddr| listener.local_addr().unwrap_or(asked);
        let addresses = Addresses {
            http: bound(&public, config.http),
            tcp: bound(&lines, config.tcp),
            admin: admin.as_ref().and_then(|listener| listener.local_addr().ok()),
            cim_http: cim_http.as_ref().and_then(|listener| listener.local_addr().ok()),
        };
        let proxies = config.proxy_protocol.clone();
        let trusted = move |address| proxies.iter().any(|network| network.contains(address));
        Ok(Self { addresses, http: public, tcp: Proxied::new(lines, trusted), admin, cim_http })
    }
}

/// With the backlog of the long connections, also for HTTP: tokio's own is 128, and the 129th client of a storm would
/// wait a second and more for the kernel to try again.
fn listen(what: &'static str, address: SocketAddr, watch: KernelWatch) -> Result<TcpListener, StartError> {
    tcp(address, watch).map_err(|source| StartError::Listen { what, address, source })
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn each_listener_holds_a_storm_that_nobody_accepts_yet() {
        let free = "127.0.0.1:0".parse().unwrap();
        let mut config = Config::default();
        (config.http, config.tcp, config.admin, config.cim_http) = (free, free, Some(free), Some(free));
        let bound = Bound::at(&config).unwrap();
        let Addresses { http, tcp, admin, cim_http } = bound.addresses;
        for address in [http, tcp, admin.unwrap(), cim_http.unwrap()] {
            let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(5));
            let storm: Result<Vec<_>, _> = (0..300).map(connect).collect();
            assert!(storm.is_ok(), "{address}: {storm:?}");
        }
    }
}
