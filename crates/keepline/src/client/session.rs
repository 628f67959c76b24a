//! Session: what a client's current line and its messages in flight have in common.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use keepline_proto::liveness::Heartbeat;
use keepline_proto::wire::{Codec, WireError};
use keepline_proto::{Instant, Reason, RetryHint};
use tokio::sync::{Notify, oneshot};

use super::protocol::{Incoming, Opening, Protocol};
use super::verdict::{NotSent, Outcome, Verdict};
use crate::clock;
use crate::conn::{Connection, Flow, SendError};

/// Endpoints that a peer may name for the way back.
const MOST_NODES: usize = 16;

/// Shared by a client's handles, its task and its line's handler.
pub(super) struct Session<P: Protocol> {
    state: Mutex<State<P>>,
    /// Told when a push has come, and when there will be none any more.
    pub(super) pushed: Notify,
    in_flight: usize,
}

struct State<P: Protocol> {
    protocol: P,
    line: Line<P::Codec>,
    /// Since when the line is up, or the last one was.
    up: Option<Instant>,
    /// Messages without an answer, in the order of sending.
    pending: BTreeMap<u64, Pending<P::Answer>>,
    next_id: u64,
    pushes: VecDeque<P::Answer>,
    wish: Wish,
}

/// What the peer said about coming back.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) hint: Option<RetryHint>,
    /// Where to; the options' list if there are none.
    pub(super) nodes: Vec<Arc<str>>,
}

/// ```text
///   ┌── no handshake ─────────┐
///   │                welcome  ▼
/// Down ──▶ Handshake ───────▶ Up
///   ▲          └──────┬───────┘          from each: ──▶ Closed
///   └─────────────────┘ a goodbye, or the line's end
/// ```
enum Line<C> {
    Down,
    /// Open, but no message is taken yet.
    Handshake(Open<C>),
    Up(Open<C>),
    Closed,
}

struct Open<C> {
    connection: Connection,
    codec: C,
}

/// A line that is about to start.
pub(super) struct Start<C> {
    /// Its driver's.
    pub(super) decoder: C,
    /// The messages'.
    pub(super) encoder: C,
    pub(super) opening: Opening,
    /// What it says first.
    pub(super) hello: Bytes,
}

/// What the line does after a frame.
pub(super) enum Heard {
    Follow(Flow),
    Welcome(Welcome),
}

pub(super) struct Welcome {
    /// Whether the line was waiting for it.
    pub(super) is_awaited: bool,
    pub(super) terms: Option<Arc<Heartbeat>>,
    pub(super) flow: Flow,
}

struct Pending<A> {
    verdict: oneshot::Sender<Verdict<A>>,
    /// Whether the first byte has gone to the kernel.
    sent: Arc<AtomicBool>,
}

impl<P: Protocol> Session<P> {
    pub(super) fn new(protocol: P, in_flight: usize) -> Arc<Self> {
        let state = State {
            protocol,
            line: Line::Down,
            up: None,
            pending: BTreeMap::new(),
            next_id: 0,
            pushes: VecDeque::new(),
            wish: Wish::default(),
        };
        Arc::new(Self { state: Mutex::new(state), pushed: Notify::new(), in_flight })
    }

    pub(super) fn send(&self, message: P::Message) -> Outcome<P::Answer> {
        let mut state = self.lock();
        match state.send(message, self.in_flight) {
            Ok(verdict) => Outcome::open(verdict),
            Err(why) => Outcome::known(Verdict::NotSent(why)),
        }
    }

    pub(super) fn post(&self, message: P::Message) -> Result<(), NotSent> {
        self.lock().queue(message, Arc::default()).map(drop)
    }

    /// What a line that is about to start needs of the protocol.
    pub(super) fn start(&self) -> Result<Start<P::Codec>, WireError> {
        let mut state = self.lock();
        let (decoder, mut encoder) = (state.protocol.codec(), state.protocol.codec());
        let mut hello = Vec::new();
        let opening = state.protocol.hello(&mut encoder, &mut hello)?;
        Ok(Start { decoder, encoder, opening, hello: hello.into() })
    }

