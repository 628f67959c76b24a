//! `fork`, and the half of `gap` that is the server's own: a conversation is one sequence, without holes.

use super::Rule;
use crate::event::{Event, Kind};
use crate::index::Index;
use crate::report::{Counter, Report};

/// A fork is counted where it is first seen by anybody; a hole is a number below the highest that nobody ever saw.
#[derive(Debug)]
pub(super) struct Numbers;

impl Rule for Numbers {
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        let (key, seq) = match event.kind {
            Kind::Acked(key, seq) => (key, seq),
            Kind::Delivered(seen) | Kind::Stored(seen) => (seen.key, seen.seq),
            _ => return,
        };
        let known = index.messages.get(&key).map_or(&[][..], |message| &message.seqs);
        if known.contains(&seq) {
            return;
        }
        let holder = index.holder(key.conv, seq);
        if let Some(other) = holder {
            report.add(Counter::Fork, || format!("seq {seq} of {} and of {}", index.message_name(other), key.id));
        } else if let Some(first) = known.first() {
            report.add(Counter::Fork, || format!("{} has seq {first} and seq {seq}", index.message_name(key)));
        }
    }

    fn finish(&mut self, index: &Index, report: &mut Report) {
        for (conv, facts) in &index.convs {
            for hole in facts.numbers.holes() {
                let (first, last) = hole.into_inner();
                report.add_many(Counter::Gap, (last - first).saturating_add(1), || {
                    format!("nobody ever saw seq {first} to {last} of {}", index.names.text(*conv))
                });
            }
        }
    }
}
