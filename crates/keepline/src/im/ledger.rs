//! Ledger: what a chat knows, and what each thing that happens does to it. No socket, and no clock but for the time of
//! day in its timeline.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use keepline_proto::wire::im::v1;
use keepline_proto::{Duration, Instant, Reason};

use super::event::{Event, Gap, Up};
use super::inbox::Inbox;
use super::message::{Kind, Mark, Message, MessageId};
use super::options::{Options, Terms};
use super::outgoing::Outgoing;
use super::positions::{Arrival, Positions};
use super::reads::Reads;
use super::state::{Link, LinkPhase};
use super::timeline::{Done, Occurrence, Timeline, What, Whose};
use crate::conn::{Cause, Report};

/// Welcomes that the task has not come to: lines that came and went meanwhile.
const WELCOMES: usize = 64;

/// All that a chat knows: state machines that know neither the socket nor the clock.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) outgoing: Outgoing,
    pub(super) positions: Positions,
    pub(super) reads: Reads,
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

impl Ledger {
    pub(super) fn new(options: &Options, marks: Vec<Mark>) -> Self {
        Self {
            outgoing: Outgoing::new(options.sends),
            positions: Positions::load(marks),
            reads: Reads::default(),
            inbox: Inbox::new(options.inbox),
            timeline: Timeline::default(),
            link: Link::new(),
            ending: Ending::No,
            welcomes: VecDeque::new(),
            last_word: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.ending == Ending::Over
    }

    /// The next read mark to tell on the line there is.
    pub(super) fn next_read(&mut self) -> Option<Mark> {
        self.reads.next(self.positions.epoch())
    }

    pub(super) fn flush(&mut self, by: Instant) {
        if self.ending == Ending::No {
            self.ending = Ending::Flush { by };
        }
    }

    /// Everything has its last word; a second end says nothing.
    pub(super) fn end(&mut self, reason: Reason, closed_here: bool) {
        if !self.is_over() {
            self.ending = Ending::Over;
            self.link.phase = LinkPhase::Over { reason };
            self.outgoing.end();
            self.inbox.put_last(if closed_here { Event::Closed } else { Event::Refused { reason } });
        }
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

    pub(super) fn on_up(&mut self, endpoint: Arc<str>, welcome: v1::Welcome, now: Instant) {
        let terms = welcome.terms.as_ref().map(Terms::from_wire);
        let up = Up {
            endpoint: Arc::clone(&endpoint),
            session: welcome.session,
            user: welcome.user.into(),
            node: welcome.node.into(),
            epoch: welcome.epoch,
            durability: welcome.durability.into(),
            terms,
        };
        self.positions.on_up(welcome.epoch);
        self.link.phase = LinkPhase::Up { endpoint, since: now };
        self.link.ups += 1;
        (self.link.login, self.link.terms, self.link.rtt) = (Some(up.clone()), terms, None);
        self.note(What::Up, Done::Nothing);
        self.inbox.put(Event::Up(up));
    }

    pub(super) fn on_down(&mut self, report: &Report, next_try: Option<Duration>, now: Instant) {
        let told = self.last_word.take();
        let broken = matches!(report.cause, Some(Cause::Wire(_)));
        let whose = Whose::of(report.reason, told.is_some() || broken);
        let detail: Arc<str> = told.unwrap_or_else(|| report.to_string().into());
        let reason = report.reason;
        let done = next_try.map_or(Done::Stay, Done::Retry);
        self.note(What::Down { reason, whose, detail: Arc::clone(&detail) }, done);
        self.outgoing.on_down();
        self.link.rtt = None;
        self.link.phase = LinkPhase::Waiting { until: now + next_try.unwrap_or_default() };
        self.inbox.put(Event::Down { reason, whose, detail, retry_in: next_try });
    }

    pub(super) fn on_deliver(&mut self, deliver: v1::Deliver) {
        let conversation: Arc<str> = deliver.conversation.into();
        let Arrival::New { gone } = self.positions.on_deliver(&conversation, deliver.seq) else { return };
        let epoch = self.positions.epoch();
        if let Some((from, to)) = gone {
            self.inbox.put(Event::Gap(Gap { conversation: Arc::clone(&conversation), epoch, from, to }));
        }
        self.inbox.put(Event::Message(Message {
            conversation,
            epoch,
            seq: deliver.seq,
            sender: deliver.sender,
            id: MessageId::from_wire(&deliver.message_id).unwrap_or(MessageId::from_bytes([0; 16])),
            kind: Kind::from_wire(deliver.kind),
            body: deliver.body,
            at_ms: deliver.at_ms,
        }));
    }

    pub(super) fn on_gap(&mut self, gap: v1::Gap) {
        let conversation: Arc<str> = gap.conversation.into();
        if let Some((from, to)) = self.positions.on_gap(&conversation, gap.from, gap.to) {
            let epoch = self.positions.epoch();
            self.inbox.put(Event::Gap(Gap { conversation, epoch, from, to }));
        }
    }

    pub(super) fn on_reset(&mut self, reset: v1::Reset) {
        let conversation: Arc<str> = reset.conversation.into();
        self.positions.on_reset(&conversation, reset.epoch, reset.seq);
        let mark = Mark { conversation, epoch: reset.epoch, seq: reset.seq };
        self.inbox.put(Event::Reset(mark));
    }
}
