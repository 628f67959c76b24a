//! Task: carries a chat's ledger to the client below and back; it outlives every line.

use std::io;
use std::sync::Arc;

use keepline_proto::wire::WireError;
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::{Duration, Instant, Reason};
use tokio::task::spawn_blocking;

use super::cursors::Cursors;
use super::event::Event;
use super::ledger::Ending;
use super::message::Mark;
use super::saving::Saving;
use super::shared::Shared;
use super::state::LinkPhase;
use super::timeline::{Done, What};
use super::wire::{Heard, Say, V1};
use crate::client::{self, Client, NotSent};
use crate::clock;
use crate::conn::Beat;

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
    cursors: Option<Arc<dyn Cursors>>,
    saving: Saving,
    /// The number of the line there is, or of the last.
    line: u64,
    resumes_left: u32,
    resume_at: Instant,
    /// When to try again what did not go.
    again_at: Option<Instant>,
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
        cursors: Option<Arc<dyn Cursors>>,
    ) -> Self {
        Self {
            shared,
            client,
            events,
            cursors,
            saving: Saving::Idle,
            line: 0,
            resumes_left: 0,
            resume_at: Instant::START,
            again_at: None,
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
                result = self.saving.result() => self.on_saved(result),
                () = self.shared.work.notified() => {}
                () = wait, if due.is_some() => {}
            }
        }
    }

    /// Whether to read on, and when to do something by itself.
    fn outlook(&self, now: Instant) -> (bool, Option<Instant>) {
        let ledger = self.shared.lock();
        let flush = match ledger.ending {
            Ending::Flush { by } => Some(by),
            Ending::No | Ending::Over => None,
        };
        let up = ledger.link.is_up();
        let put_off = ledger.outgoing.due(now).filter(|_| up);
        let resume = (up && ledger.positions.has_resumes()).then_some(self.resume_at);
        let save = if let Saving::Rest { until } = self.saving { Some(until) } else { None };
        // What was due already has been tried, and waits for something else.
        let due = [flush, put_off, resume, save, self.again_at].into_iter().flatten().filter(|at| *at > now).min();
        (ledger.inbox.has_room() || !ledger.inbox.is_read(), due)
    }

    /// Does all that can be done now.
    fn work(&mut self, now: Instant) {
        self.save(now);
        self.again_at = match self.speak(now) {
            Ok(()) | Err(Stop::NoLine) => None,
            Err(Stop::Until(at)) => Some(at),
        };
        let ledger = self.shared.lock();
        let is_through = match ledger.ending {
            Ending::No => false,
            Ending::Flush { by } => {
                // Marks are told on a line; without one there is nothing to wait for once they are stored.
                let is_told = ledger.positions.is_settled() || !ledger.link.is_up();
                now >= by || ledger.outgoing.is_empty() && ledger.positions.unsaved().next().is_none() && is_told
            }
            Ending::Over => true,
        };
        drop(ledger);
        if is_through && !self.is_closed {
            self.is_closed = true;
            self.client.close();
        }
    }

    fn save(&mut self, now: Instant) {
        match self.saving {
            Saving::Running(..) => return,
            Saving::Rest { until } if until > now => return,
            Saving::Rest { .. } | Saving::Idle => self.saving = Saving::Idle,
        }
        let mut ledger = self.shared.lock();
        let marks: Vec<Mark> = ledger.positions.unsaved().collect();
        match &self.cursors {
            _ if marks.is_empty() => {}
            // The server's account is all there is.
            None => marks.iter().for_each(|mark| ledger.positions.saved(mark)),
            Some(cursors) => {
                let (cursors, due) = (Arc::clone(cursors), marks.clone());
                self.saving = Saving::Running(marks, spawn_blocking(move || cursors.save(&due)));
            }
        }
    }

    fn on_saved(&mut self, result: io::Result<()>) {
        let Saving::Running(marks, _) = std::mem::replace(&mut self.saving, Saving::Idle) else { return };
        match result {
            Ok(()) => {
                let mut ledger = self.shared.lock();
                marks.iter().for_each(|mark| ledger.positions.saved(mark));
            }
            Err(error) => {
                tracing::warn!(%error, marks = marks.len(), "marks can't be stored now");
                self.saving = Saving::Rest { until: clock::now() + SAVE_WAIT };
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
            let Some(send) = self.shared.lock().outgoing.next(now) else { break };
            let id = send.message_id.clone();
            self.say(Body::Send(send), now)?;
            self.shared.lock().outgoing.sent(&id);
        }
        loop {
            let Some(mark) = self.shared.lock().next_read() else { return Ok(()) };
            let conversation = mark.conversation.to_string();
            self.say(Body::ReadMark(v1::ReadMark { conversation, seq: mark.seq }), now)?;
            self.shared.lock().reads.told(&mark);
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
        let mut ledger = self.shared.lock();
        match event {
            client::Event::Connecting { endpoint, attempt } => {
                ledger.link.phase = LinkPhase::Connecting { endpoint: Arc::clone(&endpoint) };
                ledger.inbox.put(Event::Trying { endpoint, attempt });
            }
            client::Event::Failed { endpoint, error, next_try } => {
                let error: Arc<str> = error.to_string().into();
                ledger.note(What::Failed { error: Arc::clone(&error) }, Done::Retry(next_try));
                ledger.link.phase = LinkPhase::Waiting { until: now + next_try };
                ledger.inbox.put(Event::Failed { endpoint, error, retry_in: next_try });
            }
            client::Event::Up { endpoint } => {
                let Some((line, welcome)) = ledger.welcomes.pop_front() else { return };
                self.line = line;
                (self.resumes_left, self.resume_at) = (RESUMES_AT_ONCE, now);
                ledger.on_up(endpoint, welcome, now);
            }
            client::Event::Down { report, next_try } => ledger.on_down(&report, next_try, now),
            client::Event::Beat(Beat::PongReceived(Some(rtt))) => {
                ledger.link.rtt = Some(rtt);
                ledger.inbox.put(Event::Rtt(rtt));
            }
            client::Event::Suspect => ledger.inbox.put(Event::Suspect),
            _ => {}
        }
    }

    fn on_heard(&self, Heard { line, body }: Heard) {
        let mut ledger = self.shared.lock();
        match body {
            Body::SendAck(ack) => ledger.outgoing.on_ack(&ack),
            Body::SendRefused(refused) => ledger.outgoing.on_refused(refused, clock::now()),
            // Of an older line: it comes again, and its number may mean something else by now. Or nobody takes it.
            _ if line != self.line || !ledger.inbox.is_read() => {}
            Body::Deliver(deliver) => ledger.on_deliver(deliver),
            Body::Gap(gap) => ledger.on_gap(gap),
            Body::Reset(reset) => ledger.on_reset(reset),
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
