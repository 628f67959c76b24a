//! Session: one device of one user, logged in on one line.
//!
//! ```text
//!            marks read                  replaced │ closed
//! Syncing ─────────────────▶ Live ─────────────────────────▶ Ended
//!    └─────────────────────────── replaced │ closed ───────────▲
//! ```
//! Syncing: nothing is pushed; what is stored meanwhile is known when the marks are compared. Live: pushed as it comes,
//! or read from the log by the pump. Ended: fenced; what the line still says changes nothing, and it hears no answer.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use keepline::{Answer, Connection, Reason};
use keepline_proto::wire::im::v1::{self, frame::Body};

use crate::conversation::Conversation;
use crate::id::{DeviceId, SessionId, UserId};

mod arrival;
pub mod cim;
mod cursors;
mod envelope;
mod environment;
mod expiry;
mod few;
#[cfg(test)]
mod fixture;
mod hub;
mod past;
mod pump;
mod quarantine;
mod run;
mod sync;

pub use cursors::{WINDOW_BYTES, WINDOW_MESSAGES};
pub(crate) use envelope::{Envelope, frame};
pub use environment::Environment;
pub(crate) use hub::now_ms;
pub use hub::{Hub, Login, SessionInfo, Token};
pub use past::{End, Past};
pub(crate) use run::Run;

use cursors::{Ack, Cursors};
use quarantine::{Delivery, Strike};

/// One device of one user, logged in on one line. At rest it holds no cursor, no task and no timer.
pub struct Session {
    id: SessionId,
    user: UserId,
    device: DeviceId,
    speaks: Speaks,
    connection: Connection,
    peer: Option<SocketAddr>,
    token: Option<Token>,
    since_ms: u64,
    environment: Arc<Environment>,
    state: Mutex<State>,
}

/// What is spoken on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "our own protocol, and cim's")]
pub enum Speaks {
    /// Our own protocol: the device acknowledges what it has.
    V1,
    /// cim's, which knows no acknowledgement.
    Cim(cim::Receiver),
}

enum State {
    Syncing,
    Live(Live),
    Ended,
}

#[derive(Default)]
struct Live {
    /// Only while something is on its way, or has to be read.
    cursors: Option<Box<Cursors>>,
    /// Pushes so far.
    pushes: u64,
    /// A task reads the log.
    pumping: bool,
    /// A task has the line look whether its peer has everything.
    checking: bool,
}

/// A peer that breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("number {seq} was acknowledged and never sent")]
#[non_exhaustive]
pub struct NeverSent {
    /// What was acknowledged.
    pub seq: u64,
}

/// The answer to a device that says where it is itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "either its account fits or it does not")]
pub enum Resumed {
    /// Deliveries go on behind its number.
    Fits,
    /// Its account fits nothing that is here; it was told so by the session, in front of what comes next.
    Reset,
    /// The conversation is none of its user's.
    NotMember,
}

