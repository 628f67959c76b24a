//! `resurrected`, `unexpected`, `recovered`: messages that were seen, against what their senders know of them.

use super::Rule;
use crate::index::{Index, Outcome};
use crate::report::{Counter, Report};

/// Judged at the end: an answer may come long after the delivery.
#[derive(Debug)]
pub(super) struct Outcomes;

impl Rule for Outcomes {
    fn finish(&mut self, index: &Index, report: &mut Report) {
        let mut seen: Vec<_> = index.messages.iter().filter(|(_, message)| message.seen).collect();
        // The map has no order; the examples shall be the same each time.
        seen.sort_unstable_by_key(|(key, _)| **key);
        for (key, message) in seen {
            let counter = match message.outcome() {
                Outcome::Acked => continue,
                Outcome::Refused => Counter::Resurrected,
                Outcome::NeverSent => Counter::Unexpected,
                Outcome::Unknown => Counter::Recovered,
            };
            report.add(counter, || index.message_name(*key));
        }
    }
}
