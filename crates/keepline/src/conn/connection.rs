//! Connection: the handle of a line, for any task.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use keepline_proto::{Duration, Reason};

use super::environment::Environment;
use super::line_id::LineId;
use super::outbox::{Item, Lane, Origin, Outbox, Queued};
use super::shared::{Flag, Shared};
use crate::clock;

/// A handle of a line: cheap to clone, usable from any task, harmless after the line's end.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    environment: Arc<Environment>,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The line has ended, or closes and has said its last word, which nothing may follow; the message was not sent.
    #[error("the line has ended: nothing was sent")]
    Ended,
    /// The outbox is at its limit: the peer takes its messages too slowly.
    #[error("{waiting} bytes are waiting for a slow peer: nothing was sent")]
    Full {
        /// Bytes waiting already.
        waiting: usize,
    },
}

impl Connection {
    pub(crate) const fn new(shared: Arc<Shared>, environment: Arc<Environment>) -> Self {
        Self { shared, environment }
    }

    /// The line's number.
    #[must_use]
    pub fn id(&self) -> LineId {
        LineId(self.shared.id)
    }

    /// Queues one encoded frame, or several whole ones; they leave with the line's next turn, in order. Never waits.
    ///
    /// # Errors
    /// See [`SendError`]. A full outbox stays as it is; whether the peer deserves to be closed is the caller's rule,
    /// and [`push`](Self::push) has one.
    pub fn send(&self, frames: Bytes) -> Result<(), SendError> {
        self.queue(frames, 1, None)
    }

    /// As [`send`](Self::send), and closes a line whose outbox is full as [`SlowConsumer`](Reason::SlowConsumer): the
    /// rule for fan-out, where one slow member must not hold the others.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn push(&self, frames: Bytes) -> Result<(), SendError> {
        self.push_all(frames, 1)
    }

    /// As [`push`](Self::push), of so many messages in one piece: all of them or none are taken, and each counts against
    /// the outbox's limit.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn push_all(&self, frames: Bytes, messages: usize) -> Result<(), SendError> {
        let result = self.queue(frames, messages, None);
        if let Err(SendError::Full { .. }) = result {
            self.close(Reason::SlowConsumer);
        }
        result
    }

    /// Queues a frame whose mark is set when its first byte has gone to the kernel.
    #[cfg(feature = "client")]
    pub(crate) fn send_marked(&self, frame: Bytes, sent: Arc<AtomicBool>) -> Result<(), SendError> {
        self.queue(frame, 1, Some(sent))
    }

    /// Writes what is waiting and the format's farewell, then closes. The first reason given stays. A message sent before
    /// this call goes out before the farewell; one sent after it does so too, or is refused as
    /// [`Ended`](SendError::Ended) once the line's task has begun to close.
    pub fn close(&self, reason: Reason) {
        self.shared.request_close(reason);
    }

    /// Reads again after [`Flow::Pause`](super::Flow::Pause).
    pub fn resume(&self) {
        self.shared.raise(Flag::Resume);
    }

    /// Has the line's own task call [`Handler::on_wake`](super::Handler::on_wake), soon and once for all that asked
    /// before it: with a turn, and after what was sent before. Does nothing once the line closes.
    pub fn wake(&self) {
        self.shared.raise(Flag::Wake);
    }

    /// Whether the line has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.shared.flags().has(Flag::Ended)
    }

    /// How long ago the last byte was read (before the first: the line's opening), to a hundredth of a second; it goes
    /// on after the line's end.
    #[must_use]
    pub fn silent_for(&self) -> Duration {
        self.shared.silent_for(clock::now())
    }

    /// What waits for the peer now, for a status page; it looks under the outbox's lock.
    #[must_use]
    pub fn queued(&self) -> Queued {
        let now = clock::now();
        self.shared.mail().outbox.as_ref().map_or_else(Queued::default, |outbox| outbox.queued(now))
    }

    fn queue(&self, bytes: Bytes, messages: usize, sent: Option<Arc<AtomicBool>>) -> Result<(), SendError> {
        let limits = self.environment.settings.outbox;
        let mut mail = self.shared.mail();
        // Asked under the lock: the driver marks its end before it empties the mailbox.
        let flags = self.shared.flags();
        if flags.has(Flag::Ended) || flags.has(Flag::Deaf) {
            return Err(SendError::Ended);
        }
        let outbox = mail.outbox.get_or_insert_with(Box::<Outbox>::default);
        if outbox.messages() + messages > limits.messages || outbox.pushed() + bytes.len() > limits.bytes {
            return Err(SendError::Full { waiting: outbox.bytes() });
        }
        outbox.push(Lane::Data, Item { bytes, messages, since: clock::now(), origin: Origin::Handle, sent });
        drop(mail);
        self.shared.raise(Flag::Mail);
        Ok(())
    }
}

/// An answer that is owed: made by [`Turn::defer`](super::Turn::defer), counted until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it says that no answer is owed any more"]
pub struct Answer {
    connection: Connection,
}

impl Answer {
    pub(super) fn begin(connection: Connection) -> Option<Self> {
        connection.shared.begin_answer().then_some(Self { connection })
    }

    /// Sends the answer.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn send(self, frames: Bytes) -> Result<(), SendError> {
        self.connection.send(frames)
    }

    /// The line that is owed to.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.shared.end_answer();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.shared).finish()
    }
}
