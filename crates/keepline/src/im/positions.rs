//! Positions: how far this device is in each conversation, so that the application gets each message once.
//!
//! ```text
//!           a number is missing              it comes, or the server has it no more
//! InOrder ──────────────────────▶ Asked ─────────────────────────────────────────────▶ InOrder
//!    │                              │
//!    └── a line of another epoch ───┴──▶ Foreign ──── reset ────▶ InOrder
//! ```
//! Asked: the server was told by `Resume` where the account here is; what comes before its answer is dropped, as it
//! comes again. Foreign: numbers of two epochs can't be compared; nothing is taken until the server has said `Reset`.
//! Both end with the line, as a `Resume` does.
//!
//! Three numbers of a conversation only grow: received (given to the application, or ready for it) ≥ done (the
//! application has it for good) ≥ saved (the program's store of marks has it). What the server is told is never more
//! than saved, and never more than it has sent on this line: of anything else it knows nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::message::Mark;

/// Conversations that are kept account of. Beyond, the account of those is dropped in which everything was done, the
/// ones at rest for longest first.
const MOST: usize = 16_384;

/// The account of one device. A state machine without a clock or a socket.
#[derive(Debug, Default)]
pub(super) struct Positions {
    by_conversation: BTreeMap<Arc<str>, Position>,
    /// Of the line there is, or of the last.
    epoch: u64,
    /// To be told to the server on this line.
    resumes: VecDeque<Arc<str>>,
    /// Where something may have to be saved, or acknowledged.
    unsettled: BTreeSet<Arc<str>>,
    /// Counts what happens, to know who is at rest for longest.
    clock: u64,
    /// There is no room for another conversation, until something is done.
    cramped: bool,
}

#[derive(Debug)]
struct Position {
    epoch: u64,
    received: u64,
    done: u64,
    saved: u64,
    follow: Follow,
    /// The last number that was sent on this line, as far as the server is bound by it.
    sent: u64,
    /// What it was told on this line.
    acked: u64,
    /// Whether the server's account may be another than this one.
    doubtful: bool,
    touched: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    InOrder,
    Asked {
        /// The highest number that was dropped meanwhile.
        highest: u64,
    },
    Foreign,
}

/// What to do with something that the server has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Arrival {
    /// New to the application. Where the numbers in front of it are gone: from and to, both included.
    New { gone: Option<(u64, u64)> },
    /// It has been given to the application, or comes again.
    Dropped,
}

impl Positions {
    /// The account as the program has stored it.
    pub(super) fn load(marks: impl IntoIterator<Item = Mark>) -> Self {
        let mut positions = Self::default();
        for mark in marks.into_iter().take(MOST) {
            let position = Position::at(mark.epoch, mark.seq, mark.seq);
            positions.by_conversation.insert(mark.conversation, Position { doubtful: true, ..position });
        }
        positions
    }

    /// Whose numbering holds.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A line is up: the server must hear of each account that may differ from its own.
    pub(super) fn on_up(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.resumes.clear();
        for (conversation, position) in &mut self.by_conversation {
            let is_foreign = position.epoch != epoch;
            position.follow = if is_foreign { Follow::Foreign } else { Follow::InOrder };
            (position.sent, position.acked) = (0, 0);
            if position.doubtful || is_foreign {
                self.resumes.push_back(Arc::clone(conversation));
            }
        }
    }

    /// The next account that the server is to be told: the mark to resume behind.
    pub(super) fn next_resume(&self) -> Option<Mark> {
        let conversation = Arc::clone(self.resumes.front()?);
        let position = self.by_conversation.get(&conversation)?;
        Some(Mark { conversation, epoch: position.epoch, seq: position.saved })
    }

    /// It was told.
    pub(super) fn resumed(&mut self, mark: &Mark) {
        self.resumes.retain(|conversation| *conversation != mark.conversation);
        let Some(position) = self.by_conversation.get_mut(&mark.conversation) else { return };
        position.doubtful = false;
        if position.epoch == self.epoch {
            // What is sent from here on begins behind this, and the server takes an account for an acknowledgement.
            (position.sent, position.acked) = (mark.seq, mark.seq);
        }
    }

    pub(super) fn has_resumes(&self) -> bool {
        !self.resumes.is_empty()
    }

    /// A message has come.
    pub(super) fn on_deliver(&mut self, conversation: &Arc<str>, seq: u64) -> Arrival {
        self.take(conversation, seq, seq)
    }

    /// The server says that messages are gone, from and to included. They count as received like messages.
    pub(super) fn on_gap(&mut self, conversation: &Arc<str>, from: u64, to: u64) -> Option<(u64, u64)> {
        if to < from {
            return None;
        }
        let first = self.by_conversation.get(conversation).map_or(from, |position| position.received.saturating_add(1));
        match self.take(conversation, from, to) {
            Arrival::New { gone: Some((before, _)) } => Some((before, to)),
            Arrival::New { gone: None } => Some((first.max(from), to)),
            Arrival::Dropped => None,
        }
    }

    /// The server does not know this account: it begins anew behind `seq`.
    pub(super) fn on_reset(&mut self, conversation: &Arc<str>, epoch: u64, seq: u64) {
        let Some(position) = self.position(conversation, epoch, seq) else { return };
        let touched = position.touched;
        *position = Position { sent: seq, acked: seq, touched, ..Position::at(epoch, seq, seq) };
        // So that a new start begins here too.
        position.saved = 0;
        self.resumes.retain(|waiting| waiting != conversation);
        self.unsettled.insert(Arc::clone(conversation));
    }

