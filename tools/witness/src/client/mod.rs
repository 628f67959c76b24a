//! `Client`: the task behind a witness. It outlives every line, and notes all that it is told.
//!
//! ```text
//!            login                    the line ends
//!  Down ───────────────▶ Conversing ──────────────▶ Down, after a wait, if the reason lets it come back
//!   │ ▲                      │
//!   │ └── back ── Away ◀── away
//!   └──────────────────────▶ Ended: the handle is gone, or the reason says stay
//! ```

mod ending;
mod line;
mod sends;

use std::time::Duration;

use keepline_check::{BodyHash, MessageId, Op, Phase, Record};
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::{Backoff, BackoffSettings, RetryHint};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::application::Account;
use crate::history::{History, monotonic};
use crate::options::{Acks, Options};
use crate::seen::{Line as LineSeen, Seen};
use crate::witness::Verdict;

use ending::{Ending, Next};
use line::Line;
use sends::Sends;

/// What a handle asks of its task, and what it drops when it is done.
pub(crate) type Ordered = (Order, oneshot::Sender<()>);

/// What a handle asks of its task.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Cut,
    Freeze,
    Thaw,
    Away,
    Back,
}

/// A message to send, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) conv: String,
    pub(crate) body: Vec<u8>,
    pub(crate) answer: oneshot::Sender<Verdict>,
}

pub(crate) struct Client {
    options: Options,
    /// The client's name in the history.
    name: String,
    history: History,
    seen: watch::Sender<Seen>,
    backoff: Backoff,
    sends: Sends,
    /// Of the line there is, or of the last.
    welcome: v1::Welcome,
    /// What the server asked for when it said that it goes.
    go_away: Option<Duration>,
}

