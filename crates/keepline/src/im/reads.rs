//! Reads: how far the person has read, as far as the server was not told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::Mark;

/// Conversations that wait for a line; what is beyond is not told.
const MOST: usize = 1024;

/// The read marks that wait, the last of each conversation. They are a courtesy to the person's other devices: one that
/// is lost with its line is not told again.
#[derive(Debug, Default)]
pub(super) struct Reads {
    waiting: BTreeMap<Arc<str>, Mark>,
}

impl Reads {
    pub(super) fn note(&mut self, mark: Mark) {
        let is_known = self.waiting.contains_key(&mark.conversation);
        if is_known || self.waiting.len() < MOST {
            self.waiting.insert(Arc::clone(&mark.conversation), mark);
        }
    }

    /// The next to tell on a line of this epoch; those of others mean nothing there.
    pub(super) fn next(&mut self, epoch: u64) -> Option<Mark> {
        self.waiting.retain(|_, mark| mark.epoch == epoch);
        self.waiting.values().next().cloned()
    }

    /// It was told.
    pub(super) fn told(&mut self, mark: &Mark) {
        if self.waiting.get(&mark.conversation).is_some_and(|waiting| waiting == mark) {
            self.waiting.remove(&mark.conversation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(conversation: &str, epoch: u64, seq: u64) -> Mark {
        Mark { conversation: conversation.into(), epoch, seq }
    }

    #[test]
    fn the_last_of_each_conversation_is_told_once_and_only_in_its_epoch() {
        let mut reads = Reads::default();
        for waiting in [mark("all", 1, 3), mark("g.a", 2, 9), mark("all", 1, 5)] {
            reads.note(waiting);
        }
        assert_eq!(reads.next(1), Some(mark("all", 1, 5)));
        reads.note(mark("all", 1, 6));
        reads.told(&mark("all", 1, 5));
        assert_eq!(reads.next(1), Some(mark("all", 1, 6)), "it came meanwhile");
        reads.told(&mark("all", 1, 6));
        assert_eq!(reads.next(1), None);
        assert_eq!(reads.next(2), None, "the other was void on the line before");
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut reads = Reads::default();
        for number in 0..=MOST {
            reads.note(mark(&format!("g.{number}"), 1, 1));
        }
        assert_eq!(reads.waiting.len(), MOST);
        reads.note(mark("g.0", 1, 2));
        assert_eq!(reads.waiting.get("g.0"), Some(&mark("g.0", 1, 2)));
    }
}
