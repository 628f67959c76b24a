//! Sending: what became of one message that was handed over, as it is now and as it ends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{oneshot, watch};

use super::message::MessageId;

/// Where a message is.
///
/// ```text
///            line up, its turn               stored
/// Waiting ─────────────────────▶ OnItsWay ───────────▶ Acknowledged
///  ▲   ▲                          │  │  └─── refused ▶ Refused
///  │   └────── the line ended ────┘  │ refused for now
///  │ its wait is over                ▼
///  └──────────────────────────── PutOff                from each of these three, at the chat's end: ──▶ Ended
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each case")]
pub enum SendState {
    /// Not on the line there is, or there is none.
    Waiting,
    /// Handed to the line; no answer yet.
    OnItsWay,
    /// The server asked to send it again later, and it will be.
    PutOff(Refusal),
    /// The server has it.
    Acknowledged(Receipt),
    /// The server does not take it, now or later.
    Refused(Refusal),
    /// The chat ended first.
    Ended(Unsent),
}

/// The server's word that a message is stored, at the durability that [`Up`](super::Up) named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The message's id.
    pub id: MessageId,
    /// Its number in the conversation, from 1.
    pub seq: u64,
    /// When it was stored, in milliseconds since 1970 by the server's clock.
    pub at_ms: u64,
    /// It had been stored before, and only the answer was lost.
    pub duplicate: bool,
}

/// The server's word that a message is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
#[non_exhaustive]
pub struct Refusal {
    /// A word from the table in `docs/protocol.md`, as `not_member`.
    pub code: String,
    /// For a person.
    pub detail: String,
}

/// What is known of a message whose chat ended before its answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each case")]
pub enum Unsent {
    /// It was never handed to a line: the server does not have it.
    #[error("the chat ended before it was sent")]
    NotSent,
    /// It was, and the answer did not come: the server may have it.
    #[error("the chat ended before the answer came: the server may have it")]
    MaybeSent,
}

/// Why a message is not stored, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each case")]
pub enum NotStored {
    /// The server refuses it.
    #[error(transparent)]
    Refused(Refusal),
    /// The chat ended first.
    #[error(transparent)]
    Ended(#[from] Unsent),
}

/// A message on its way; await it for its receipt. Dropping it does not call the message back. Cancel-safe: it can be
/// polled again.
#[must_use = "the message is on its way; await its receipt, or drop it on purpose"]
pub struct Sending {
    id: MessageId,
    state: watch::Receiver<SendState>,
    verdict: oneshot::Receiver<Result<Receipt, NotStored>>,
}

/// The chat's end of a [`Sending`].
#[derive(Debug)]
pub(super) struct Teller {
    state: watch::Sender<SendState>,
    verdict: oneshot::Sender<Result<Receipt, NotStored>>,
}

/// The two ends.
pub(super) fn channel(id: MessageId) -> (Teller, Sending) {
    let (state, told) = watch::channel(SendState::Waiting);
    let (verdict, answer) = oneshot::channel();
    (Teller { state, verdict }, Sending { id, state: told, verdict: answer })
}

impl Sending {
    /// The message's id, the same however often it is sent.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        self.id
    }

    /// Where it is now.
    #[must_use]
    pub fn state(&self) -> SendState {
        self.state.borrow().clone()
    }

    /// Its next state; `None` once the last one was told. States that follow each other at once may be told as one.
    /// Cancel-safe.
    pub async fn next_state(&mut self) -> Option<SendState> {
        self.state.changed().await.ok()?;
        Some(self.state.borrow_and_update().clone())
    }
}

impl Teller {
    pub(super) fn state(&self) -> SendState {
        self.state.borrow().clone()
    }

    pub(super) fn tell(&self, state: SendState) {
        self.state.send_replace(state);
    }

    /// The last word. That nobody listens is no error.
    pub(super) fn end(self, verdict: Result<Receipt, NotStored>) {
        self.state.send_replace(match &verdict {
            Ok(receipt) => SendState::Acknowledged(*receipt),
            Err(NotStored::Refused(refusal)) => SendState::Refused(refusal.clone()),
            Err(NotStored::Ended(unsent)) => SendState::Ended(*unsent),
        });
        let _ = self.verdict.send(verdict);
    }
}

impl Future for Sending {
    type Output = Result<Receipt, NotStored>;

    /// # Panics
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The sender only goes away unused when the chat's task is dropped with its runtime.
        Pin::new(&mut self.verdict).poll(cx).map(|verdict| verdict.unwrap_or_else(|_| Err(Unsent::MaybeSent.into())))
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("id", &self.id).field("state", &*self.state.borrow()).finish()
    }
}

/// A message without its last word, as [`Chat::sends`](super::Chat::sends) lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unanswered {
    /// Its id.
    pub id: MessageId,
    /// Where it goes.
    pub conversation: Arc<str>,
    /// The length of its body in bytes.
    pub bytes: usize,
    /// Where it is.
    pub state: SendState,
}
