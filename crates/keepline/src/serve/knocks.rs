//! Knocks: how many new lines each address has had of late.

use std::collections::HashMap;
use std::mem;

use keepline_proto::{Duration, Instant};

use super::rate::Rate;
use super::subscriber::Subscriber;

/// Addresses remembered in one generation; there are two.
const MOST: usize = 65_536;

/// The buckets. Whoever has rested longer than a bucket takes to empty is as good as forgotten. So there are two
/// generations: those of this time and those of the time before, which is dropped whole.
#[derive(Debug)]
pub(super) struct Knocks {
    begun: Instant,
    now: HashMap<Subscriber, Instant>,
    before: HashMap<Subscriber, Instant>,
}

impl Default for Knocks {
    fn default() -> Self {
        Self { begun: Instant::START, now: HashMap::new(), before: HashMap::new() }
    }
}

impl Knocks {
    /// Takes one new line from an address's bucket; false if it has none left. A refusal costs nothing.
    pub(super) fn take(&mut self, who: Subscriber, rate: Rate, now: Instant) -> bool {
        self.turn_over(now, rate.ahead());
        let until = self.now.get(&who).or_else(|| self.before.get(&who)).copied().unwrap_or(now);
        let Some(until) = rate.one_more(until, now) else { return false };
        self.now.insert(who, until);
        true
    }

    /// A full generation ends early: its addresses may have one burst too soon, but nobody pays for others, and the
    /// memory has its bound.
    fn turn_over(&mut self, now: Instant, lasts: Duration) {
        if now.since(self.begun) > lasts || self.now.len() >= MOST {
            // Capacity and all: a crowd that has gone leaves nothing behind.
            self.before = mem::take(&mut self.now);
            self.begun = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const RATE: Rate = Rate { per_second: 20, burst: 50 };

    fn who(text: &str) -> Subscriber {
        Subscriber::of(text.parse().unwrap())
    }

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    #[test]
    fn fifty_at_once_and_twenty_a_second_of_each_address_alone() {
        let mut knocks = Knocks::default();
        let mut let_in = |address: &str, ms: u64| (0..100).filter(|_| knocks.take(who(address), RATE, at(ms))).count();
        let table = [
            ("127.0.0.1", 0, 50),
            ("127.0.0.1", 40, 0),
            ("::ffff:127.0.0.1", 50, 1),
            ("127.0.0.2", 50, 50),
            ("2001:db8::1", 60, 50),
            ("2001:db8::2", 60, 0),
            ("2001:db8:0:1::1", 60, 50),
            ("127.0.0.1", 1050, 20),
            ("127.0.0.1", 9000, 50),
        ];
        for (address, ms, expected) in table {
            assert_eq!(let_in(address, ms), expected, "{address} after {ms} ms");
        }
    }

    #[test]
    fn an_address_that_goes_on_for_generations_is_held_to_its_rate() {
        let mut knocks = Knocks::default();
        let taken = (0..60_000).step_by(10).filter(|ms| knocks.take(who("10.0.0.1"), RATE, at(*ms))).count();
        assert!((1249..=1250).contains(&taken), "{taken} in a minute");
    }

    #[test]
    fn however_many_addresses_knock_no_more_than_two_generations_are_remembered() {
        let mut knocks = Knocks::default();
        for i in 0..2 * MOST as u32 + 10 {
            assert!(knocks.take(Subscriber::of(Ipv4Addr::from_bits(i).into()), RATE, at(0)));
        }
        assert_eq!((knocks.now.len(), knocks.before.len()), (10, MOST));
        assert!(knocks.take(who("192.0.2.1"), RATE, at(3000)));
        assert_eq!((knocks.now.len(), knocks.before.len()), (1, 10));
        assert!(knocks.take(who("192.0.2.1"), RATE, at(6000)));
        assert_eq!((knocks.now.len(), knocks.before.len()), (1, 1), "a crowd that has gone leaves nothing behind");
        assert!(knocks.before.capacity() < 100);
    }
}
