//! Verdict: what became of a message that was handed to a client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use keepline_proto::Reason;
use keepline_proto::wire::WireError;
use tokio::sync::oneshot;

/// What became of a message; there is no fourth outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each case")]
pub enum Verdict<A> {
    /// The peer's answer.
    Answered(A),
    /// At least one byte of it has left and no answer came: the peer may have acted on it. Send it again only if that
    /// does no harm.
    MaybeSent(Reason),
    /// No byte of it has left: sending it again can't double it.
    NotSent(NotSent),
}

/// Why no byte of a message has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// There is no line now; the client is connecting or waiting.
    #[error("not connected")]
    NotConnected,
    /// The line ended before the message's turn came.
    #[error("the line ended before it was sent: {0}")]
    Ended(Reason),
    /// As many messages are in flight as the settings allow, or the outbox is full.
    #[error("too many messages are in flight")]
    Full,
    /// The codec refuses it.
    #[error("{0}")]
    Refused(WireError),
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
}

/// The verdict that is to come. Dropping it does not call the message back. Cancel-safe: it can be polled again.
#[must_use = "the message is on its way; await the verdict, or drop it on purpose"]
pub struct Outcome<A>(Inner<A>);

enum Inner<A> {
    Known(Option<Verdict<A>>),
    Open(oneshot::Receiver<Verdict<A>>),
}

impl<A> Outcome<A> {
    pub(super) const fn known(verdict: Verdict<A>) -> Self {
        Self(Inner::Known(Some(verdict)))
    }

    pub(super) const fn open(receiver: oneshot::Receiver<Verdict<A>>) -> Self {
        Self(Inner::Open(receiver))
    }
}

impl<A: Unpin> Future for Outcome<A> {
    type Output = Verdict<A>;

    /// # Panics
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Verdict<A>> {
        match &mut self.0 {
            Inner::Known(verdict) => Poll::Ready(verdict.take().expect("polled after it was ready")),
            // The sender only goes away unused when the client's task is dropped with its runtime.
            Inner::Open(receiver) => {
                Pin::new(receiver).poll(cx).map(|verdict| verdict.unwrap_or(Verdict::MaybeSent(Reason::ServerError)))
            }
        }
    }
}

impl<A> fmt::Debug for Outcome<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("known", &matches!(self.0, Inner::Known(_))).finish()
    }
}