impl Session {
    /// The number of this login.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Who is logged in.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// On which device.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.device
    }

    /// What is spoken on its line.
    #[must_use]
    pub const fn speaks(&self) -> &Speaks {
        &self.speaks
    }

    /// The token that it was begun with; none in cim's dialects.
    #[must_use]
    pub const fn token(&self) -> Option<Token> {
        self.token
    }

    /// Its line.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// From where it came.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Whether it has been fenced, or its line has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(*self.lock(), State::Ended)
    }

    /// Whether nothing is on its way to the device, and nothing has to be read for it.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        matches!(&*self.lock(), State::Live(Live { cursors: None, .. }))
    }

    /// Does something, unless the session has been fenced: either before that or not at all.
    pub(crate) fn unless_ended<R>(&self, act: impl FnOnce() -> R) -> Option<R> {
        let state = self.lock();
        (!matches!(*state, State::Ended)).then(act)
    }

    /// Sends an answer that is owed, unless the session has been fenced: then nobody may take it for an answer to him.
    pub fn answer(&self, answer: Answer, frame: Bytes) {
        let state = self.lock();
        if !matches!(*state, State::Ended) {
            // A full outbox closes the line; the sender asks again then.
            let _ = answer.connection().push(frame);
        }
        drop(state);
        drop(answer);
    }

    /// The device has every message of the conversation up to `seq`.
    ///
    /// # Errors
    /// [`NeverSent`]: there is no such message, so the peer breaks the protocol. Nothing has changed.
    pub fn ack(self: &Arc<Self>, conversation: &Conversation, seq: u64) -> Result<(), NeverSent> {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return Ok(()) };
        let Some(cursors) = live.cursors.as_mut().filter(|cursors| cursors.position(conversation).is_some()) else {
            // Caught up: an old acknowledgement again, or one of a conversation that he was just taken from.
            let directory = &self.environment.directory;
            let mine = directory.reads_behind(&self.user, conversation).is_some();
            return if mine && seq > directory.head(conversation) { Err(NeverSent { seq }) } else { Ok(()) };
        };
        match cursors.ack(conversation, seq) {
            Ack::Beyond if seq > self.environment.directory.head(conversation) => return Err(NeverSent { seq }),
            // Sent before his account was set back, by a resume that met it on the way: it comes again.
            Ack::Beyond | Ack::Old => {}
            Ack::Moved => self.mark(conversation, seq),
        }
        cursors.settle(conversation, self.environment.directory.known(conversation).offered);
        self.go_on(live);
        Ok(())
    }

    /// The device keeps its own account, and says that it has every message up to `seq` of this epoch.
    ///
    /// A `Reset` frame goes out where that can't be: another epoch, or a number that was not given yet. Deliveries then
    /// go on behind what the device has acknowledged by the server's account.
    pub fn resume(self: &Arc<Self>, conversation: &Conversation, epoch: u64, seq: u64) -> Resumed {
        let directory = &self.environment.directory;
        let Some(start) = directory.reads_behind(&self.user, conversation) else { return Resumed::NotMember };
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return Resumed::Fits };
        let known = directory.known(conversation);
        let fits = epoch == directory.epoch() && seq <= known.told;
        let cursors = live.cursors.get_or_insert_default();
        let resumed = if fits {
            if cursors.place(conversation, seq.max(start)) == Ack::Moved {
                self.mark(conversation, seq.max(start));
            }
            Resumed::Fits
        } else {
            // Without a cursor the device has what every session was offered; what was only told may be still to come.
            let acked = cursors.position(conversation).map_or(known.offered, |(acked, _)| acked);
            // What is on its way was taken for something else: all of it comes again.
            cursors.forget(conversation);
            let _ = cursors.place(conversation, acked);
            let reset = v1::Reset { conversation: conversation.to_string(), epoch: directory.epoch(), seq: acked };
            if frame(Body::Reset(reset)).is_none_or(|frame| self.connection.push(frame).is_err()) {
                *state = State::Ended;
                return Resumed::Reset;
            }
            Resumed::Reset
        };
        cursors.catch_up(conversation, known.told);
        cursors.settle(conversation, known.offered);
        self.go_on(live);
        resumed
    }

    /// The user has read the conversation up to `seq`, or to its end.
    pub fn read(&self, conversation: &Conversation, seq: u64) {
        let directory = &self.environment.directory;
        if directory.reads_behind(&self.user, conversation).is_none() {
            return;
        }
        let seq = seq.min(directory.head(conversation));
        let noted = || self.environment.store.put_mark(&format!("r.{}", self.user), &conversation.log(), seq);
        drop(self.unless_ended(noted));
    }

    /// The conversation has messages behind `after` that the session may not have been offered.
    pub(crate) fn fall_behind(self: &Arc<Self>, conversation: &Conversation, after: u64) {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return };
        live.cursors.get_or_insert_default().fall_behind(conversation, after);
        self.go_on(live);
    }

    /// The user has come to a conversation; what was said up to `since` is not his.
    pub(crate) fn join(self: &Arc<Self>, conversation: &Conversation, since: u64) {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return };
        let known = self.environment.directory.known(conversation);
        live.cursors.get_or_insert_default().begin(conversation, since, known);
        self.go_on(live);
    }

    /// The conversation is none of the user's any more: nothing of it is pushed from here on.
    pub(crate) fn forget(self: &Arc<Self>, conversation: &Conversation) {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return };
        if let Some(cursors) = &mut live.cursors {
            cursors.forget(conversation);
        }
        self.go_on(live);
    }

    /// Nothing is pushed, answered or noted from here on.
    fn end(&self) {
        *self.lock() = State::Ended;
    }

    /// A delivery to it has panicked, of the message `seq` where that is known. Its line ends and nobody else's; a message
    /// that does so again and again is put aside for the device.
    fn broke(&self, conversation: &Conversation, seq: Option<u64>) {
        self.end();
        self.connection.close(Reason::ServerError);
        self.environment.metrics.delivery_panicked();
        let session = self.id;
        let Some(seq) = seq else {
            tracing::error!(%session, %conversation, "a delivery panicked: its line ends");
            return;
        };
        let (user, device) = (self.user.clone(), self.device.clone());
        let delivery = Delivery { user, device, conversation: conversation.clone(), seq };
        match self.environment.quarantine.strike(delivery) {
            Strike::Again => tracing::error!(%session, %conversation, seq, "a delivery panicked: its line ends"),
            Strike::Aside => {
                self.environment.metrics.message_put_aside();
                tracing::error!(%session, user = %self.user, %conversation, seq, "a message whose delivery panics is put aside");
            }
        }
    }

    /// What every change of the cursors ends with: their room is given back, or whoever has work is set to it.
    fn go_on(self: &Arc<Self>, live: &mut Live) {
        let Some(cursors) = &live.cursors else { return };
        if cursors.is_empty() {
            live.cursors = None;
            return;
        }
        if !live.pumping && cursors.has_work() {
            live.pumping = true;
            drop(tokio::spawn(pump::run(Arc::clone(self))));
        }
        if !live.checking && cursors.is_waiting() && self.speaks != Speaks::V1 {
            live.checking = true;
            drop(tokio::spawn(arrival::look(Arc::clone(self))));
        }
    }

    /// Notes how far the device has come. Not waited for: a mark that is lost costs a repetition.
    fn mark(&self, conversation: &Conversation, seq: u64) {
        drop(self.environment.store.put_mark(&self.owner(), &conversation.log(), seq));
    }

    /// Whose marks the device's are.
    fn owner(&self) -> String {
        ["d.", self.user.as_str(), ".", self.device.as_str()].concat()
    }

    /// cim shows a user what others say; what he said himself his client has shown already.
    fn is_own(&self, envelope: &Envelope) -> bool {
        self.speaks != Speaks::V1 && envelope.message.sender == self.user
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock would leave the cursors in doubt; the session must not go on with them.
        self.state.lock().unwrap_or_else(|poisoned| {
            let mut state = PoisonError::into_inner(poisoned);
            *state = State::Ended;
            state
        })
    }
}

/// What an idle session may weigh beside its line, in bytes.
const LIGHT: usize = 500;
/// Its place in the hub, the counts of its `Arc`, and its two names.
const AROUND: usize = 16 + 16 + 24 + 2 * (16 + crate::id::LONGEST);
const _: () = assert!(size_of::<Session>() + AROUND <= LIGHT, "an idle session is too heavy");

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
