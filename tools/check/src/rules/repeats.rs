//! `dup_raw` and `dup_app`: messages that come to a device again, on the wire and past its application's account.

use super::Rule;
use crate::event::{Device, Event, Kind, Seen};
use crate::index::Index;
use crate::report::{Counter, Report};

/// On the wire a message may come again; the application must not take it twice, by its number or by its id.
#[derive(Debug)]
pub(super) struct Repeats;

impl Rule for Repeats {
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        match event.kind {
            Kind::Received(seen) => {
                let inbox = index.inbox_of(event.device, seen.key.conv);
                if inbox.is_some_and(|inbox| inbox.received.contains(seen.seq)) {
                    report.add(Counter::DupRaw, || example(event.device, seen, index));
                }
            }
            Kind::Delivered(seen) => {
                report.totals_mut().delivered += 1;
                if taken(event.device, seen, index) {
                    report.add(Counter::DupApp, || example(event.device, seen, index));
                }
            }
            _ => {}
        }
    }
}

/// Whether the application has this number, or this message under another number.
fn taken(device: Device, seen: Seen, index: &Index) -> bool {
    let Some(inbox) = index.inbox_of(device, seen.key.conv) else { return false };
    // A number that another message holds too is a fork: having that one is not having this one.
    let had = |seq: u64| inbox.delivered.contains(seq) && index.holder(seen.key.conv, seq) == Some(seen.key);
    inbox.delivered.contains(seen.seq)
        || index.messages.get(&seen.key).is_some_and(|message| message.seqs.iter().any(|seq| had(*seq)))
}

fn example(device: Device, seen: Seen, index: &Index) -> String {
    format!("{} seq {} at {}", index.message_name(seen.key), seen.seq, index.device_name(device))
}
