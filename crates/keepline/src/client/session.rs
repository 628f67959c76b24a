//! Session: what a client's current line and its messages in flight have in common.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use keepline_proto::wire::Codec;
use keepline_proto::{Reason, RetryHint};
use tokio::sync::{Notify, oneshot};

use super::protocol::{Incoming, Protocol};
use super::verdict::{NotSent, Outcome, Verdict};
use crate::conn::{Connection, Flow, SendError};

/// Shared by a client's handles, its task and its line's handler.
pub(super) struct Session<P: Protocol> {
    state: Mutex<State<P>>,
    /// Told when a push has come, and when there will be none any more.
    pub(super) pushed: Notify,
    in_flight: usize,
}

pub(super) struct State<P: Protocol> {
    protocol: P,
    line: Line<P::Codec>,
    /// Messages without an answer, in the order of sending.
    pending: BTreeMap<u64, Pending<P::Answer>>,
    next_id: u64,
    pushes: VecDeque<P::Answer>,
    hint: Option<RetryHint>,
}

enum Line<C> {
    Down,
    Up { connection: Connection, codec: C },
    Closed,
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
            pending: BTreeMap::new(),
            next_id: 0,
            pushes: VecDeque::new(),
            hint: None,
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

    /// The codecs for a line that is about to start: one for its driver, one for the messages.
    pub(super) fn codecs(&self) -> [P::Codec; 2] {
        let mut state = self.lock();
        [state.protocol.codec(), state.protocol.codec()]
    }

    /// From now on messages go to this line.
    pub(super) fn up(&self, connection: Connection, codec: P::Codec) {
        let mut state = self.lock();
        match state.line {
            // Closed while it was connecting: nobody else knows of this line.
            Line::Closed => connection.close(Reason::Bye),
            _ => state.line = Line::Up { connection, codec },
        }
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

    /// What the server said about coming back, if it did.
    pub(super) fn take_hint(&self) -> Option<RetryHint> {
        self.lock().hint.take()
    }

    /// No line will come any more.
    pub(super) fn close(&self) {
        let line = std::mem::replace(&mut self.lock().line, Line::Closed);
        if let Line::Up { connection, .. } = line {
            connection.close(Reason::Bye);
        }
        self.pushed.notify_waiters();
    }

    /// Takes the oldest push: `Err(true)` if there will be none any more.
    pub(super) fn take_push(&self) -> Result<P::Answer, bool> {
        let mut state = self.lock();
        let push = state.pushes.pop_front();
        if state.pushes.len() == self.in_flight / 2
            && let Line::Up { connection, .. } = &state.line
        {
            connection.resume();
        }
        if !state.pushes.is_empty() {
            // Two pushes that come before their two waiters wait leave one permit.
            self.pushed.notify_one();
        }
        push.ok_or(matches!(state.line, Line::Closed))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<P>> {
        // A panic in a protocol's method may leave a message without its verdict, nothing worse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn on_frame(&self, frame: <P::Codec as Codec>::Frame<'_>) -> Flow {
        let mut state = self.lock();
        match state.protocol.on_frame(frame) {
            Incoming::Answer(answer) => match state.pending.pop_first() {
                Some((_, pending)) => pending.answer(answer),
                None => return self.push(&mut state, answer),
            },
            Incoming::AnswerTo(id, answer) => match state.pending.remove(&id) {
                Some(pending) => pending.answer(answer),
                None => tracing::debug!(id, "late or double answer ignored"),
            },
            Incoming::Push(push) => return self.push(&mut state, push),
            Incoming::Ignore => {}
            Incoming::Goodbye(reason, hint) => {
                state.hint = hint;
                state.settle(reason);
                return Flow::Close(reason);
            }
        }
        Flow::Continue
    }

    /// Keeps a push for the application; one that does not take them stops the line's reading.
    fn push(&self, state: &mut State<P>, push: P::Answer) -> Flow {
        state.pushes.push_back(push);
        self.pushed.notify_one();
        self.room(state)
    }

    pub(super) fn room(&self, state: &State<P>) -> Flow {
        if state.pushes.len() >= self.in_flight { Flow::Pause } else { Flow::Continue }
    }
}

impl<P: Protocol> State<P> {
    /// No answer will be read any more: what has left has its verdict now, the rest when it is known to stay.
    fn settle(&mut self, reason: Reason) {
        if matches!(self.line, Line::Up { .. }) {
            self.line = Line::Down;
        }
        for (_, pending) in self.pending.extract_if(.., |_, pending| pending.is_sent()) {
            pending.end(reason);
        }
    }

    fn send(
        &mut self,
        message: P::Message,
        in_flight: usize,
    ) -> Result<oneshot::Receiver<Verdict<P::Answer>>, NotSent> {
        let (connection, codec) = match &mut self.line {
            Line::Up { connection, codec } => (connection, codec),
            Line::Down => return Err(NotSent::NotConnected),
            Line::Closed => return Err(NotSent::Closed),
        };
        if self.pending.len() >= in_flight {
            return Err(NotSent::Full);
        }
        let id = self.next_id;
        let mut frame = Vec::new();
        self.protocol.encode(id, message, codec, &mut frame).map_err(NotSent::Refused)?;
        self.next_id += 1;
        let sent = Arc::new(AtomicBool::new(false));
        connection.send_marked(Bytes::from(frame), Arc::clone(&sent)).map_err(|error| match error {
            SendError::Full { .. } => NotSent::Full,
            SendError::Ended => NotSent::NotConnected,
        })?;
        let (verdict, outcome) = oneshot::channel();
        self.pending.insert(id, Pending { verdict, sent });
        Ok(outcome)
    }
}

impl<A> Pending<A> {
    fn answer(self, answer: A) {
        // Nobody waits for a dropped outcome.
        let _ = self.verdict.send(Verdict::Answered(answer));
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
        let listen = Listen { session: Arc::clone(&session), teller };
        let driver = Driver::new(io, listen, Echo::strict(), Environment::new(settings, None), LineId(1));
        session.close();
        session.up(driver.connection(), Echo::strict());
        let limit = Duration::from_secs(2).to_std();
        let report = tokio::time::timeout(limit, driver).await.expect("the line ends");
        assert_eq!(report.reason, Reason::Bye);
    }
}
