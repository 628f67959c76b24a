//! `order`: each device takes the messages of a conversation with ascending numbers.

use super::Rule;
use crate::event::{Event, Kind};
use crate::index::Index;
use crate::report::{Counter, Report};

/// A number taken again is a duplicate, and judged there alone.
#[derive(Debug)]
pub(super) struct Order;

impl Rule for Order {
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        let Kind::Delivered(seen) = event.kind else { return };
        let Some(inbox) = index.inbox_of(event.device, seen.key.conv) else { return };
        let highest = inbox.delivered.last().unwrap_or(0);
        if seen.seq < highest && !inbox.delivered.contains(seen.seq) {
            report.add(Counter::Order, || {
                let device = index.device_name(event.device);
                format!("{} seq {} at {device} after seq {highest}", index.message_name(seen.key), seen.seq)
            });
        }
    }
}
