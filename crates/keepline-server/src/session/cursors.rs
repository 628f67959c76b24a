//! Cursors: how far one session has come in each conversation, and what is on its way unacknowledged.
//!
//! A conversation without a cursor is caught up: its session has been sent, and has acknowledged, every message that
//! was ever offered. So a session at rest has no cursors, and weighs nothing here.
//!
//! ```text
//!            offer, no room │ hole │ lag                 read up to what is known
//! (none) ────────────────────────────▶ Behind ──────────────────────────────▶ Live
//!    │  offer, room: push                ▲        offer, no room │ hole │ lag    │
//!    └───────────────────────────────────┼───────────────────────────────────▶ │
//!    ▲                                   └──────────────────────────────────────┤
//!    └────────────────────────────────────────────── everything acknowledged ───┘
//! ```
//! The live push goes on only from exactly where the session is; whatever else happens, the log is read instead.

use std::collections::{BTreeMap, VecDeque};

use crate::conversation::Conversation;
use crate::directory::Known;
use crate::store::Page;

/// Messages that a session may hold unacknowledged; the rest stays in the log. With the answers that may be owed they
/// are the 256 messages that wait for one client at the most.
pub const WINDOW_MESSAGES: usize = 192;
/// Bytes that a session may hold unacknowledged; the last message may go over it. With that and the answers it is no
/// more than 1 MiB.
pub const WINDOW_BYTES: usize = 896 << 10;
/// What is read from a log at one time.
const PAGE: Page = Page { records: 100, bytes: 128 << 10 };

/// The cursors of one session.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    by_conversation: BTreeMap<Conversation, Cursor>,
    /// On their way, over all conversations.
    messages: usize,
    bytes: usize,
    /// Whose log was read last: the next one is another's turn.
    last_read: Option<Conversation>,
}

#[derive(Debug)]
struct Cursor {
    /// Everything up to here is the device's.
    acked: u64,
    /// Everything up to here was pushed, or announced as gone.
    sent: u64,
    follow: Follow,
    /// What was pushed and is not acknowledged, ascending.
    on_the_way: VecDeque<Pushed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    /// The next message is pushed as it comes.
    Live,
    /// The log is read.
    Behind,
}

#[derive(Clone, Copy, Debug)]
struct Pushed {
    seq: u64,
    bytes: u32,
    /// The session's count of pushes with this one.
    push: u64,
}

/// What to do with a message that has just been stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Offer {
    /// Push it now; it is counted as sent.
    Push,
    /// The log will be read up to it, or it has been sent already.
    Leave,
}

/// What an acknowledgement changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Ack {
    /// The device has more than before: note it.
    Moved,
    /// Nothing new.
    Old,
    /// More than was ever sent.
    Beyond,
}

impl Cursors {
    /// Nothing is on its way and nothing has to be read.
    pub(super) fn is_empty(&self) -> bool {
        self.by_conversation.is_empty()
    }

    /// Whether anything pushed is not acknowledged.
    pub(super) fn is_waiting(&self) -> bool {
        self.messages > 0
    }

    /// A message of `bytes` has just been stored as `seq`; `push` is the session's count of pushes if it goes out.
    pub(super) fn offer(&mut self, conversation: &Conversation, seq: u64, bytes: usize, push: u64) -> Offer {
        let room = self.has_room();
        let before = seq.saturating_sub(1);
        if !self.by_conversation.contains_key(conversation) {
            self.by_conversation.insert(conversation.clone(), Cursor::at(before, Follow::Live));
        }
        let Some(cursor) = self.by_conversation.get_mut(conversation) else { return Offer::Leave };
        if seq <= cursor.sent {
            if cursor.is_done() && cursor.sent == seq {
                self.by_conversation.remove(conversation);
            }
            return Offer::Leave;
        }
        match cursor.follow {
            Follow::Live if room && before == cursor.sent => {
                let bytes = cursor.push(seq, bytes, push);
                self.messages += 1;
                self.bytes += bytes;
                Offer::Push
            }
            Follow::Live => {
                cursor.follow = Follow::Behind;
                Offer::Leave
            }
            Follow::Behind => Offer::Leave,
        }
    }