    /// The application has everything up to the mark for good. A mark of another epoch, or of what was not received, is
    /// none.
    pub(super) fn done(&mut self, mark: &Mark) {
        let Some(position) = self.by_conversation.get_mut(&mark.conversation) else { return };
        if position.epoch == mark.epoch && position.done < mark.seq && mark.seq <= position.received {
            position.done = mark.seq;
            self.unsettled.insert(Arc::clone(&mark.conversation));
        }
    }

    /// The marks that the program should store.
    pub(super) fn unsaved(&self) -> impl Iterator<Item = Mark> {
        self.unsettled.iter().filter_map(|conversation| {
            let position = self.by_conversation.get(conversation)?;
            let mark = || Mark { conversation: Arc::clone(conversation), epoch: position.epoch, seq: position.done };
            (position.saved < position.done).then(mark)
        })
    }

    /// It has stored one.
    pub(super) fn saved(&mut self, mark: &Mark) {
        if let Some(position) = self.by_conversation.get_mut(&mark.conversation)
            && position.epoch == mark.epoch
        {
            position.saved = position.saved.max(mark.seq);
            self.cramped = false;
        }
    }

    /// The next acknowledgement for the server, on a line that is up.
    pub(super) fn next_ack(&mut self) -> Option<Mark> {
        while let Some(conversation) = self.unsettled.first() {
            let conversation = Arc::clone(conversation);
            if let Some(position) = self.by_conversation.get(&conversation) {
                let seq = position.saved.min(position.sent);
                if position.epoch == self.epoch && seq > position.acked {
                    return Some(Mark { conversation, epoch: self.epoch, seq });
                }
                if position.saved < position.done {
                    return None;
                }
            }
            self.unsettled.remove(&conversation);
        }
        None
    }

    /// It was told.
    pub(super) fn acked(&mut self, mark: &Mark) {
        if let Some(position) = self.by_conversation.get_mut(&mark.conversation) {
            position.acked = position.acked.max(mark.seq);
            // It may be lost with the line.
            position.doubtful = true;
        }
    }

    /// Whether nothing waits to be saved or acknowledged.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// Numbers `from` to `to` have come, as one.
    fn take(&mut self, conversation: &Arc<str>, from: u64, to: u64) -> Arrival {
        let epoch = self.epoch;
        let Some(position) = self.position(conversation, epoch, from.saturating_sub(1)) else {
            return Arrival::Dropped;
        };
        let received = position.received;
        // Without a sum that a number near the end of the range could overflow.
        let is_hole = from > received && from - received > 1;
        match position.follow {
            Follow::Foreign => return Arrival::Dropped,
            _ if to <= received => {
                position.sent = position.sent.max(to);
                // It is acknowledged again, as the server does not know.
                self.unsettled.insert(Arc::clone(conversation));
                return Arrival::Dropped;
            }
            Follow::InOrder if is_hole => {
                position.follow = Follow::Asked { highest: to };
                self.resumes.push_front(Arc::clone(conversation));
                return Arrival::Dropped;
            }
            Follow::Asked { highest } if is_hole && from > highest => {
                position.follow = Follow::Asked { highest: to };
                return Arrival::Dropped;
            }
            // It comes again, so the server has answered, and has nothing in between.
            Follow::Asked { .. } | Follow::InOrder => {}
        }
        let gone = is_hole.then(|| (received + 1, from - 1));
        position.follow = Follow::InOrder;
        position.received = to;
        position.sent = to;
        Arrival::New { gone }
    }

    /// The position in a conversation, new where there is none.
    fn position(&mut self, conversation: &Arc<str>, epoch: u64, seq: u64) -> Option<&mut Position> {
        self.clock += 1;
        if !self.by_conversation.contains_key(conversation) {
            self.make_room()?;
            self.by_conversation.insert(Arc::clone(conversation), Position::at(epoch, seq, seq));
        }
        let position = self.by_conversation.get_mut(conversation)?;
        position.touched = self.clock;
        Some(position)
    }

    /// Drops accounts that nothing depends on; `None` if there is none.
    fn make_room(&mut self) -> Option<()> {
        if self.by_conversation.len() < MOST {
            return Some(());
        }
        if self.cramped {
            return None;
        }
        let settled = self.by_conversation.iter().filter(|(_, position)| position.received == position.saved);
        let mut by_rest: Vec<_> = settled.map(|(name, position)| (position.touched, Arc::clone(name))).collect();
        by_rest.sort_unstable();
        by_rest.truncate(MOST / 8);
        for (_, conversation) in &by_rest {
            self.by_conversation.remove(conversation);
        }
        self.cramped = by_rest.is_empty();
        (!self.cramped).then_some(())
    }
}

impl Position {
    const fn at(epoch: u64, received: u64, saved: u64) -> Self {
        Self {
            epoch,
            received,
            done: received,
            saved,
            follow: Follow::InOrder,
            sent: 0,
            acked: 0,
            doubtful: false,
            touched: 0,
        }
    }
}

#[cfg(test)]
mod tests;
