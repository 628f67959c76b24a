//! Pump: reads the logs for a session that is behind, page by page, as fast as the device acknowledges.
//!
//! There is a task only while there is something to read and room in the window. It never skips: a hole in the log is
//! announced, an error of the store is asked again, for as long as the session lives. Where memory is short it waits.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keepline_proto::wire::im::v1::{self, frame::Body};

use super::cursors::{Cursors, WINDOW_BYTES, WINDOW_MESSAGES};
use super::{Envelope, Session, Speaks, State, cim, envelope};
use crate::conversation::Conversation;
use crate::message::Message;
use crate::store::{Page, Record, StoreError};

/// How long to wait after the store's first error, doubled after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// How long to wait for a device that has to take something before there is room for more.
const DRAIN: Duration = Duration::from_millis(20);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Reads for a session until it is not behind any more, or its window is full.
pub(super) async fn run(session: Arc<Session>) {
    let mut wait = FIRST_WAIT;
    while let Some((conversation, after, page)) = session.next_read() {
        let queued = session.connection.queued();
        if queued.messages + page.records > WINDOW_MESSAGES || queued.bytes + page.bytes > WINDOW_BYTES {
            // What was sent before a resume went back is in no window any more, and may wait for the device still.
            tokio::time::sleep(DRAIN).await;
            continue;
        }
        // As it is read, and as it goes out.
        session.environment.overload.catch_up(2 * page.bytes).await;
        match read(&session, &conversation, after, page).await {
            Ok(found) => match session.try_deliver(&conversation, after, found) {
                // Without room the next look for work ends the task, unless there is room again.
                Some(Delivered::Some | Delivered::NoRoom) => {
                    wait = FIRST_WAIT;
                    continue;
                }
                Some(Delivered::Missing) => {
                    tracing::warn!(session = %session.id, %conversation, after, "the log does not have what the feed told of");
                }
                None => return,
            },
            Err(error) => {
                tracing::warn!(%error, session = %session.id, %conversation, "log not read, trying again");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// What lies behind a number.
enum Found {
    Records(Vec<Record>),
    /// Nothing any more: everything before this number is gone.
    Nothing {
        first: u64,
    },
}

/// What has become of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
enum Delivered {
    /// It went out as far as there was room, or is of no use any more.
    Some,
    /// Other messages have taken the window meanwhile; the next acknowledgement goes on from here.
    NoRoom,
    /// The log does not have what comes next: the feed was faster than the store's readers.
    Missing,
}

async fn read(session: &Session, conversation: &Conversation, after: u64, page: Page) -> Result<Found, StoreError> {
    let store = &session.environment.store;
    let records = store.read(&conversation.log(), after, page).await?;
    if !records.is_empty() {
        return Ok(Found::Records(records));
    }
    Ok(Found::Nothing { first: store.head(&conversation.log()).await?.first })
}

impl Session {
    /// What to read next; `None` ends the task, decided under the lock: whoever finds work after that starts another.
    fn next_read(&self) -> Option<(Conversation, u64, Page)> {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return None };
        let next = live.cursors.as_mut().and_then(|cursors| cursors.next_read());
        live.pumping = next.is_some();
        next
    }

    /// As [`deliver`](Self::deliver); `None` if that panicked, and with it the session has ended.
    fn try_deliver(self: &Arc<Self>, conversation: &Conversation, after: u64, found: Found) -> Option<Delivered> {
        let at = AtomicU64::new(0);
        let delivered = catch_unwind(AssertUnwindSafe(|| self.deliver(conversation, after, found, &at)));
        if delivered.is_err() {
            let at = at.into_inner();
            self.broke(conversation, (at > 0).then_some(at));
        }
        delivered.ok()
    }

    /// Pushes what was read, as far as there is room, in one piece. `at` is the message that is being looked at, or 0.
    fn deliver(self: &Arc<Self>, conversation: &Conversation, after: u64, found: Found, at: &AtomicU64) -> Delivered {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return Delivered::Some };
        let Some(cursors) = &mut live.cursors else { return Delivered::Some };
        if !cursors.is_reading(conversation, after) {
            return Delivered::Some;
        }
        if !cursors.has_room() {
            return Delivered::NoRoom;
        }
        // Not beyond what the feed has told: what it tells next is offered, and must not have been sent before.
        let known = self.environment.directory.known(conversation);
        let mut batch = Batch {
            session: self,
            conversation,
            cursors,
            pushes: live.pushes,
            content: Content::Nothing,
            messages: 0,
            at,
        };
        match found {
            Found::Records(records) => {
                let told = records.partition_point(|record| record.seq <= known.told);
                batch.take(after, &records[..told]);
            }
            Found::Nothing { first } => {
                // There is room: that was asked above.
                batch.skip(after, first.saturating_sub(1).min(known.told));
            }
        }
        let messages = batch.messages;
        let frames = batch.content.into_frames(self, at);
        live.pushes += u64::from(!frames.is_empty());
        cursors.catch_up(conversation, known.told);
        let delivered = if cursors.is_reading(conversation, after) { Delivered::Missing } else { Delivered::Some };
        cursors.settle(conversation, known.offered);
        if !frames.is_empty() && self.connection.push_all(frames.into(), messages).is_err() {
            *state = State::Ended;
        } else {
            self.go_on(live);
        }
        delivered
    }
}

/// What one page becomes on the line.
struct Batch<'a> {
    session: &'a Session,
    conversation: &'a Conversation,
    cursors: &'a mut Cursors,
    /// The session's pushes before this one.
    pushes: u64,
    content: Content,
    /// How many messages that is.
    messages: usize,
    /// The one that is being added.
    at: &'a AtomicU64,
}

enum Content {
    Nothing,
    /// Frames of our own protocol.
    Frames(Vec<u8>),
    /// cim's frames are made of many messages; each with its number.
    Messages(Vec<(u64, Message)>),
}

impl Batch<'_> {
    fn take(&mut self, mut after: u64, records: &[Record]) {
        for record in records {
            if record.seq > after + 1 && !self.skip(after, record.seq - 1) || !self.add(record) {
                return;
            }
            after = record.seq;
        }
    }

    /// Adds one message; false if there is no room for it.
    fn add(&mut self, record: &Record) -> bool {
        self.at.store(record.seq, Ordering::Relaxed);
        let Session { environment, user, device, .. } = self.session;
        if environment.quarantine.holds(user, device, self.conversation, record.seq) {
            return self.skip(record.seq - 1, record.seq);
        }
        let envelope = match Envelope::open(self.conversation.clone(), record) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::error!(%error, conversation = %self.conversation, "a damaged record is told as gone");
                return self.skip(record.seq - 1, record.seq);
            }
        };
        if self.session.is_own(&envelope) {
            self.cursors.pass(self.conversation, record.seq, self.pushes_with_this());
            return true;
        }
        if self.session.speaks != Speaks::V1 {
            if !self.cursors.push(self.conversation, record.seq, envelope.weight(), self.pushes + 1) {
                return false;
            }
            self.content.add_message(record.seq, envelope.message);
            self.messages += 1;
            self.session.environment.metrics.message_caught_up();
            return true;
        }
        environment.step_on_trap(user, &envelope.message);
        let Some(frame) = envelope.frame() else { return self.skip(record.seq - 1, record.seq) };
        if !self.cursors.push(self.conversation, record.seq, envelope.weight(), self.pushes + 1) {
            return false;
        }
        self.content.add_frame(&frame);
        self.messages += 1;
        self.session.environment.metrics.message_caught_up();
        true
    }

    /// The messages behind `after` up to `to` are gone; false if there is no room to say so.
    fn skip(&mut self, after: u64, to: u64) -> bool {
        if to <= after {
            return true;
        }
        let gap = v1::Gap { conversation: self.conversation.to_string(), from: after + 1, to };
        match self.session.speaks {
            Speaks::V1 => {
                let Some(frame) = envelope::frame(Body::Gap(gap)) else { return true };
                if !self.cursors.announce(self.conversation, to, frame.len(), self.pushes + 1) {
                    return false;
                }
                self.content.add_frame(&frame);
                self.messages += 1;
            }
            // cim has no word for it.
            Speaks::Cim(_) => {
                tracing::warn!(session = %self.session.id, conversation = %self.conversation, after, to, "messages are gone");
                self.cursors.pass(self.conversation, to, self.pushes_with_this());
            }
        }
        self.session.environment.metrics.gone(to - after);
        true
    }

    /// The count of pushes after this one, if it has anything to push yet.
    const fn pushes_with_this(&self) -> u64 {
        match self.content {
            Content::Nothing => self.pushes,
            Content::Frames(_) | Content::Messages(_) => self.pushes + 1,
        }
    }
}

