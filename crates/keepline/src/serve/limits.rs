//! Limits: how many connections a server takes, how many of one address, and how fast.

use super::rate::Rate;

/// Descriptors left to the process for everything but lines: the listeners, the runtime, the program's own files, and
/// what is accepted only to be turned away (at most 128 at one time).
pub const SPARE_DESCRIPTORS: u64 = 256;

/// How many connections a server takes, and how fast. What is over a limit is closed at accept, which the
/// [`Observer`](crate::Observer) is told with its reason, and the peer too where the server has a word for it
/// ([`Server::with_farewell`](super::Server::with_farewell)); only what [`accepts`](Self::accepts) leaves waits.
///
/// An address is an IPv4 address or the first 64 bits of an IPv6 one, which is what one subscriber gets. Behind a proxy
/// all clients have one address: leave the limits of an address off there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Lines at one time. Default: the process's descriptor limit less [`SPARE_DESCRIPTORS`], so that accepting never meets it. Over it:
    /// [`ServerFull`](crate::Reason::ServerFull).
    pub connections: usize,
    /// Lines at one time of one address. Default: no limit. Over it: [`RateLimited`](crate::Reason::RateLimited).
    pub per_address: Option<usize>,
    /// Of those, lines whose handshake is not done, in all: from accept to [`Turn::establish`](crate::Turn::establish),
    /// an upgrade included. Default: no limit, as most protocols have no handshake and never establish. Over it:
    /// [`ServerFull`](crate::Reason::ServerFull).
    pub unestablished: Option<usize>,
    /// The same of one address. Over it: [`RateLimited`](crate::Reason::RateLimited).
    pub unestablished_per_address: Option<usize>,
    /// New lines of one address. Default: no limit. Over it: [`RateLimited`](crate::Reason::RateLimited). At most
    /// 131,072 addresses are remembered, for as long as a bucket takes to empty; where more come in that time, the
    /// oldest may have one burst more.
    pub new_per_address: Option<Rate>,
    /// Connections accepted by the listener; what is over it waits in the backlog. One that is turned away by another
    /// limit counts as a tenth. Default: no limit.
    pub accepts: Option<Rate>,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let connections = limit
            .map_or(usize::MAX, |limit| usize::try_from(limit.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX));
        Self {
            connections: connections.max(1),
            per_address: None,
            unestablished: None,
            unestablished_per_address: None,
            new_per_address: None,
            accepts: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_leaves_the_process_its_spare_descriptors() {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        let expected = usize::try_from(limit.saturating_sub(256)).unwrap_or(usize::MAX).max(1);
        assert_eq!(Limits::default().connections, expected);
    }
}
