//! `Witness`: the handle of one device.

use keepline_check::{Op, Phase, Record};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::client::{Client, Order, Ordered, Submission};
use crate::history::History;
use crate::options::Options;
use crate::seen::{Line, Seen};

/// One device of one user: a task that outlives its lines. It ends when the handle is dropped, as a process does that
/// is killed: without a goodbye.
#[derive(Debug)]
pub struct Witness {
    user: String,
    device: String,
    name: String,
    history: History,
    orders: mpsc::Sender<Ordered>,
    submissions: mpsc::Sender<Submission>,
    seen: watch::Receiver<Seen>,
}

/// The final answer to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is stored.
    Stored {
        /// Its number.
        seq: u64,
        /// The server said that it had it already.
        duplicate: bool,
    },
    /// It is not, and won't be.
    Refused {
        /// The word from the table of the protocol.
        code: String,
    },
}

/// The witness has ended, and will not see or say anything more.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("the witness has ended: {reason}")]
#[non_exhaustive]
pub struct Ended {
    /// The word of the close reason.
    pub reason: String,
}

impl Witness {
    /// Connects, and waits until it is logged in. While the server can't be reached it tries again.
    ///
    /// # Errors
    ///
    /// The server refused it for good, as for a wrong token.
    pub async fn connect(options: Options, history: &History) -> Result<Self, Ended> {
        let witness = Self::start(options, history);
        witness.until(|seen| matches!(seen.line, Line::Up { .. })).await?;
        Ok(witness)
    }

    /// Begins to connect, and does not wait.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(options: Options, history: &History) -> Self {
        // One place each: who gives an order or a message waits until it is taken.
        let (orders, from_orders) = mpsc::channel(1);
        let (submissions, from_submissions) = mpsc::channel(1);
        let (to_seen, seen) = watch::channel(Seen::default());
        let (user, device, name) = (options.user.clone(), options.device.clone(), history.client());
        let client = Client::new(options, name.clone(), history.clone(), to_seen);
        tokio::spawn(client.run(from_orders, from_submissions));
        Self { user, device, name, history: history.clone(), orders, submissions, seen }
    }

    /// Sends a message, and waits for its final answer, through cuts and over lines.
    ///
    /// # Errors
    ///
    /// The witness ended before there was an answer.
    pub async fn send(&self, conv: &str, body: &[u8]) -> Result<Verdict, Ended> {
        let answer = self.submit(conv, body).await?;
        answer.await.map_err(|_| self.ended())
    }

    /// Gives a message to the witness as soon as it has fewer than `in_flight` without an answer. The answer may be
    /// left alone: the message is sent all the same.
    ///
    /// # Errors
    ///
    /// The witness has ended.
    pub async fn submit(&self, conv: &str, body: &[u8]) -> Result<oneshot::Receiver<Verdict>, Ended> {
        let (answer, receiver) = oneshot::channel();
        let submission = Submission { conv: conv.to_owned(), body: body.to_owned(), answer };
        self.submissions.send(submission).await.map_err(|_| self.ended())?;
        Ok(receiver)
    }

    /// Waits until what it has seen fits.
    ///
    /// # Errors
    ///
    /// The witness has ended, and it does not.
    pub async fn until(&self, fits: impl FnMut(&Seen) -> bool) -> Result<(), Ended> {
        self.seen.clone().wait_for(fits).await.map(|_| ()).map_err(|_| self.ended())
    }

    /// What it has seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Drops its connection without a word, and comes back. Without one it does nothing. This and the other orders
    /// return when they are carried out.
    pub async fn cut(&self) {
        self.order(Order::Cut).await;
    }

    /// Stops reading until [`Witness::thaw`] or the end of the line: its kernel still takes bytes until the buffer is
    /// full. It still sends, and pings.
    pub async fn freeze(&self) {
        self.order(Order::Freeze).await;
    }

    /// Reads again.
    pub async fn thaw(&self) {
        self.order(Order::Thaw).await;
    }

    /// Says goodbye, and stays away until [`Witness::back`].
    pub async fn away(&self) {
        self.order(Order::Away).await;
    }

    /// Comes back from [`Witness::away`].
    pub async fn back(&self) {
        self.order(Order::Back).await;
    }

    /// Notes how it stood at the end: `true` if it was connected and had its time to catch up, so that what it lacks is
    /// lost; `false` if nobody can say, which makes the run void.
    pub fn drained(&self, had_its_time: bool) {
        let phase = if had_its_time { Phase::Ok } else { Phase::Info };
        self.history.note(Record::new(Op::Drain, phase).by(&self.name, &self.user, &self.device));
    }

    /// Notes that it is left behind on purpose, and what it lacks shall not be judged.
    pub fn left_behind(&self) {
        self.history.note(Record::new(Op::Drain, Phase::Fail).by(&self.name, &self.user, &self.device));
    }

    /// Its user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    async fn order(&self, order: Order) {
        let (done, carried_out) = oneshot::channel();
        // One that has ended has no connection to cut, and nothing to read.
        if self.orders.send((order, done)).await.is_ok() {
            let _ = carried_out.await;
        }
    }

    fn ended(&self) -> Ended {
        let reason = match &self.seen.borrow().line {
            Line::Ended(reason) => reason.clone(),
            Line::Down | Line::Up { .. } => "it failed".to_owned(),
        };
        Ended { reason }
    }
}
