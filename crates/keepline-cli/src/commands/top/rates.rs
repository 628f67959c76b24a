//! Rates: what happens in a second, out of two looks at counters, and the last minute of it.

use std::collections::VecDeque;

use crate::api::Counters;

/// Looks that are remembered.
const LOOKS: usize = 60;

/// Between two looks that make a rate, in milliseconds: who presses keys is answered many times in a second, and would
/// see the rate of a moment.
const APART_MS: u64 = 900;

/// What happens in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PerSecond {
    pub(super) stored: f64,
    pub(super) delivered: f64,
    pub(super) logins: f64,
    pub(super) refused: f64,
}

/// The rates of one server.
#[derive(Debug, Default)]
pub(super) struct Rates {
    before: Option<(u64, Counters)>,
    now: Option<PerSecond>,
    messages: VecDeque<f64>,
}

impl Rates {
    /// One more look, at this time in milliseconds; one right behind another changes nothing. Counters that went back are
    /// those of another start: the rates begin anew.
    pub(super) fn look(&mut self, at_ms: u64, counters: &Counters) {
        if let Some((then_ms, then)) = &self.before
            && at_ms.saturating_sub(*then_ms) < APART_MS
            && between(then, counters, APART_MS).is_some()
        {
            return;
        }
        let before = self.before.replace((at_ms, counters.clone()));
        self.now = before.and_then(|(then_ms, then)| between(&then, counters, at_ms.saturating_sub(then_ms)));
        if let Some(now) = self.now {
            if self.messages.len() == LOOKS {
                self.messages.pop_front();
            }
            self.messages.push_back(now.stored);
        }
    }

    /// `None` before the second look.
    pub(super) const fn now(&self) -> Option<PerSecond> {
        self.now
    }

    /// The messages a second of the last looks, as bars of eight heights, the latest last.
    pub(super) fn bars(&self, width: usize) -> String {
        const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let shown = self.messages.iter().skip(self.messages.len().saturating_sub(width));
        let most = self.messages.iter().copied().fold(0.0, f64::max);
        // Between 0 and 8, whatever the rates are.
        let height = |rate: f64| if most > 0.0 { (rate / most * 8.0).ceil() as usize } else { 0 };
        shown.map(|rate| BARS[height(*rate).min(8)]).collect()
    }
}

fn between(then: &Counters, now: &Counters, took_ms: u64) -> Option<PerSecond> {
    let seconds = took_ms as f64 / 1000.0;
    let rate = |then: u64, now: u64| now.checked_sub(then).map(|more| more as f64 / seconds);
    if took_ms == 0 {
        return None;
    }
    Some(PerSecond {
        stored: rate(then.messages_stored, now.messages_stored)?,
        delivered: rate(then.messages_delivered, now.messages_delivered)?,
        logins: rate(then.logins, now.logins)?,
        refused: rate(then.logins_refused, now.logins_refused)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(messages_stored: u64) -> Counters {
        Counters { messages_stored, ..Counters::default() }
    }

    #[test]
    fn a_rate_needs_two_looks_a_while_apart_and_begins_anew_with_the_server() {
        let mut rates = Rates::default();
        for (at_ms, count, rate) in [
            (1_000, 10, None),
            (3_000, 30, Some(10.0)),
            (3_050, 30, Some(10.0)),
            (4_000, 30, Some(0.0)),
            (4_000, 31, Some(0.0)),
            (4_100, 5, None),
            (5_100, 25, Some(20.0)),
        ] {
            rates.look(at_ms, &stored(count));
            assert_eq!(rates.now().map(|now| now.stored), rate, "at {at_ms}");
        }
        assert_eq!((rates.bars(9), rates.bars(1)), ("▄ █".to_owned(), "█".to_owned()));
    }

    #[test]
    fn a_minute_is_remembered_and_no_more() {
        let mut rates = Rates::default();
        assert_eq!(rates.bars(9), "");
        for second in 0..200 {
            rates.look(second * 1000, &stored(second));
        }
        assert_eq!(rates.bars(1000), "█".repeat(LOOKS));
    }
}
