//! `real_time`: who knows one message to be stored before sending the next, finds them in this order.

use std::collections::HashMap;

use super::Rule;
use crate::event::{Device, Event, Key, Kind};
use crate::index::Index;
use crate::names::Name;
use crate::report::{Counter, Report};

/// Per device and conversation. A message sent again may have been stored at its first attempt, so that one counts.
#[derive(Debug, Default)]
pub(super) struct RealTime {
    /// The highest number that a device has been told of its own messages.
    acked: HashMap<(Device, Name), u64>,
    /// What that was when a message was first sent, where there was any.
    floors: HashMap<Key, u64>,
}

impl Rule for RealTime {
    fn observe(&mut self, event: &Event, index: &Index, _report: &mut Report) {
        match event.kind {
            Kind::Send(key, _) if index.messages.get(&key).is_none_or(|message| message.sent.is_none()) => {
                if let Some(floor) = self.acked.get(&(event.device, key.conv)) {
                    self.floors.insert(key, *floor);
                }
            }
            Kind::Acked(key, seq) => {
                let highest = self.acked.entry((event.device, key.conv)).or_insert(seq);
                *highest = (*highest).max(seq);
            }
            _ => {}
        }
    }

    fn finish(&mut self, index: &Index, report: &mut Report) {
        let mut floors: Vec<_> = self.floors.iter().collect();
        floors.sort_unstable();
        for (key, floor) in floors {
            let Some(message) = index.messages.get(key) else { continue };
            // A number that another message holds is a fork, and judged there alone.
            let own = |seq: &&u64| index.holder(key.conv, **seq) == Some(*key);
            let Some(seq) = message.seqs.iter().find(own) else { continue };
            if seq <= floor {
                report.add(Counter::RealTime, || {
                    format!("{} got seq {seq}, sent when seq {floor} was acknowledged", index.message_name(*key))
                });
            }
        }
    }
}