impl Client {
    pub(crate) fn new(options: Options, name: String, history: History, seen: watch::Sender<Seen>) -> Self {
        let settings = BackoffSettings::new(options.first_wait, options.longest_wait, Duration::from_secs(1));
        let backoff = Backoff::new(settings.unwrap_or_default(), options.seed);
        // No two clients of a run may choose the same id, and no two runs.
        let space = BodyHash::of(format!("{name} {} {}", options.seed, monotonic()).as_bytes()).0;
        let sends = Sends::new(space);
        Self { options, name, history, seen, backoff, sends, welcome: v1::Welcome::default(), go_away: None }
    }

    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Ordered>, mut messages: mpsc::Receiver<Submission>) {
        loop {
            let ending = self.live(&mut orders, &mut messages).await;
            self.down(&ending);
            let next = if self.options.reconnect { ending.next(self.go_away.take()) } else { Next::Stay };
            let goes_on = match next {
                Next::Back(after) => self.wait(after, &mut orders).await,
                Next::WhenTold => stay_away(&mut orders).await,
                Next::Stay => false,
            };
            if !goes_on {
                let reason = ending.word();
                self.seen.send_modify(|seen| seen.line = LineSeen::Ended(reason));
                return;
            }
        }
    }

    /// One line, from its login to its end.
    async fn live(
        &mut self,
        orders: &mut mpsc::Receiver<Ordered>,
        messages: &mut mpsc::Receiver<Submission>,
    ) -> Ending {
        self.note(Record::new(Op::Login, Phase::Invoke));
        let opened = tokio::select! {
            opened = Line::open(&self.options) => opened,
            ending = ordered_end(orders) => Err(ending),
        };
        let (mut line, welcome) = match opened {
            Ok(opened) => opened,
            Err(ending) => {
                let refused = matches!(ending, Ending::Closed { .. });
                self.note(Record::new(Op::Login, if refused { Phase::Fail } else { Phase::Info }));
                return ending;
            }
        };
        self.up(welcome, &mut line);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some((Order::Freeze, _done)) => line.freeze(),
                    Some((Order::Thaw, _done)) => line.thaw(),
                    Some((Order::Cut, _done)) => return Ending::Cut("cut by the test".to_owned()),
                    Some((Order::Away, _done)) => {
                        line.farewell().await;
                        return Ending::Away;
                    }
                    Some((Order::Back, _done)) => {}
                    None => return Ending::Dropped,
                },
                Some(message) = messages.recv(), if self.sends.open() < self.options.in_flight.max(1) => {
                    let id = self.sends.add(message);
                    self.attempt(id, &mut line);
                }
                id = self.sends.due() => self.attempt(id, &mut line),
                body = line.next() => match body {
                    Ok(body) => if let Some(ending) = self.take(body, &mut line) { return ending },
                    Err(ending) => return ending,
                },
            }
        }
    }

    fn up(&mut self, welcome: v1::Welcome, line: &mut Line) {
        self.welcome = welcome;
        self.backoff.on_up(line::now());
        self.note(Record::new(Op::Login, Phase::Ok));
        if self.options.resume {
            for Account { conv, epoch, seq } in self.options.application.accounts() {
                line.say(Body::Resume(v1::Resume { conversation: conv, epoch, seq }));
            }
        }
        for id in self.sends.all() {
            self.attempt(id, line);
        }
        let session = self.welcome.session;
        self.seen.send_modify(|seen| {
            seen.logins += 1;
            seen.line = LineSeen::Up { session };
        });
    }

    /// The line is gone: what was under way is unknown.
    fn down(&mut self, ending: &Ending) {
        let lost = self.sends.line_lost();
        for (conv, id) in &lost {
            self.note(Record::new(Op::Send, Phase::Info).message(conv, *id));
        }
        let was_up = matches!(self.seen.borrow().line, LineSeen::Up { .. });
        let cut = was_up && ending.is_cut();
        if cut {
            self.note(Record::new(Op::Cut, Phase::Info));
        }
        if ending.is_fence() {
            self.note(Record::new(Op::Fence, Phase::Info));
        }
        self.seen.send_modify(|seen| {
            seen.line = LineSeen::Down;
            seen.infos += lost.len() as u64;
            seen.cuts += u64::from(cut);
        });
    }

    /// Waits with jitter; false if the handle is gone.
    async fn wait(&mut self, after: Duration, orders: &mut mpsc::Receiver<Ordered>) -> bool {
        let hint = RetryHint { after: after.into(), spread: keepline_proto::Duration::ZERO };
        let wait = sleep(self.backoff.on_down(line::now(), Some(hint)).to_std());
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => return true,
                order = orders.recv() => match order {
                    Some((Order::Away, done)) => {
                        drop(done);
                        return stay_away(orders).await;
                    }
                    Some((Order::Cut | Order::Freeze | Order::Thaw | Order::Back, _done)) => {}
                    None => return false,
                },
            }
        }
    }

    /// Sends a message that has no answer, for the first time or again.
    fn attempt(&mut self, id: MessageId, line: &mut Line) {
        let Some(send) = self.sends.begin(id) else { return };
        self.note(Record::new(Op::Send, Phase::Invoke).message(&send.conversation, id).body(BodyHash::of(&send.body)));
        line.say(Body::Send(send));
    }

    /// Takes a frame of the server; an ending if it was the last.
    fn take(&mut self, body: Body, line: &mut Line) -> Option<Ending> {
        match body {
            Body::SendAck(ack) => self.stored(&ack),
            Body::SendRefused(refusal) => self.refused(refusal),
            Body::Deliver(message) => self.delivered(&message, line),
            Body::Gap(gap) => {
                let record = Record::new(Op::Gap, Phase::Info).conv(&gap.conversation);
                self.note(record.seq(gap.from).to(gap.to));
            }
            Body::Reset(reset) => {
                self.options.application.reset(&reset.conversation, reset.epoch, reset.seq);
                self.note(Record::new(Op::Reset, Phase::Info).conv(&reset.conversation).seq(reset.seq));
            }
            Body::Terms(terms) => line.set_terms(&terms),
            Body::GoAway(bye) => self.go_away = Some(Duration::from_millis(bye.retry_after_ms.into())),
            Body::Close(close) => return Some(Ending::closed(close)),
            // What a server does not say, and what only a heartbeat needs.
            _ => {}
        }
        None
    }

    fn stored(&mut self, ack: &v1::SendAck) {
        // A second answer to the same message, as to an attempt that was sent again, says nothing new.
        let Some(open) = message_id(&ack.message_id).and_then(|id| self.sends.answer(id)) else { return };
        self.note(Record::new(Op::Send, Phase::Ok).message(&open.conv, open.id).seq(ack.seq));
        self.seen.send_modify(|seen| {
            seen.acked += 1;
            let conv = seen.conv(&open.conv);
            conv.own = conv.own.max(ack.seq);
        });
        // Who asked may be gone.
        let _ = open.answer.send(Verdict::Stored { seq: ack.seq, duplicate: ack.duplicate });
    }

    fn refused(&mut self, refusal: v1::SendRefused) {
        let Some(id) = message_id(&refusal.message_id) else { return };
        if refusal.retry {
            if let Some(conv) = self.sends.put_off(id) {
                self.note(Record::new(Op::Send, Phase::Info).message(&conv, id));
                self.seen.send_modify(|seen| seen.infos += 1);
            }
        } else if let Some(open) = self.sends.answer(id) {
            self.note(Record::new(Op::Send, Phase::Fail).message(&open.conv, id));
            self.seen.send_modify(|seen| seen.refused += 1);
            let _ = open.answer.send(Verdict::Refused { code: refusal.code });
        }
    }

    /// Noted before it is acknowledged: what a killed process has acknowledged stands in its history.
    fn delivered(&mut self, message: &v1::Deliver, line: &mut Line) {
        let (conv, seq) = (&message.conversation, message.seq);
        // An id that is none is noted as one that nobody chose, and turns up as unexpected.
        let id = message_id(&message.message_id).unwrap_or(MessageId(0));
        let record = |op| Record::new(op, Phase::Ok).message(conv, id).seq(seq).body(BodyHash::of(&message.body));
        self.note(record(Op::Receive));
        let new = self.options.application.take(conv, self.welcome.epoch, seq);
        if new {
            self.note(record(Op::Deliver));
        }
        let due = match self.options.acks {
            Acks::Each => true,
            Acks::Every(count) => seq.is_multiple_of(count.max(1)),
            Acks::Never => false,
        };
        if due {
            line.say(Body::DeliverAck(v1::DeliverAck { conversation: conv.clone(), seq }));
        }
        self.seen.send_modify(|seen| {
            seen.received += 1;
            seen.delivered += u64::from(new);
            let taken = seen.conv(conv);
            taken.delivered += u64::from(new);
            taken.highest = taken.highest.max(seq);
        });
    }

    fn note(&self, record: Record) {
        let session = if record.op == Op::Login && record.phase != Phase::Ok { 0 } else { self.welcome.session };
        let mut record = record.by(&self.name, &self.options.user, &self.options.device).session(session);
        record.node.clone_from(&self.welcome.node);
        self.history.note(record);
    }
}

/// Resolves when the test wants no line while one is being made.
async fn ordered_end(orders: &mut mpsc::Receiver<Ordered>) -> Ending {
    loop {
        match orders.recv().await {
            Some((Order::Cut, _done)) => return Ending::Cut("cut by the test".to_owned()),
            Some((Order::Away, _done)) => return Ending::Away,
            Some((Order::Freeze | Order::Thaw | Order::Back, _done)) => {}
            None => return Ending::Dropped,
        }
    }
}

/// Waits for the order to come back; false if the handle is gone.
async fn stay_away(orders: &mut mpsc::Receiver<Ordered>) -> bool {
    loop {
        match orders.recv().await {
            Some((Order::Back, _done)) => return true,
            Some((Order::Cut | Order::Freeze | Order::Thaw | Order::Away, _done)) => {}
            None => return false,
        }
    }
}

fn message_id(bytes: &[u8]) -> Option<MessageId> {
    bytes.try_into().ok().map(|bytes| MessageId(u128::from_be_bytes(bytes)))
}