    /// As [`offer`](Self::offer), of a message that is nothing for this session; true if the device is there now.
    pub(super) fn offer_nothing(&mut self, conversation: &Conversation, seq: u64, push: u64) -> bool {
        match self.by_conversation.get(conversation) {
            None => true,
            Some(cursor) if cursor.follow == Follow::Live && cursor.sent == seq.saturating_sub(1) => {
                self.pass(conversation, seq, push);
                let there = self.position(conversation).is_some_and(|(acked, _)| acked == seq);
                self.settle(conversation, seq);
                there
            }
            Some(cursor) => {
                if cursor.is_done() && cursor.sent == seq {
                    self.by_conversation.remove(conversation);
                }
                false
            }
        }
    }

    /// The session has to read the conversation's log behind `after`, unless it is reading it already.
    pub(super) fn fall_behind(&mut self, conversation: &Conversation, after: u64) {
        match self.by_conversation.get_mut(conversation) {
            Some(cursor) if cursor.follow == Follow::Live => cursor.follow = Follow::Behind,
            Some(_) => {}
            None => {
                self.by_conversation.insert(conversation.clone(), Cursor::at(after, Follow::Behind));
            }
        }
    }

    /// The session's part of a conversation begins behind `after`; nothing of it was pushed yet.
    pub(super) fn begin(&mut self, conversation: &Conversation, after: u64, known: Known) {
        if known.told > after {
            self.fall_behind(conversation, after);
        } else if known.offered < after && !self.by_conversation.contains_key(conversation) {
            // It will be offered messages that it must not push: it remembers where it begins until then.
            self.by_conversation.insert(conversation.clone(), Cursor::at(after, Follow::Live));
        }
    }

    /// The device itself says where it is: deliveries go on behind `seq`, unless that is on its way already.
    pub(super) fn place(&mut self, conversation: &Conversation, seq: u64) -> Ack {
        if let Some(cursor) = self.by_conversation.get(conversation)
            && (cursor.acked..=cursor.sent).contains(&seq)
        {
            return self.ack(conversation, seq);
        }
        self.forget(conversation);
        let cursor = Cursor::at(seq, Follow::Behind);
        self.by_conversation.insert(conversation.clone(), cursor);
        Ack::Moved
    }

    /// The conversation is none of the session's any more.
    pub(super) fn forget(&mut self, conversation: &Conversation) {
        if let Some(cursor) = self.by_conversation.remove(conversation) {
            self.messages -= cursor.on_the_way.iter().filter(|pushed| pushed.bytes > 0).count();
            self.bytes -= cursor.on_the_way.iter().map(|pushed| pushed.bytes as usize).sum::<usize>();
        }
    }

    /// The device has everything up to `seq`.
    pub(super) fn ack(&mut self, conversation: &Conversation, seq: u64) -> Ack {
        let Some(cursor) = self.by_conversation.get_mut(conversation) else { return Ack::Old };
        if seq > cursor.sent {
            return Ack::Beyond;
        }
        if seq <= cursor.acked {
            return Ack::Old;
        }
        while cursor.on_the_way.front().is_some_and(|pushed| pushed.seq <= seq) {
            let Some(pushed) = cursor.on_the_way.pop_front() else { break };
            self.messages -= usize::from(pushed.bytes > 0);
            self.bytes -= pushed.bytes as usize;
        }
        cursor.acked = seq;
        Ack::Moved
    }

    /// The peer's kernel has everything up to this push: which conversations that moves, and to where.
    pub(super) fn ack_pushes(&mut self, push: u64) -> Vec<(Conversation, u64)> {
        let reached = |cursor: &Cursor| {
            let arrived = cursor.on_the_way.iter().take_while(|pushed| pushed.push <= push);
            arrived.last().map(|pushed| pushed.seq)
        };
        let moved: Vec<_> = self
            .by_conversation
            .iter()
            .filter_map(|(conversation, cursor)| Some((conversation.clone(), reached(cursor)?)))
            .collect();
        for (conversation, seq) in &moved {
            let _ = self.ack(conversation, *seq);
        }
        moved
    }

    /// Drops a cursor that has nothing to remember. `offered` is the last message of the conversation that every
    /// session was offered: one that is still to be offered must be known as sent until then.
    pub(super) fn settle(&mut self, conversation: &Conversation, offered: u64) {
        if self.by_conversation.get(conversation).is_some_and(|cursor| cursor.is_done() && cursor.sent <= offered) {
            self.by_conversation.remove(conversation);
        }
    }