    /// From now on messages go to this line, or from its welcome on.
    pub(super) fn open(&self, connection: Connection, codec: P::Codec, opening: Opening, now: Instant) {
        let mut state = self.lock();
        if matches!(state.line, Line::Closed) {
            // Closed while it was connecting: nobody else knows of this line.
            return connection.close(Reason::Bye);
        }
        let open = Open { connection, codec };
        match opening {
            Opening::Up => {
                state.up = Some(now);
                state.line = Line::Up(open);
            }
            Opening::Handshake => state.line = Line::Handshake(open),
        }
    }

    /// Since when the line that has ended was up, if it ever was.
    pub(super) fn take_up(&self) -> Option<Instant> {
        self.lock().up.take()
    }

    /// The line is gone: each message in flight has its verdict before this returns.
    pub(super) fn down(&self, reason: Reason) {
        let mut state = self.lock();
        if !matches!(state.line, Line::Closed) {
            state.line = Line::Down;
        }
        for (_, pending) in std::mem::take(&mut state.pending) {
            pending.end(reason);
        }
    }

    /// What the peer of the line that has ended said about coming back.
    pub(super) fn take_wish(&self) -> Wish {
        std::mem::take(&mut self.lock().wish)
    }

    /// No line will come any more.
    pub(super) fn close(&self) {
        let line = std::mem::replace(&mut self.lock().line, Line::Closed);
        if let Some(connection) = line.connection() {
            connection.close(Reason::Bye);
        }
        self.pushed.notify_waiters();
    }

    /// Takes the oldest push: `Err(true)` if there will be none any more.
    pub(super) fn take_push(&self) -> Result<P::Answer, bool> {
        let mut state = self.lock();
        let push = state.pushes.pop_front();
        if state.pushes.len() == self.in_flight / 2
            && let Some(connection) = state.line.connection()
        {
            connection.resume();
        }
        if !state.pushes.is_empty() {
            // Two pushes that come before their two waiters wait leave one permit.
            self.pushed.notify_one();
        }
        push.ok_or(matches!(state.line, Line::Closed))
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        // A panic in a protocol's method may leave a message without its verdict, nothing worse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn on_frame(&self, frame: <P::Codec as Codec>::Frame<'_>) -> Heard {
        let mut state = self.lock();
        let flow = match state.protocol.on_frame(frame) {
            Incoming::Answer(answer) => match state.pending.pop_first() {
                Some((_, pending)) => pending.answer(answer),
                None => self.push(&mut state, answer),
            },
            Incoming::AnswerTo(id, answer) => match state.pending.remove(&id) {
                Some(pending) => pending.answer(answer),
                None => {
                    tracing::debug!(id, "late or double answer ignored");
                    Flow::Continue
                }
            },
            Incoming::Push(push) => self.push(&mut state, push),
            Incoming::Welcome(terms) => {
                let is_awaited = state.welcome(clock::now());
                return Heard::Welcome(Welcome { is_awaited, terms, flow: self.room(&state) });
            }
            Incoming::Ignore => Flow::Continue,
            Incoming::GoAway(hint, mut nodes) => {
                nodes.truncate(MOST_NODES);
                state.wish = Wish { hint: Some(hint), nodes };
                Flow::Continue
            }
            Incoming::Goodbye(reason, hint) => {
                state.wish.hint = hint.or(state.wish.hint);
                state.settle(reason);
                Flow::Close(reason)
            }
        };
        Heard::Follow(flow)
    }

    /// Whether the line reads: each new one would add a push to those that wait since an older line.
    pub(super) fn may_read(&self) -> Flow {
        self.room(&self.lock())
    }

    /// Keeps a push for the application; one that does not take them stops the line's reading.
    fn push(&self, state: &mut State<P>, push: P::Answer) -> Flow {
        state.pushes.push_back(push);
        self.pushed.notify_one();
        self.room(state)
    }

    fn room(&self, state: &State<P>) -> Flow {
        if state.pushes.len() >= self.in_flight { Flow::Pause } else { Flow::Continue }
    }
}

