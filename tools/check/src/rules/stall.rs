//! The longest time without an acknowledgement.

use super::Rule;
use crate::event::{Event, Kind};
use crate::index::Index;
use crate::report::Report;

/// From the first send to the last acknowledgement: the quiet at the end is no stall.
#[derive(Debug, Default)]
pub(super) struct Stall {
    /// The last acknowledgement; before it the first send.
    since: Option<u64>,
}

impl Rule for Stall {
    fn observe(&mut self, event: &Event, _index: &Index, report: &mut Report) {
        match (event.kind, self.since) {
            (Kind::Send(..), None) => self.since = Some(event.at),
            (Kind::Acked(..), Some(since)) => {
                let stall = &mut report.totals_mut().stall_ns;
                *stall = (*stall).max(event.at.saturating_sub(since));
                self.since = Some(event.at);
            }
            _ => {}
        }
    }
}
