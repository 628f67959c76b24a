//! Event: what a client tells of its connection.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use keepline_proto::{Duration, Reason};
use tokio::sync::mpsc;

use crate::conn::{Beat, Report};

/// Events that wait for a listener; beyond that they are counted instead.
const WAITING: usize = 1024;
/// Places kept for the last two: what was missed, and the end.
const LAST: usize = 2;

/// What happened to a client's connection, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An attempt begins.
    Connecting {
        /// The endpoint, as it was given.
        endpoint: Arc<str>,
        /// Attempts since the last stable line, from 1.
        attempt: u32,
    },
    /// An attempt failed.
    Failed {
        /// The endpoint, as it was given.
        endpoint: Arc<str>,
        /// Why, in full: a certificate that is refused says so only in the message. Shared, as events are cloned.
        error: Arc<io::Error>,
        /// When the next attempt begins.
        next_try: Duration,
    },
    /// The line is up: open, and let in by the peer where the protocol asks for that.
    Up {
        /// The endpoint, as it was given.
        endpoint: Arc<str>,
    },
    /// A heartbeat came or went.
    Beat(Beat),
    /// Half of the time for the pong is gone.
    Suspect,
    /// The line has ended; every message in flight has its verdict. Without an [`Up`](Self::Up) before it, the line was
    /// not let in.
    Down {
        /// Why and how.
        report: Report,
        /// When the next attempt begins; `None` if there will be none.
        next_try: Option<Duration>,
    },
    /// The client is closed for good.
    Closed {
        /// [`Bye`](Reason::Bye) if it was closed here, else the reason that forbids to come back: the server's word, or
        /// our own ([`ProtocolError`](Reason::ProtocolError), [`TooLarge`](Reason::TooLarge)) once every endpoint of
        /// the list in a row has sent bytes that are not the protocol's.
        reason: Reason,
    },
    /// The listener was too slow: this many events were not kept.
    Missed(u64),
}

/// The events of one client, as a stream; it ends after [`Event::Closed`].
pub struct Events {
    receiver: mpsc::Receiver<Event>,
    missed: Arc<AtomicU64>,
}

/// The client's end of its events.
#[derive(Clone)]
pub(super) struct Teller {
    sender: mpsc::Sender<Event>,
    missed: Arc<AtomicU64>,
}

/// The two ends of a client's events.
pub(super) fn channel() -> (Teller, Events) {
    let (sender, receiver) = mpsc::channel(WAITING + LAST);
    let missed = Arc::new(AtomicU64::new(0));
    (Teller { sender, missed: Arc::clone(&missed) }, Events { receiver, missed })
}

impl Events {
    /// The next event; `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        // Else the next event will say so, in its place.
        if self.receiver.is_empty() {
            let missed = self.missed.swap(0, Ordering::AcqRel);
            if missed > 0 {
                return Poll::Ready(Some(Event::Missed(missed)));
            }
        }
        self.receiver.poll_recv(cx)
    }
}

impl Teller {
    pub(super) fn tell(&self, event: Event) {
        if self.has_room() {
            self.tell_missed();
        }
        if self.has_room() {
            self.put(event);
        } else {
            self.missed.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The last word, for which there is always room.
    pub(super) fn tell_last(self, event: Event) {
        self.tell_missed();
        self.put(event);
    }

    fn has_room(&self) -> bool {
        self.sender.capacity() > LAST
    }

    /// Between what came before the gap and what comes after it.
    fn tell_missed(&self) {
        let missed = self.missed.swap(0, Ordering::AcqRel);
        if missed > 0 {
            self.put(Event::Missed(missed));
        }
    }

    fn put(&self, event: Event) {
        // A client without a listener is no error.
        let _ = self.sender.try_send(event);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("waiting", &self.receiver.len()).finish()
    }
}
