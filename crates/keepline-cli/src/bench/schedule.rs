//! When each message of an open loop is due: fixed beforehand, so that a slow server can't slow the questions down.
//!
//! A closed loop asks again only after an answer: while the server stalls it asks nothing, and the stall counts as
//! one slow message instead of hundreds ("coordinated omission"). Here a message that goes out late is measured from
//! the moment that it was due, so its waiting counts.

use std::time::{Duration, Instant};

/// Messages at a fixed rate, dealt out to the lines in turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    begin: Instant,
    rate: f64,
    lines: u64,
}

impl Schedule {
    /// `rate` messages a second from `begin` on, over `lines` lines; both must be above zero.
    pub(crate) fn new(begin: Instant, rate: f64, lines: usize) -> Self {
        Self { begin, rate, lines: (lines as u64).max(1) }
    }

    /// How many messages are due by `now`, over all lines. The first is due at once.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive count")]
    pub(crate) fn due(&self, now: Instant) -> u64 {
        match now.checked_duration_since(self.begin) {
            Some(since) => (since.as_secs_f64() * self.rate) as u64 + 1,
            None => 0,
        }
    }

    /// How many of the first `due` messages are for `line`.
    pub(crate) fn share(&self, due: u64, line: usize) -> u64 {
        let line = line as u64;
        if due <= line { 0 } else { (due - line - 1) / self.lines + 1 }
    }

    /// When message `index` (from 0) of `line` is due.
    pub(crate) fn intended(&self, line: usize, index: u64) -> Instant {
        self.at(line as u64 + index * self.lines)
    }

    /// When message `number` of all is due.
    #[expect(clippy::cast_precision_loss, reason = "message numbers are far below 2^52")]
    pub(crate) fn at(&self, number: u64) -> Instant {
        self.begin + Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// The line that message `number` of all is for.
    pub(crate) fn line_of(&self, number: u64) -> usize {
        usize::try_from(number % self.lines).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::stats::Latencies, *};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn messages_are_dealt_out_in_turn() {
        let begin = Instant::now();
        let schedule = Schedule::new(begin, 1000.0, 4);
        let at = |micros| begin + Duration::from_micros(micros);
        for (micros, due) in [(0, 1), (999, 1), (1001, 2), (10_001, 11)] {
            assert_eq!(schedule.due(at(micros)), due, "at {micros} us");
        }
        for (line, share) in [(0, 3), (1, 3), (2, 3), (3, 2)] {
            assert_eq!(schedule.share(11, line), share, "line {line}");
        }
        assert_eq!(schedule.intended(3, 2), at(11_000));
        assert_eq!(schedule.line_of(11), 3);
    }

    #[test]
    fn shares_add_up_to_what_is_due() {
        let schedule = Schedule::new(Instant::now(), 10.0, 7);
        for due in 0..50 {
            let shares: u64 = (0..7).map(|line| schedule.share(due, line)).sum();
            assert_eq!(shares, due);
        }
    }

    /// A server that answers in 1 ms, but not at all during the second second, asked 1000 times a second on one line
    /// with one message under way.
    #[test]
    fn a_stall_of_a_second_is_not_omitted() {
        let begin = Instant::now();
        let schedule = Schedule::new(begin, 1000.0, 1);
        let (mut from_intended, mut from_sent) = (Latencies::new(), Latencies::new());
        let mut free = begin;
        for index in 0..4000 {
            let intended = schedule.intended(0, index);
            let sent = intended.max(free);
            let stalled = sent >= begin + SECOND && sent < begin + 2 * SECOND;
            let served = if stalled { begin + 2 * SECOND } else { sent };
            free = served + Duration::from_micros(500);
            from_intended.record(free - intended);
            from_sent.record(free - sent);
        }
        // A quarter of all was due in the stall, and the queue behind it takes another second to drain.
        let halfway = from_intended.quantile(0.75);
        assert!(halfway > Duration::from_millis(400), "corrected p75 {halfway:?}");
        assert!(from_intended.max() >= SECOND);
        let naive = from_sent.quantile(0.999);
        assert!(naive < Duration::from_millis(2), "uncorrected p99.9 {naive:?} shows nothing of it");
    }
}
