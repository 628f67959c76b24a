//! `corrupt`: a message has the body that it was sent with, wherever it is seen.

use super::Rule;
use crate::event::{Event, Kind};
use crate::index::Index;
use crate::report::{Counter, Report};

/// A message cannot be seen before its send began, so the body is known when it is judged.
#[derive(Debug)]
pub(super) struct Bodies;

impl Rule for Bodies {
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        let (Kind::Delivered(seen) | Kind::Stored(seen)) = event.kind else { return };
        let sent = index.messages.get(&seen.key).and_then(|message| message.sent);
        if sent.is_some_and(|sent| sent.body != seen.body) {
            report.add(Counter::Corrupt, || format!("{} seq {}", index.message_name(seen.key), seen.seq));
        }
    }
}