impl<P: Protocol> State<P> {
    /// No answer will be read any more: what has left has its verdict now, the rest when it is known to stay.
    fn settle(&mut self, reason: Reason) {
        if self.line.connection().is_some() {
            self.line = Line::Down;
        }
        for (_, pending) in self.pending.extract_if(.., |_, pending| pending.is_sent()) {
            pending.end(reason);
        }
    }

    /// The peer lets the line in; whether it was waiting for that.
    fn welcome(&mut self, now: Instant) -> bool {
        match std::mem::replace(&mut self.line, Line::Down) {
            Line::Handshake(open) => {
                self.up = Some(now);
                self.line = Line::Up(open);
                true
            }
            line => {
                self.line = line;
                false
            }
        }
    }

    fn send(
        &mut self,
        message: P::Message,
        in_flight: usize,
    ) -> Result<oneshot::Receiver<Verdict<P::Answer>>, NotSent> {
        if matches!(self.line, Line::Up(_)) && self.pending.len() >= in_flight {
            return Err(NotSent::Full);
        }
        let sent = Arc::new(AtomicBool::new(false));
        let id = self.queue(message, Arc::clone(&sent))?;
        let (verdict, outcome) = oneshot::channel();
        self.pending.insert(id, Pending { verdict, sent });
        Ok(outcome)
    }

    /// Puts a message into the line's outbox; the number that it got.
    fn queue(&mut self, message: P::Message, sent: Arc<AtomicBool>) -> Result<u64, NotSent> {
        let (connection, codec) = match &mut self.line {
            Line::Up(Open { connection, codec }) => (connection, codec),
            Line::Down | Line::Handshake(_) => return Err(NotSent::NotConnected),
            Line::Closed => return Err(NotSent::Closed),
        };
        let id = self.next_id;
        let mut frame = Vec::new();
        self.protocol.encode(id, message, codec, &mut frame).map_err(NotSent::Refused)?;
        self.next_id += 1;
        connection.send_marked(Bytes::from(frame), sent).map_err(|error| match error {
            SendError::Full { .. } => NotSent::Full,
            SendError::Ended => NotSent::NotConnected,
        })?;
        Ok(id)
    }
}

impl<C> Line<C> {
    const fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Handshake(open) | Self::Up(open) => Some(&open.connection),
            Self::Down | Self::Closed => None,
        }
    }
}

impl<A> Pending<A> {
    fn answer(self, answer: A) -> Flow {
        // Nobody waits for a dropped outcome.
        let _ = self.verdict.send(Verdict::Answered(answer));
        Flow::Continue
    }

    fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    fn end(self, reason: Reason) {
        let verdict = match self.is_sent() {
            true => Verdict::MaybeSent(reason),
            false => Verdict::NotSent(NotSent::Ended(reason)),
        };
        let _ = self.verdict.send(verdict);
    }
}

#[cfg(test)]
mod tests {
    use keepline_proto::wire::echo::Echo;
    use keepline_proto::{Duration, liveness::Heartbeat};

    use super::super::EchoProtocol;
    use super::super::event;
    use super::super::listen::Listen;
    use super::*;
    use crate::conn::{Driver, Environment, LineId};
    use crate::settings::Settings;

    #[tokio::test(start_paused = true)]
    async fn a_line_that_comes_after_the_close_says_bye() {
        let session = Session::new(EchoProtocol, 1);
        let (teller, _events) = event::channel();
        let settings = Settings::new(Heartbeat::off());
        let (io, _peer) = tokio::io::duplex(64);
        let listen = Listen { session: Arc::clone(&session), teller, endpoint: "a".into(), opening: Opening::Up };
        let driver = Driver::new(io, listen, Echo::strict(), Environment::new(settings, None), LineId(1));
        session.close();
        session.open(driver.connection(), Echo::strict(), Opening::Up, clock::now());
        let limit = Duration::from_secs(2).to_std();
        let report = tokio::time::timeout(limit, driver).await.expect("the line ends");
        assert_eq!(report.reason, Reason::Bye);
    }
}
