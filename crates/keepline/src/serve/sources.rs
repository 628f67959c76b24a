//! Sources: which addresses the lines come from: each address once, however many lines it has.

use std::collections::HashMap;
use std::net::IpAddr;

use keepline_proto::{Instant, Reason};

use super::knocks::Knocks;
use super::limits::Limits;
use super::subscriber::Subscriber;

/// A line without an address, as over a Unix socket.
const NOWHERE: u32 = u32::MAX;

/// Which addresses the lines come from.
#[derive(Debug, Default)]
pub(super) struct Sources {
    by_address: HashMap<IpAddr, u32>,
    /// Lines by the first 64 bits of an IPv6 address.
    by_prefix: HashMap<Subscriber, Count>,
    list: Vec<Source>,
    free: Vec<u32>,
    knocks: Knocks,
}

#[derive(Debug)]
struct Source {
    address: IpAddr,
    count: Count,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    lines: u32,
    /// Of those, lines whose handshake is not done.
    unestablished: u32,
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
    /// Counts one more line from an address, unless it has its share. Its handshake is not done.
    pub(super) fn admit(&mut self, address: Option<IpAddr>, limits: &Limits, now: Instant) -> Result<SourceId, Reason> {
        let Some(address) = address.map(|address| address.to_canonical()) else { return Ok(SourceId(NOWHERE)) };
        let who = Subscriber::of(address);
        let count = if who.is_v6() {
            self.by_prefix.get(&who).copied()
        } else {
            self.by_address.get(&address).map(|&id| self.list[id as usize].count)
        };
        let count = count.unwrap_or_default();
        let over = |count: u32, most: Option<usize>| most.is_some_and(|most| count as usize >= most);
        if over(count.lines, limits.per_address)
            || over(count.unestablished, limits.unestablished_per_address)
            // Last: who is refused for another reason has not used up his rate.
            || limits.new_per_address.is_some_and(|rate| !self.knocks.take(who, rate, now))
        {
            return Err(Reason::RateLimited);
        }
        let id = match self.by_address.get(&address) {
            Some(&id) => id,
            None => self.insert(address),
        };
        if who.is_v6() {
            self.by_prefix.entry(who).or_default().add();
        }
        self.list[id as usize].count.add();
        Ok(SourceId(id))
    }

    /// The handshake of a line from the address is done.
    pub(super) fn establish(&mut self, id: SourceId) {
        let Some(source) = self.list.get_mut(id.0 as usize) else { return };
        source.count.unestablished -= 1;
        if let Some(count) = self.by_prefix.get_mut(&Subscriber::of(source.address)) {
            count.unestablished -= 1;
        }
    }

    /// One line from the address has ended, whose handshake is done.
    pub(super) fn release(&mut self, id: SourceId) {
        let Some(source) = self.list.get_mut(id.0 as usize) else { return };
        source.count.lines -= 1;
        let address = source.address;
        if source.count.lines == 0 {
            self.by_address.remove(&address);
            self.free.push(id.0);
        }
        let who = Subscriber::of(address);
        if let Some(count) = self.by_prefix.get_mut(&who) {
            count.lines -= 1;
            if count.lines == 0 {
                self.by_prefix.remove(&who);
            }
        }
    }

    pub(super) fn address(&self, id: SourceId) -> Option<IpAddr> {
        self.list.get(id.0 as usize).map(|source| source.address)
    }

    fn insert(&mut self, address: IpAddr) -> u32 {
        let source = Source { address, count: Count::default() };
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

impl Count {
    const fn add(&mut self) {
        self.lines += 1;
        self.unestablished += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate::Rate;
    use super::*;

    fn limits(per_address: usize) -> Limits {
        Limits { per_address: Some(per_address), ..Limits::default() }
    }

    fn admit(sources: &mut Sources, address: &str, limits: &Limits) -> Result<SourceId, Reason> {
        sources.admit(Some(address.parse().unwrap()), limits, Instant::START)
    }

    fn end(sources: &mut Sources, id: SourceId) {
        sources.establish(id);
        sources.release(id);
    }

    #[test]
    fn an_address_gets_its_share_and_gets_it_again() {
        let mut sources = Sources::default();
        let ids = ["127.0.0.1", "::ffff:127.0.0.1"].map(|text| admit(&mut sources, text, &limits(2)).unwrap());
        assert_eq!(ids[0], ids[1], "the same address, however it is written");
        assert_eq!(admit(&mut sources, "127.0.0.1", &limits(2)), Err(Reason::RateLimited));
        assert!(admit(&mut sources, "127.0.0.2", &limits(2)).is_ok());
        assert_eq!(sources.address(ids[0]), Some("127.0.0.1".parse().unwrap()));
        end(&mut sources, ids[0]);
        assert!(admit(&mut sources, "127.0.0.1", &limits(2)).is_ok());
    }

    #[test]
    fn six_counts_by_its_first_64_bits() {
        let mut sources = Sources::default();
        let ids = ["2001:db8::1", "2001:db8::2"].map(|text| admit(&mut sources, text, &limits(2)).unwrap());
        assert_ne!(ids[0], ids[1]);
        assert_eq!(admit(&mut sources, "2001:db8::ffff:3", &limits(2)), Err(Reason::RateLimited));
        assert!(admit(&mut sources, "2001:db8:0:1::1", &limits(2)).is_ok());
        ids.into_iter().for_each(|id| end(&mut sources, id));
        assert!(admit(&mut sources, "2001:db8::ffff:3", &limits(1)).is_ok(), "the places are free again");
    }

    #[test]
    fn whose_handshake_is_done_counts_no_more_among_those_without() {
        let limits = Limits { unestablished_per_address: Some(2), ..Limits::default() };
        for address in ["127.0.0.1", "2001:db8::1"] {
            let mut sources = Sources::default();
            let ids = [(); 2].map(|()| admit(&mut sources, address, &limits).unwrap());
            assert_eq!(admit(&mut sources, address, &limits), Err(Reason::RateLimited), "{address}");
            sources.establish(ids[0]);
            let third = admit(&mut sources, address, &limits).unwrap();
            assert_eq!(admit(&mut sources, address, &limits), Err(Reason::RateLimited), "{address}");
            end(&mut sources, third);
            assert!(admit(&mut sources, address, &limits).is_ok(), "{address}");
        }
    }

    #[test]
    fn who_is_refused_for_another_reason_has_not_used_up_his_rate() {
        let rate = Some(Rate { per_second: 1, burst: 2 });
        let limits = Limits { per_address: Some(1), new_per_address: rate, ..Limits::default() };
        let mut sources = Sources::default();
        let id = admit(&mut sources, "127.0.0.1", &limits).unwrap();
        for _ in 0..5 {
            assert_eq!(admit(&mut sources, "127.0.0.1", &limits), Err(Reason::RateLimited));
        }
        end(&mut sources, id);
        let id = admit(&mut sources, "127.0.0.1", &limits).unwrap();
        end(&mut sources, id);
        assert_eq!(admit(&mut sources, "127.0.0.1", &limits), Err(Reason::RateLimited), "two at once, and no more");
    }

    #[test]
    fn a_line_without_an_address_is_never_refused() {
        let mut sources = Sources::default();
        let rate = Some(Rate { per_second: 1, burst: 1 });
        let none = Limits { unestablished_per_address: Some(0), new_per_address: rate, ..limits(0) };
        let id = sources.admit(None, &none, Instant::START).unwrap();
        assert_eq!(sources.address(id), None);
        end(&mut sources, id);
    }
}