    /// Where the device is: what it has acknowledged, and what it was sent. `None` if it is caught up.
    pub(super) fn position(&self, conversation: &Conversation) -> Option<(u64, u64)> {
        self.by_conversation.get(conversation).map(|cursor| (cursor.acked, cursor.sent))
    }

    /// Whether there is something to read, and room for it.
    pub(super) fn has_work(&self) -> bool {
        self.has_room() && self.by_conversation.values().any(|cursor| cursor.follow != Follow::Live)
    }

    /// What to read next: a conversation, behind which number, and how much. The conversations take turns.
    pub(super) fn next_read(&mut self) -> Option<(Conversation, u64, Page)> {
        if !self.has_room() {
            return None;
        }
        let behind = |(_, cursor): &(&Conversation, &Cursor)| cursor.follow != Follow::Live;
        let later = self.last_read.as_ref().and_then(|last| {
            let later = self.by_conversation.range((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded));
            later.into_iter().find(behind)
        });
        let (conversation, cursor) = later.or_else(|| self.by_conversation.iter().find(behind))?;
        let read = (conversation.clone(), cursor.sent);
        self.last_read = Some(read.0.clone());
        let page = Page {
            records: PAGE.records.min(WINDOW_MESSAGES - self.messages),
            bytes: PAGE.bytes.min(WINDOW_BYTES - self.bytes),
        };
        Some((read.0, read.1, page))
    }

    /// Whether the log is still to be read behind `after`; what was read is of no use otherwise.
    pub(super) fn is_reading(&self, conversation: &Conversation, after: u64) -> bool {
        let cursor = self.by_conversation.get(conversation);
        cursor.is_some_and(|cursor| cursor.follow == Follow::Behind && cursor.sent == after)
    }

    /// A message that was read goes out, if there is room for it.
    pub(super) fn push(&mut self, conversation: &Conversation, seq: u64, bytes: usize, push: u64) -> bool {
        if !self.has_room() {
            return false;
        }
        let Some(cursor) = self.by_conversation.get_mut(conversation) else { return false };
        let bytes = cursor.push(seq, bytes, push);
        self.messages += 1;
        self.bytes += bytes;
        true
    }

    /// Messages up to `to` are passed over: they are gone, or nothing for this session. With the count of pushes that
    /// has to arrive before the device may be said to be there.
    pub(super) fn pass(&mut self, conversation: &Conversation, to: u64, push: u64) {
        let Some(cursor) = self.by_conversation.get_mut(conversation) else { return };
        if cursor.on_the_way.is_empty() {
            cursor.acked = to;
        } else {
            cursor.on_the_way.push_back(Pushed { seq: to, bytes: 0, push });
        }
        cursor.sent = to;
    }

    /// Messages up to `to` are gone, and the device is told so by a message of `bytes`, if there is room for it: it
    /// acknowledges them as if it had them.
    pub(super) fn announce(&mut self, conversation: &Conversation, to: u64, bytes: usize, push: u64) -> bool {
        self.push(conversation, to, bytes, push)
    }

    /// Follows live from here, if everything known of the conversation was sent.
    pub(super) fn catch_up(&mut self, conversation: &Conversation, known: u64) {
        if let Some(cursor) = self.by_conversation.get_mut(conversation)
            && cursor.sent >= known
        {
            cursor.follow = Follow::Live;
        }
    }

    /// Whether one more message may be on its way.
    pub(super) fn has_room(&self) -> bool {
        self.messages < WINDOW_MESSAGES && self.bytes < WINDOW_BYTES
    }
}

impl Cursor {
    fn at(seq: u64, follow: Follow) -> Self {
        Self { acked: seq, sent: seq, follow, on_the_way: VecDeque::new() }
    }

    fn push(&mut self, seq: u64, bytes: usize, push: u64) -> usize {
        // At least one, so that what counts as a message can be told from what was passed over.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
        self.on_the_way.push_back(Pushed { seq, bytes, push });
        self.sent = seq;
        bytes as usize
    }

    fn is_done(&self) -> bool {
        self.follow == Follow::Live && self.acked == self.sent
    }
}

#[cfg(test)]
mod tests;
