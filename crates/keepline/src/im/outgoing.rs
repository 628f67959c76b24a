//! Outgoing: the messages without a last word, in the order in which they were handed over.
//!
//! Each has its id from the start, and is sent with it on every line until the server has answered. What was on its way
//! when a line ended goes again on the next one, in the same order, in front of what is younger. A message that the
//! server puts off holds back the younger ones of its conversation.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use keepline_proto::wire::im::{Im, v1};
use keepline_proto::{Duration, Instant};

use super::message::{Kind, MessageId};
use super::options::SendLimits;
use super::sending::{self, NotStored, Receipt, Refusal, SendState, Sending, Teller, Unanswered, Unsent};

/// Messages on their way at one time: half of what a server reads ahead of its answers.
const WINDOW: usize = 32;
/// Bytes on their way at one time, unless it is one message: they fit a line's outbox beside what else is said.
const WINDOW_BYTES: usize = 512 << 10;
/// The first wait of a message that was put off; doubled each time.
const PUT_OFF: Duration = Duration::from_millis(200);
const PUT_OFF_MOST: Duration = Duration::from_secs(10);
/// The longest name of a conversation: `p.`, two names of 64 bytes and a dot are 131.
const LONGEST_NAME: usize = 256;

/// The messages without a last word. A state machine without a clock or a socket.
#[derive(Debug)]
pub(super) struct Outgoing {
    limits: SendLimits,
    queue: VecDeque<Entry>,
    /// Of all bodies.
    bytes: usize,
    on_its_way: usize,
    bytes_on_their_way: usize,
}

#[derive(Debug)]
struct Entry {
    id: MessageId,
    conversation: Arc<str>,
    kind: Kind,
    body: Bytes,
    phase: Phase,
    /// Whether it was ever handed to a line.
    tried: bool,
    put_off: u32,
    teller: Teller,
}

/// The part of [`SendState`] in which there is something left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    OnItsWay,
    PutOff { until: Instant },
}

/// Why a message was not taken; nothing of it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// As many wait as the limits allow.
    #[error("{messages} messages with {bytes} bytes wait for the server already: send again when some have gone")]
    Full {
        /// Messages without an answer.
        messages: usize,
        /// Their bodies, in bytes.
        bytes: usize,
    },
    /// The server would refuse it.
    #[error("a body of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// The body's.
        bytes: usize,
        /// The server's.
        limit: usize,
    },
    /// No conversation has such a name.
    #[error("the name of a conversation has 1 to {LONGEST_NAME} bytes")]
    BadName,
    /// A text that is not UTF-8.
    #[error("a text must be UTF-8")]
    NotText,
    /// The kernel gives no randomness, of which ids are made.
    #[error("no randomness for the message's id")]
    NoRandomness,
    /// The chat has ended, or is about to.
    #[error("the chat is closed")]
    Closed,
}

impl Outgoing {
    pub(super) const fn new(limits: SendLimits) -> Self {
        Self { limits, queue: VecDeque::new(), bytes: 0, on_its_way: 0, bytes_on_their_way: 0 }
    }

    /// Takes a message.
    pub(super) fn push(
        &mut self,
        id: MessageId,
        conversation: Arc<str>,
        kind: Kind,
        body: Bytes,
    ) -> Result<Sending, SendError> {
        if conversation.is_empty() || conversation.len() > LONGEST_NAME {
            return Err(SendError::BadName);
        }
        if body.len() > Im::LARGEST_BODY {
            return Err(SendError::TooLarge { bytes: body.len(), limit: Im::LARGEST_BODY });
        }
        if kind == Kind::Text && str::from_utf8(&body).is_err() {
            return Err(SendError::NotText);
        }
        if self.queue.len() >= self.limits.messages || self.bytes + body.len() > self.limits.bytes {
            return Err(SendError::Full { messages: self.queue.len(), bytes: self.bytes });
        }
        let (teller, sending) = sending::channel(id);
        self.bytes += body.len();
        let phase = Phase::Waiting;
        self.queue.push_back(Entry { id, conversation, kind, body, phase, tried: false, put_off: 0, teller });
        Ok(sending)
    }

