//! `leak`: what a device takes, its user was allowed to see.

use super::Rule;
use crate::event::{Event, Kind};
use crate::index::Index;
use crate::report::{Counter, Report};

/// A message may be on its way while its receiver leaves, and a new member may read what was said before: only a user
/// who was no member at any time from the message's sending to its arrival must not have it.
#[derive(Debug)]
pub(super) struct Leaks;

impl Rule for Leaks {
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        let Kind::Delivered(seen) = event.kind else { return };
        let (conv, user) = (seen.key.conv, event.device.user);
        let sent = index.messages.get(&seen.key).and_then(|message| message.sent);
        let from = sent.map_or(event.at, |sent| sent.at);
        if index.members.known(conv) && !index.members.possible(conv, user, from, event.at) {
            report.add(Counter::Leak, || {
                format!("{} seq {} at {}", index.message_name(seen.key), seen.seq, index.device_name(event.device))
            });
        }
    }
}