impl Content {
    fn add_frame(&mut self, frame: &[u8]) {
        match self {
            Self::Frames(frames) => frames.extend_from_slice(frame),
            _ => *self = Self::Frames(frame.to_vec()),
        }
    }

    fn add_message(&mut self, seq: u64, message: Message) {
        match self {
            Self::Messages(messages) => messages.push((seq, message)),
            _ => *self = Self::Messages(vec![(seq, message)]),
        }
    }

    /// Where that panics, `at` is the message that panics by itself too, or 0.
    fn into_frames(self, session: &Session, at: &AtomicU64) -> Vec<u8> {
        let messages = match self {
            Self::Nothing => return Vec::new(),
            Self::Frames(frames) => return frames,
            Self::Messages(messages) => messages,
        };
        let Speaks::Cim(receiver) = session.speaks else { return Vec::new() };
        let (numbers, messages): (Vec<u64>, Vec<Message>) = messages.into_iter().unzip();
        let make = |messages: &[Message]| {
            messages.iter().for_each(|message| session.environment.step_on_trap(&session.user, message));
            cim::offline(receiver, &session.environment.directory, messages)
        };
        let try_to_make = |messages| catch_unwind(AssertUnwindSafe(|| make(messages)));
        try_to_make(&messages).unwrap_or_else(|panic| {
            let mut each = numbers.iter().zip(messages.chunks(1));
            let culprit = each.find(|(_, message)| try_to_make(message).is_err());
            at.store(culprit.map_or(0, |(number, _)| *number), Ordering::Relaxed);
            resume_unwind(panic)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, record};
    use super::*;

    /// What is read while live messages of another conversation take the whole window is not missing in the log: it is
    /// read again once there is room.
    #[tokio::test]
    async fn a_page_that_finds_the_window_full_is_not_taken_for_missing() {
        let (behind, busy) = (Conversation::Everyone, "g.busy".parse().unwrap());
        let fixture = Fixture::new(Speaks::V1).await;
        let session = &fixture.session;
        fixture.told(&behind, 3);
        session.fall_behind(&behind, 0);
        let at = AtomicU64::new(0);
        let page = || Found::Records((1..=3).map(record).collect());
        let Some((read, 0, _)) = session.next_read() else { panic!("nothing to read") };
        assert_eq!(read, behind);
        fixture.offer(&busy, 1, WINDOW_MESSAGES as u64);
        assert_eq!(session.deliver(&behind, 0, page(), &at), Delivered::NoRoom);
        assert!(session.next_read().is_none(), "and its task ends");
        assert_eq!(session.ack(&busy, 2), Ok(()));
        let Some((read, 0, page)) = session.next_read() else { panic!("nothing to read") };
        assert_eq!((read, page.records), (behind.clone(), 2), "from where it was");
        assert_eq!(session.deliver(&behind, 0, Found::Records((1..=2).map(record).collect()), &at), Delivered::Some);
        assert_eq!(session.ack(&busy, 4), Ok(()));
        assert_eq!(session.deliver(&behind, 2, Found::Records(Vec::new()), &at), Delivered::Missing);
    }
}
