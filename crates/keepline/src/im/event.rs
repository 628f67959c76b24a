//! Event: what a chat tells its application, in order.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use keepline_proto::{Duration, Reason};

use super::message::{Mark, Message};
use super::options::Terms;
use super::shared::Shared;
use super::timeline::Whose;

/// What happened, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message, once. Say [`Chat::done`](super::Chat::done) with its mark when it is yours for good: until then it
    /// comes again in the next process.
    Message(Message),
    /// Messages are gone for good. Its mark wants [`Chat::done`](super::Chat::done) like that of a message.
    Gap(Gap),
    /// The server's numbering of a conversation is another than this device's account: forget the account, what comes
    /// next is behind this mark. Nothing is to be said back.
    Reset(Mark),
    /// An attempt begins.
    Trying {
        /// The endpoint, as it was given.
        endpoint: Arc<str>,
        /// Attempts since the last stable line, from 1.
        attempt: u32,
    },
    /// An attempt failed.
    Failed {
        /// The endpoint, as it was given.
        endpoint: Arc<str>,
        /// Why, for a person.
        error: Arc<str>,
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// The line is up, and the user logged in.
    Up(Up),
    /// The terms of the heartbeat from now on.
    Terms(Terms),
    /// A ping was answered: the round trip.
    Rtt(Duration),
    /// Half of the time for an answer to a ping is gone.
    Suspect,
    /// The server will stop soon. The chat goes on until it does, and comes back then by itself.
    GoAway {
        /// Not before this time.
        retry_after: Duration,
        /// To one of these; to the same endpoints if there are none.
        nodes: Vec<Arc<str>>,
    },
    /// The line has ended. Without an [`Up`](Self::Up) before it, the login was not let in.
    Down {
        /// The row of the one table of reasons.
        reason: Reason,
        /// Whose doing it was, as a client sees it.
        whose: Whose,
        /// What lay behind it, for a person.
        detail: Arc<str>,
        /// When the next attempt begins; `None` if there will be none.
        retry_in: Option<Duration>,
    },
    /// The chat has ended and does not come back, for a reason that forbids it, as
    /// [`AuthFailed`](Reason::AuthFailed), [`Replaced`](Reason::Replaced) or [`Kicked`](Reason::Kicked); or it failed
    /// itself ([`ServerError`](Reason::ServerError)). The last event.
    Refused {
        /// The row of the one table of reasons.
        reason: Reason,
    },
    /// The chat was closed here. The last event.
    Closed,
    /// The application was too slow: this many events were not kept. Never messages, gaps or resets.
    Missed(u64),
}

/// A login that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Up {
    /// The endpoint, as it was given.
    pub endpoint: Arc<str>,
    /// The number of this session; a later one of the device has a higher number.
    pub session: u64,
    /// Whose token it was.
    pub user: Arc<str>,
    /// The server's name.
    pub node: Arc<str>,
    /// The server's numbering; see [`Mark::epoch`].
    pub epoch: u64,
    /// What an acknowledgement stands for: `memory`, `disk`, `quorum` or `quorum+disk`.
    pub durability: Arc<str>,
    /// The terms of the heartbeat in force; `None` if the server stated none.
    pub terms: Option<Terms>,
}

/// Messages that are gone for good, by a limit of their conversation, or as they were said while the user was not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// As in [`Mark::conversation`].
    pub conversation: Arc<str>,
    /// As in [`Mark::epoch`].
    pub epoch: u64,
    /// The first that is gone.
    pub from: u64,
    /// The last that is gone.
    pub to: u64,
}

impl Gap {
    /// The place behind the gap, for [`Chat::done`](super::Chat::done).
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { conversation: Arc::clone(&self.conversation), epoch: self.epoch, seq: self.to }
    }
}

/// The events of one chat, as a stream; it ends after [`Event::Refused`] or [`Event::Closed`].
///
/// What is not taken stays, within the options' [`InboxLimits`](super::InboxLimits); behind them the line is not read.
/// While this value is dropped nothing is received: messages stay with the server.
pub struct Events {
    shared: Arc<Shared>,
}

impl Events {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The next event; `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut ledger = self.shared.lock();
        let had_room = ledger.inbox.has_room();
        match ledger.inbox.take(cx.waker()) {
            Some(event) => {
                if !had_room {
                    self.shared.work.notify_one();
                }
                Poll::Ready(Some(event))
            }
            None if ledger.is_over() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.lock().inbox.abandon();
        self.shared.work.notify_one();
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
