//! Task: carries a chat's books to the client below and back; it outlives every line.

use std::sync::Arc;

use keepline_proto::wire::WireError;
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::{Duration, Instant, Reason};

use super::cursors::Cursors;
use super::event::{Event, Gap, Up};
use super::message::{Kind, Message, MessageId};
use super::options::Terms;
use super::positions::Arrival;
use super::shared::{Core, Ending, Shared};
use super::state::LinkPhase;
use super::timeline::{Done, What, Whose};
use super::wire::{Heard, Say, V1};
use crate::client::{self, Client, NotSent};
use crate::clock;
use crate::conn::{Beat, Cause, Report};

/// When to try again what a full outbox did not take.
const OUTBOX_WAIT: Duration = Duration::from_millis(20);
/// When to try again what the program could not store.
const SAVE_WAIT: Duration = Duration::from_secs(1);
/// Accounts that are told at once on a new line. The server counts them like sends, of which it takes 100 at once and 20
/// a second: sends must not stand behind a thousand of them.
const RESUMES_AT_ONCE: u32 = 50;
/// Behind them, one after each of these.
const RESUME_WAIT: Duration = Duration::from_millis(100);

pub(super) struct Task {
    shared: Arc<Shared>,
    client: Client<V1>,
    events: client::Events,
    cursors: Arc<dyn Cursors>,
    /// The number of the line there is, or of the last.
    line: u64,
    resumes_left: u32,
    resume_at: Instant,
    /// When to try again what did not go.
    again_at: Option<Instant>,
    save_at: Instant,
    /// The client below was told to end; what it has heard is looked at when it has.
    is_closed: bool,
}

/// Why a round stops short.
enum Stop {
    /// There is no line to speak on; its end will be told.
    NoLine,
    /// It can go on then.
    Until(Instant),
}

impl Task {
    pub(super) fn new(
        shared: Arc<Shared>,
        client: Client<V1>,
        events: client::Events,
        cursors: Arc<dyn Cursors>,
    ) -> Self {
        let (resume_at, save_at) = (Instant::START, Instant::START);
        Self {
            shared,
            client,
            events,
            cursors,
            line: 0,
            resumes_left: 0,
            resume_at,
            again_at: None,
            save_at,
            is_closed: false,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let now = clock::now();
            self.work(now);
            let (may_take, due) = self.outlook(now);
            let wait = tokio::time::sleep_until(clock::to_tokio(due.unwrap_or(Instant::START)));
            tokio::select! {
                biased;
                // First, so that what a line says is met with the line known.
                event = self.events.next() => match event {
                    Some(client::Event::Closed { reason }) => return self.over(reason).await,
                    Some(event) => self.on_event(event),
                    None => return self.over(Reason::ServerError).await,
                },
                heard = self.client.next_push(), if may_take && !self.is_closed => if let Some(heard) = heard { self.on_heard(heard) },
                () = self.shared.work.notified() => {}
                () = wait, if due.is_some() => {}
            }
        }
    }

    /// Whether to read on, and when to do something by itself.
    fn outlook(&self, now: Instant) -> (bool, Option<Instant>) {
        let core = self.shared.lock();
        let flush = match core.ending {
            Ending::Flush { by } => Some(by),
            Ending::No | Ending::Over => None,
        };
        let up = core.link.is_up();
        let put_off = core.outgoing.due(now).filter(|_| up);
        let resume = (up && core.positions.has_resumes()).then_some(self.resume_at);
        let save = core.positions.next_save().map(|_| self.save_at);
        // What was due already has been tried, and waits for something else.
        let due = [flush, put_off, resume, save, self.again_at].into_iter().flatten().filter(|at| *at > now).min();
        (core.inbox.has_room() || !core.inbox.is_read(), due)
    }

    /// Does all that can be done now.
    fn work(&mut self, now: Instant) {
        self.save(now);
        self.again_at = match self.speak(now) {
            Ok(()) | Err(Stop::NoLine) => None,
            Err(Stop::Until(at)) => Some(at),
        };
        let core = self.shared.lock();
        let is_through = match core.ending {
            Ending::No => false,
            // Marks are only told on a line; without one there is nothing to wait for.
            Ending::Flush { by } => {
                now >= by || core.outgoing.is_empty() && (core.positions.is_settled() || !core.link.is_up())
            }
            Ending::Over => true,
        };
        drop(core);
        if is_through && !self.is_closed {
            self.is_closed = true;
            self.client.close();
        }
    }

    fn save(&mut self, now: Instant) {
        while self.save_at <= now {
            let Some(mark) = self.shared.lock().positions.next_save() else { return };
            match self.cursors.save(&mark) {
                Ok(()) => self.shared.lock().positions.saved(&mark),
                Err(error) => {
                    tracing::warn!(%error, conversation = %mark.conversation, "a mark can't be stored now");
                    self.save_at = now + SAVE_WAIT;
                }
            }
        }
    }