    /// The next message to hand to the line that is up.
    pub(super) fn next(&mut self, now: Instant) -> Option<v1::Send> {
        if self.on_its_way >= WINDOW {
            return None;
        }
        let mut held = BTreeSet::new();
        let next = self.queue.iter().find(|entry| match entry.phase {
            Phase::OnItsWay => false,
            Phase::PutOff { until } if until > now => {
                held.insert(&entry.conversation);
                false
            }
            Phase::PutOff { .. } | Phase::Waiting => !held.contains(&entry.conversation),
        })?;
        if self.on_its_way > 0 && self.bytes_on_their_way + next.body.len() > WINDOW_BYTES {
            return None;
        }
        Some(v1::Send {
            conversation: next.conversation.to_string(),
            message_id: Bytes::copy_from_slice(&next.id.to_bytes()),
            kind: next.kind.to_wire().into(),
            body: next.body.clone(),
        })
    }

    /// It was handed to the line.
    pub(super) fn sent(&mut self, message_id: &[u8]) {
        let Some(place) = self.place(message_id) else { return };
        self.move_to(place, Phase::OnItsWay);
        self.queue[place].tried = true;
        self.queue[place].teller.tell(SendState::OnItsWay);
    }

    /// The server has stored a message. An answer to one that has had its last word says nothing new.
    pub(super) fn on_ack(&mut self, ack: &v1::SendAck) {
        let Some(place) = self.place(&ack.message_id) else { return };
        if let Some(entry) = self.remove(place) {
            let receipt = Receipt { id: entry.id, seq: ack.seq, at_ms: ack.at_ms, duplicate: ack.duplicate };
            entry.teller.end(Ok(receipt));
        }
    }

    /// The server has refused a message, for good or for now.
    pub(super) fn on_refused(&mut self, refused: v1::SendRefused, now: Instant) {
        let Some(place) = self.place(&refused.message_id) else { return };
        let refusal = Refusal { code: refused.code, detail: refused.detail };
        if !refused.retry {
            if let Some(entry) = self.remove(place) {
                entry.teller.end(Err(NotStored::Refused(refusal)));
            }
            return;
        }
        let wait = PUT_OFF.times(1_u64.checked_shl(self.queue[place].put_off).unwrap_or(u64::MAX)).min(PUT_OFF_MOST);
        self.move_to(place, Phase::PutOff { until: now + wait });
        let entry = &mut self.queue[place];
        entry.put_off = entry.put_off.saturating_add(1);
        entry.teller.tell(SendState::PutOff(refusal));
    }

    /// The line is gone: whatever was on its way goes again on the next one.
    pub(super) fn on_down(&mut self) {
        for place in 0..self.queue.len() {
            if self.queue[place].phase == Phase::OnItsWay {
                self.move_to(place, Phase::Waiting);
                self.queue[place].teller.tell(SendState::Waiting);
            }
        }
    }

    /// When the next message that is put off now is due.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let due = self.queue.iter().filter_map(|entry| match entry.phase {
            Phase::PutOff { until } => Some(until),
            Phase::Waiting | Phase::OnItsWay => None,
        });
        due.filter(|until| *until > now).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Messages, and the bytes of their bodies.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.queue.len(), self.bytes)
    }

    /// All of them, the oldest first.
    pub(super) fn list(&self) -> Vec<Unanswered> {
        let unanswered = |entry: &Entry| Unanswered {
            id: entry.id,
            conversation: Arc::clone(&entry.conversation),
            bytes: entry.body.len(),
            state: entry.teller.state(),
        };
        self.queue.iter().map(unanswered).collect()
    }

    /// The chat has ended: each has its last word.
    pub(super) fn end(&mut self) {
        (self.bytes, self.on_its_way, self.bytes_on_their_way) = (0, 0, 0);
        for entry in self.queue.drain(..) {
            let unsent = if entry.tried { Unsent::MaybeSent } else { Unsent::NotSent };
            entry.teller.end(Err(unsent.into()));
        }
    }

    fn place(&self, message_id: &[u8]) -> Option<usize> {
        let id = MessageId::from_wire(message_id)?;
        self.queue.iter().position(|entry| entry.id == id)
    }

    /// Every change of a phase, so that the counts are right.
    fn move_to(&mut self, place: usize, phase: Phase) {
        let entry = &mut self.queue[place];
        let bytes = entry.body.len();
        match (entry.phase == Phase::OnItsWay, phase == Phase::OnItsWay) {
            (false, true) => {
                self.on_its_way += 1;
                self.bytes_on_their_way += bytes;
            }
            (true, false) => {
                self.on_its_way -= 1;
                self.bytes_on_their_way -= bytes;
            }
            _ => {}
        }
        entry.phase = phase;
    }

    fn remove(&mut self, place: usize) -> Option<Entry> {
        self.move_to(place, Phase::Waiting);
        let entry = self.queue.remove(place)?;
        self.bytes -= entry.body.len();
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
