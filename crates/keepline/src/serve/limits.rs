//! Limits: how many connections a server takes, and how many from one address.

use std::collections::HashMap;
use std::net::IpAddr;

use keepline_proto::Reason;

/// Descriptors left to the process for everything but lines.
const SPARE_DESCRIPTORS: u64 = 256;
/// A line without an address, as over a Unix socket.
const NOWHERE: u32 = u32::MAX;

/// How many connections a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Lines at one time. Default: the process's descriptor limit less 256, so that accepting never meets it.
    pub connections: usize,
    /// Lines at one time from one address; IPv6 by /64, which is what one subscriber gets. Default: no limit.
    pub per_address: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let connections = limit
            .map_or(usize::MAX, |limit| usize::try_from(limit.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX));
        Self { connections: connections.max(1), per_address: None }
    }
}

/// Which addresses the lines come from: each address once, however many lines it has.
#[derive(Debug, Default)]
pub(super) struct Sources {
    by_address: HashMap<IpAddr, u32>,
    /// Lines by the first 64 bits of an IPv6 address.
    by_prefix: HashMap<[u8; 8], usize>,
    list: Vec<Source>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Source {
    address: IpAddr,
    lines: usize,
}

/// The place of an address in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SourceId(u32);

impl Default for SourceId {
    fn default() -> Self {
        Self(NOWHERE)
    }
}

impl Sources {
    /// Counts one more line from an address, unless it has its share.
    pub(super) fn admit(&mut self, address: Option<IpAddr>, limits: &Limits) -> Result<SourceId, Reason> {
        let Some(address) = address.map(|address| address.to_canonical()) else { return Ok(SourceId(NOWHERE)) };
        let lines = match prefix(address) {
            Some(prefix) => self.by_prefix.get(&prefix).copied().unwrap_or(0),
            None => self.by_address.get(&address).map_or(0, |&id| self.list[id as usize].lines),
        };
        if limits.per_address.is_some_and(|most| lines >= most) {
            return Err(Reason::RateLimited);
        }
        if let Some(prefix) = prefix(address) {
            *self.by_prefix.entry(prefix).or_default() += 1;
        }
        let id = match self.by_address.get(&address) {
            Some(&id) => id,
            None => self.insert(address),
        };
        self.list[id as usize].lines += 1;
        Ok(SourceId(id))
    }

    /// One line from the address has ended.
    pub(super) fn release(&mut self, id: SourceId) {
        let Some(source) = self.list.get_mut(id.0 as usize) else { return };
        source.lines -= 1;
        let address = source.address;
        if source.lines == 0 {
            self.by_address.remove(&address);
            self.free.push(id.0);
        }
        if let Some(prefix) = prefix(address)
            && let Some(lines) = self.by_prefix.get_mut(&prefix)
        {
            *lines -= 1;
            if *lines == 0 {
                self.by_prefix.remove(&prefix);
            }
        }
    }

    pub(super) fn address(&self, id: SourceId) -> Option<IpAddr> {
        self.list.get(id.0 as usize).map(|source| source.address)
    }

    fn insert(&mut self, address: IpAddr) -> u32 {
        let source = Source { address, lines: 0 };
        let id = match self.free.pop() {
            Some(id) => {
                self.list[id as usize] = source;
                id
            }
            None => {
                self.list.push(source);
                u32::try_from(self.list.len() - 1).unwrap_or(NOWHERE)
            }
        };
        self.by_address.insert(address, id);
        id
    }
}

fn prefix(address: IpAddr) -> Option<[u8; 8]> {
    match address {
        IpAddr::V6(address) => address.octets().first_chunk().copied(),
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_address: usize) -> Limits {
        Limits { per_address: Some(per_address), ..Limits::default() }
    }

    #[test]
    fn the_default_leaves_the_process_its_spare_descriptors() {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        let expected = usize::try_from(limit.saturating_sub(256)).unwrap_or(usize::MAX).max(1);
        assert_eq!(Limits::default(), Limits { connections: expected, per_address: None });
    }

    #[test]
    fn an_address_gets_its_share_and_gets_it_again() {
        let mut sources = Sources::default();
        let one: IpAddr = "127.0.0.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
        let ids = [one, mapped].map(|address| sources.admit(Some(address), &limits(2)).unwrap());
        assert_eq!(ids[0], ids[1], "the same address, however it is written");
        assert_eq!(sources.admit(Some(one), &limits(2)), Err(Reason::RateLimited));
        assert!(sources.admit(Some("127.0.0.2".parse().unwrap()), &limits(2)).is_ok());
        assert_eq!(sources.address(ids[0]), Some(one));
        sources.release(ids[0]);
        assert!(sources.admit(Some(one), &limits(2)).is_ok());
    }

    #[test]
    fn six_counts_by_its_first_64_bits() {
        let mut sources = Sources::default();
        let ids: Vec<_> = ["2001:db8::1", "2001:db8::2"]
            .map(|text| sources.admit(Some(text.parse().unwrap()), &limits(2)).unwrap())
            .into();
        assert_ne!(ids[0], ids[1]);
        let third = Some("2001:db8::ffff:3".parse().unwrap());
        assert_eq!(sources.admit(third, &limits(2)), Err(Reason::RateLimited));
        assert!(sources.admit(Some("2001:db8:0:1::1".parse().unwrap()), &limits(2)).is_ok());
        ids.into_iter().for_each(|id| sources.release(id));
        assert!(sources.admit(third, &limits(1)).is_ok(), "the places are free again");
    }

    #[test]
    fn a_line_without_an_address_is_never_refused() {
        let mut sources = Sources::default();
        let id = sources.admit(None, &limits(0)).unwrap();
        assert_eq!(sources.address(id), None);
        sources.release(id);
    }
}