    fn speak(&mut self, now: Instant) -> Result<(), Stop> {
        if !self.shared.lock().link.is_up() {
            return Err(Stop::NoLine);
        }
        self.resume(now)?;
        loop {
            let Some(mark) = self.shared.lock().positions.next_ack() else { break };
            let conversation = mark.conversation.to_string();
            self.say(Body::DeliverAck(v1::DeliverAck { conversation, seq: mark.seq }), now)?;
            self.shared.lock().positions.acked(&mark);
        }
        loop {
            let Some(send) = self.shared.lock().outgoing.next(now) else { return Ok(()) };
            let id = send.message_id.clone();
            self.say(Body::Send(send), now)?;
            self.shared.lock().outgoing.sent(&id);
        }
    }

    fn resume(&mut self, now: Instant) -> Result<(), Stop> {
        while self.resume_at <= now {
            let Some(mark) = self.shared.lock().positions.next_resume() else { return Ok(()) };
            let conversation = mark.conversation.to_string();
            self.say(Body::Resume(v1::Resume { conversation, epoch: mark.epoch, seq: mark.seq }), now)?;
            self.shared.lock().positions.resumed(&mark);
            self.resumes_left = self.resumes_left.saturating_sub(1);
            if self.resumes_left == 0 {
                self.resume_at = now + RESUME_WAIT;
            }
        }
        Ok(())
    }

    fn say(&self, body: Body, now: Instant) -> Result<(), Stop> {
        self.client.post(Say { line: self.line, body }).map_err(|error| match error {
            NotSent::Full => Stop::Until(now + OUTBOX_WAIT),
            NotSent::Refused(WireError::TooLarge { .. }) => {
                tracing::error!("a frame over the limit was not sent");
                Stop::Until(now + SAVE_WAIT)
            }
            _ => Stop::NoLine,
        })
    }

    fn on_event(&mut self, event: client::Event) {
        let now = clock::now();
        let mut core = self.shared.lock();
        match event {
            client::Event::Connecting { endpoint, attempt } => {
                core.link.phase = LinkPhase::Connecting { endpoint: Arc::clone(&endpoint) };
                core.inbox.put(Event::Trying { endpoint, attempt });
            }
            client::Event::Failed { endpoint, error, next_try } => {
                let error: Arc<str> = error.to_string().into();
                core.note(What::Failed { error: Arc::clone(&error) }, Done::Retry(next_try));
                core.link.phase = LinkPhase::Waiting { until: now + next_try };
                core.inbox.put(Event::Failed { endpoint, error, retry_in: next_try });
            }
            client::Event::Up { endpoint } => {
                let Some((line, welcome)) = core.welcomes.pop_front() else { return };
                self.line = line;
                (self.resumes_left, self.resume_at) = (RESUMES_AT_ONCE, now);
                core.on_up(endpoint, welcome, now);
            }
            client::Event::Down { report, next_try } => core.on_down(&report, next_try, now),
            client::Event::Beat(Beat::PongReceived(Some(rtt))) => {
                core.link.rtt = Some(rtt);
                core.inbox.put(Event::Rtt(rtt));
            }
            client::Event::Suspect => core.inbox.put(Event::Suspect),
            _ => {}
        }
    }

    fn on_heard(&self, Heard { line, body }: Heard) {
        let mut core = self.shared.lock();
        match body {
            Body::SendAck(ack) => core.outgoing.on_ack(&ack),
            Body::SendRefused(refused) => core.outgoing.on_refused(refused, clock::now()),
            // Of an older line: it comes again, and its number may mean something else by now. Or nobody takes it.
            _ if line != self.line || !core.inbox.is_read() => {}
            Body::Deliver(deliver) => core.on_deliver(deliver),
            Body::Gap(gap) => core.on_gap(gap),
            Body::Reset(reset) => core.on_reset(reset),
            _ => {}
        }
    }

    /// The client below is closed: what it has heard still counts.
    async fn over(self, reason: Reason) {
        while let Some(heard) = self.client.next_push().await {
            let is_answer = matches!(heard.body, Body::SendAck(_) | Body::SendRefused(_));
            if is_answer || self.shared.lock().inbox.has_room() {
                self.on_heard(heard);
            }
        }
        self.shared.end(reason, self.is_closed);
    }
}

impl Drop for Task {
    /// Also where it panics, or its runtime stops: nobody may wait for ever.
    fn drop(&mut self) {
        self.shared.end(Reason::ServerError, false);
    }
}

impl Core {
    fn on_up(&mut self, endpoint: Arc<str>, welcome: v1::Welcome, now: Instant) {
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

    fn on_down(&mut self, report: &Report, next_try: Option<Duration>, now: Instant) {
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

    fn on_deliver(&mut self, deliver: v1::Deliver) {
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

    fn on_gap(&mut self, gap: v1::Gap) {
        let conversation: Arc<str> = gap.conversation.into();
        if let Some((from, to)) = self.positions.on_gap(&conversation, gap.from, gap.to) {
            let epoch = self.positions.epoch();
            self.inbox.put(Event::Gap(Gap { conversation, epoch, from, to }));
        }
    }

    fn on_reset(&mut self, reset: v1::Reset) {
        let conversation: Arc<str> = reset.conversation.into();
        self.positions.on_reset(&conversation, reset.epoch, reset.seq);
        let mark = super::message::Mark { conversation, epoch: reset.epoch, seq: reset.seq };
        self.inbox.put(Event::Reset(mark));
    }
}
