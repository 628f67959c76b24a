//! Delivery: takes messages into the logs, and hands what is stored to the sessions.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::conversation::Conversation;
use crate::id::{MessageId, UserId};
use crate::message::{Kind, LARGEST_BODY, Message};
use crate::session::{Environment, Hub, Session};
use crate::store::{Append, Expected, LARGEST, Outcome, Page, StoreError};

mod error;
mod fan_out;
mod rate;

pub use error::SendError;
pub use rate::SendLimits;

/// How long to wait before a request without a known outcome is made again; 0.3 s in all.
const RETRIES: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
];

/// A store that took so long to say that it does not know hangs, and would take as long again.
const HANGS: Duration = Duration::from_secs(1);

/// Takes messages into the logs, and hands what is stored to the sessions. It works until it is dropped.
pub struct Delivery {
    environment: Arc<Environment>,
    buckets: rate::Buckets,
    fan_out: AbortOnDropHandle<()>,
}

/// Who sends.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a user, on a line or not")]
pub struct Sender {
    /// The user: from his session or his token, never from what he says.
    pub user: UserId,
    /// The session that he sends through; a fenced one sends nothing. `None` for HTTP, and for the server itself.
    pub session: Option<Arc<Session>>,
}

/// A message to be sent.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "what a sender says")]
pub struct Draft {
    /// Into which conversation.
    pub conversation: Conversation,
    /// Its number, chosen by the sender: sent again with the same, it is stored once.
    pub id: MessageId,
    /// What it is.
    pub kind: Kind,
    /// What it says: UTF-8 for a text, up to [`LARGEST_BODY`].
    pub body: Bytes,
}

/// A message is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its number in the conversation.
    pub seq: u64,
    /// It had been stored before.
    pub duplicate: bool,
    /// When the server took it: milliseconds since 1970.
    pub at_ms: u64,
}

impl Delivery {
    /// Begins to hand out what is stored. It takes messages as fast as they come.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(hub: Arc<Hub>) -> Arc<Self> {
        Self::limited(hub, SendLimits::default())
    }

    /// As [`start`](Self::start), with limits to how fast messages are taken.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn limited(hub: Arc<Hub>, limits: SendLimits) -> Arc<Self> {
        let environment = Arc::clone(hub.environment());
        // Subscribed before the first look at the logs: nothing falls between.
        let feed = environment.store.subscribe();
        let fan_out = AbortOnDropHandle::new(tokio::spawn(fan_out::run(hub, feed)));
        Arc::new(Self { environment, buckets: rate::Buckets::new(limits), fan_out })
    }

    /// Other limits to how fast messages are taken, from now on.
    pub fn set_limits(&self, limits: SendLimits) {
        self.buckets.set_limits(limits);
    }

    /// Whether it still hands out; `false` is a defect.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.fan_out.is_finished()
    }

    /// Sends a message.
    ///
    /// Messages are stored in the order of the calls, before the futures are polled. Dropping the future forgets the
    /// answer, not the message.
    ///
    /// # Errors
    /// See [`SendError`]. Only where [`SendError::is_unknown`] may the message be stored.
    pub fn send(
        &self,
        sender: Sender,
        draft: Draft,
    ) -> impl Future<Output = Result<Receipt, SendError>> + Send + use<> {
        let (kind, session) = (draft.kind, sender.session.clone());
        let begun = self.begin(sender, draft);
        let environment = Arc::clone(&self.environment);
        async move {
            let sent = match begun {
                Ok((first, request, message)) => {
                    finish(&environment, session.as_deref(), first, request, &message).await
                }
                Err(error) => Err(error),
            };
            match &sent {
                Ok(receipt) if receipt.duplicate => environment.metrics.message_duplicate(),
                Ok(_) => environment.metrics.message_stored(kind),
                Err(error) => environment.metrics.message_refused(error.code()),
            }
            sent
        }
    }

    /// Checks a message and asks the store for the first time.
    fn begin(&self, sender: Sender, draft: Draft) -> Result<(Asked, Append, Message), SendError> {
        let Draft { conversation, id, kind, body } = draft;
        if self.environment.overload.refuses_messages() {
            return Err(SendError::Overloaded);
        }
        if body.len() > LARGEST_BODY {
            return Err(SendError::TooLarge { length: body.len() });
        }
        if kind == Kind::Text && std::str::from_utf8(&body).is_err() {
            return Err(SendError::NotText);
        }
        self.environment.directory.may_send(&sender.user, &conversation)?;
        let unpaced = sender.session.is_none().then_some(&sender.user);
        if !self.buckets.take(unpaced, conversation == Conversation::Everyone) {
            return Err(SendError::RateLimited);
        }
        let message = Message { sender: sender.user, kind, body, at_ms: crate::session::now_ms() };
        let request = Append { log: conversation.log(), expected: Expected::Any, id, body: message.to_record() };
        let ask = || self.environment.store.append(request.clone());
        let first = match &sender.session {
            Some(session) => session.unless_ended(ask).ok_or(SendError::Fenced)?,
            None => ask(),
        };
        Ok((first, request, message))
    }
}

type Asked = BoxFuture<'static, Result<Outcome, StoreError>>;

/// Waits for the store's answer, and asks the same again while that is that it does not know. A session that was fenced
/// meanwhile asks no more: what the first request did not store is not stored behind the later login's back.
async fn finish(
    environment: &Environment,
    session: Option<&Session>,
    first: Asked,
    request: Append,
    message: &Message,
) -> Result<Receipt, SendError> {
    let asked = Instant::now();
    let mut answer = first.await;
    let mut pauses = RETRIES.iter();
    let mut doubtful = false;
    loop {
        match answer {
            Ok(Outcome::Appended(seq)) => return Ok(Receipt { seq, duplicate: false, at_ms: message.at_ms }),
            Ok(Outcome::Duplicate(seq)) => return compare(environment, &request, seq, message).await,
            Err(error) if !doubtful => return Err(error.into()),
            // An earlier try may have been stored after all.
            Err(_) => {}
            // The latter is never told to who expects nothing.
            Ok(Outcome::Unknown | Outcome::Conflict { .. }) => doubtful = true,
        }
        let Some(pause) = pauses.next().filter(|_| asked.elapsed() < HANGS) else {
            return Err(SendError::UnknownOutcome);
        };
        tokio::time::sleep(*pause).await;
        let again = || environment.store.append(request.clone());
        let asked_again = match session {
            Some(session) => session.unless_ended(again).ok_or(SendError::UnknownOutcome)?,
            None => again(),
        };
        answer = asked_again.await;
    }
}

/// Whether what was stored under the message's number is the message.
async fn compare(
    environment: &Environment,
    request: &Append,
    seq: u64,
    message: &Message,
) -> Result<Receipt, SendError> {
    let page = Page { records: 1, bytes: LARGEST };
    let records = environment.store.read(&request.log, seq.saturating_sub(1), page).await?;
    let Some(record) = records.first().filter(|record| record.seq == seq) else {
        // Gone with retention: there is nothing left to compare with.
        return Ok(Receipt { seq, duplicate: true, at_ms: message.at_ms });
    };
    let (_, stored) = Message::from_record(record)?;
    let Message { sender, kind, body, at_ms } = stored;
    if (&sender, kind, &body) == (&message.sender, message.kind, &message.body) {
        Ok(Receipt { seq, duplicate: true, at_ms })
    } else {
        Err(SendError::IdReused)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("alive", &self.is_alive()).finish_non_exhaustive()
    }
}
