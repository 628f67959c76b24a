//! Shared: what a chat's handles, its events, its task and its protocol have in common.
//!
//! The lock is taken for moments, and nothing of the client below is called under it: the protocol takes it while the
//! client's own is held.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use keepline_proto::wire::im::v1;
use keepline_proto::{Duration, Instant, Reason};
use tokio::sync::{Notify, watch};

use super::counted::Counts;
use super::event::Event;
use super::inbox::Inbox;
use super::message::Mark;
use super::options::{Options, Terms};
use super::outgoing::Outgoing;
use super::positions::Positions;
use super::state::{Link, LinkPhase};
use super::timeline::{Done, Occurrence, Timeline, What};

/// Welcomes that the task has not come to: lines that came and went meanwhile.
const WELCOMES: usize = 64;

pub(super) struct Shared {
    core: Mutex<Core>,
    /// Told when there is something to do for the task.
    pub(super) work: Notify,
    /// Set when the chat is over.
    pub(super) over: watch::Sender<bool>,
    pub(super) counts: Arc<Counts>,
}

/// The books of a chat: state machines that know neither the socket nor the clock.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) outgoing: Outgoing,
    pub(super) positions: Positions,
    pub(super) inbox: Inbox,
    pub(super) timeline: Timeline,
    pub(super) link: Link,
    pub(super) ending: Ending,
    /// The lines' numbers and what the server said as it let them in.
    pub(super) welcomes: VecDeque<(u64, v1::Welcome)>,
    /// The server's last word on the line there is.
    pub(super) last_word: Option<Arc<str>>,
}

/// Whether the chat is about to end.
///
/// ```text
///       close            all answered │ out of time
/// No ──────────▶ Flush ─────────────────────────────▶ Over
/// └──────────── every handle is gone │ the reason says stay ─▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    No,
    /// Nothing new is taken; what waits is sent until then.
    Flush {
        by: Instant,
    },
    Over,
}

impl Shared {
    pub(super) fn new(options: &Options, marks: Vec<Mark>) -> Arc<Self> {
        let core = Core {
            outgoing: Outgoing::new(options.sends),
            positions: Positions::load(marks),
            inbox: Inbox::new(options.inbox),
            timeline: Timeline::default(),
            link: Link::new(),
            ending: Ending::No,
            welcomes: VecDeque::new(),
            last_word: None,
        };
        let (over, _) = watch::channel(false);
        Arc::new(Self { core: Mutex::new(core), work: Notify::new(), over, counts: Arc::default() })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        // No method leaves the books half changed where it could panic.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nothing new, and ends once all is answered, or then.
    pub(super) fn flush(&self, by: Instant) {
        let mut core = self.lock();
        if core.ending == Ending::No {
            core.ending = Ending::Flush { by };
        }
        drop(core);
        self.work.notify_one();
    }

    /// Nothing comes any more: every message has its last word, and so has the application.
    pub(super) fn end(&self, reason: Reason, closed_here: bool) {
        let mut core = self.lock();
        if core.is_over() {
            return;
        }
        core.ending = Ending::Over;
        core.link.phase = LinkPhase::Over { reason };
        core.outgoing.end();
        core.inbox.put_last(if closed_here { Event::Closed } else { Event::Refused { reason } });
        drop(core);
        self.over.send_replace(true);
    }
}

impl Core {
    pub(super) fn is_over(&self) -> bool {
        self.ending == Ending::Over
    }

    pub(super) fn on_welcome(&mut self, line: u64, welcome: v1::Welcome) {
        if self.welcomes.len() == WELCOMES {
            self.welcomes.pop_front();
        }
        self.welcomes.push_back((line, welcome));
    }

    pub(super) fn on_terms(&mut self, terms: &v1::Terms) {
        if let Some((_, welcome)) = self.welcomes.back_mut() {
            // The task has not told of the line: these are what it is told with.
            welcome.terms = Some(*terms);
            return;
        }
        let terms = Terms::from_wire(terms);
        self.link.terms = Some(terms);
        self.inbox.put(Event::Terms(terms));
    }

    pub(super) fn on_go_away(&mut self, retry_after: Duration, nodes: Vec<Arc<str>>) {
        self.note(What::GoAway, Done::Nothing);
        self.inbox.put(Event::GoAway { retry_after, nodes });
    }

    pub(super) fn on_close(&mut self, close: &v1::Close) {
        self.last_word = Some(close.reason.as_str().into());
    }

    pub(super) fn note(&mut self, what: What, done: Done) {
        let (at, endpoint) = (SystemTime::now(), self.link.endpoint());
        self.timeline.note(Occurrence { at, endpoint, what, done });
    }
}
