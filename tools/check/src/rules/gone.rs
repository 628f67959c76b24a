//! `false_gap`: what a device is told is gone, retention had dropped.

use std::collections::BTreeMap;

use super::Rule;
use crate::event::{Device, Event, Kind};
use crate::index::Index;
use crate::names::Name;
use crate::report::{Counter, Report};

/// Else the word "gone" would excuse every loss. Two witnesses: whoever set the limits of retention, who says how far it
/// may have dropped at that time, and the final reading of the store, in which nothing can be that is gone.
///
/// The same range told to the same device again is one announcement.
#[derive(Debug, Default)]
pub(super) struct FalseGaps {
    told: BTreeMap<Told, Believable>,
}

/// A range of a conversation, and who was told that it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    conv: Name,
    device: Device,
    from: u64,
    to: u64,
}

/// Whether retention may have dropped the range when it was told to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Believable {
    Yes,
    /// It had dropped nothing behind this number.
    No {
        dropped: u64,
    },
}

impl Rule for FalseGaps {
    fn observe(&mut self, event: &Event, index: &Index, _report: &mut Report) {
        let Kind::Announced(conv, from, to) = event.kind else { return };
        let dropped = index.convs.get(&conv).map_or(0, |facts| facts.dropped);
        // A range that ends before it begins says nothing.
        if from <= to {
            let believable = if to <= dropped { Believable::Yes } else { Believable::No { dropped } };
            let told = self.told.entry(Told { conv, device: event.device, from, to }).or_insert(believable);
            // What was false once stays false when it becomes true.
            if *told == Believable::Yes {
                *told = believable;
            }
        }
    }

    fn finish(&mut self, index: &Index, report: &mut Report) {
        for (Told { conv, device, from, to }, believable) in &self.told {
            let found = index.convs.get(conv).and_then(|facts| facts.stored.any_of(*from..=*to));
            let why = match (believable, found) {
                (_, Some(seq)) => format!("the store has seq {seq}"),
                (Believable::No { dropped: 0 }, None) => "retention dropped nothing".to_owned(),
                (Believable::No { dropped }, None) => format!("retention dropped nothing behind seq {dropped}"),
                (Believable::Yes, None) => continue,
            };
            report.add(Counter::FalseGap, || {
                let device = index.device_name(*device);
                format!("seq {from} to {to} of {} to {device}: {why}", index.names.text(*conv))
            });
        }
    }
}
