//! Task: the loop of a client, which outlives every line.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::Arc;

use keepline_proto::{Duration, Reason, Reconnect};
use tokio::sync::watch;

use super::event::{Event, Teller};
use super::listen::Listen;
use super::plan::{Plan, Step};
use super::protocol::Opening;
use super::seed::random_seed;
use super::session::{Session, Start, Wish};
use super::{Connect, Options, Protocol};
use crate::clock;
use crate::conn::{Cause, Driver, Environment, LineId, Report};

/// Connects, waits for the line's end, decides whether and when to come back; until closed.
///
/// Attempts and lines run in tasks of their own: a panic in a connector or a protocol fails that one, and the loop goes
/// on.
pub(super) struct Task<C, P: Protocol> {
    connect: Arc<C>,
    options: Options,
    session: Arc<Session<P>>,
    closed: watch::Receiver<bool>,
    teller: Teller,
    plan: Plan,
    /// Where the last line's peer asked to go, as far as it was not tried.
    offered: VecDeque<Arc<str>>,
    seed: u64,
    environment: Arc<Environment>,
    lines: u64,
}

/// What follows an attempt, or a line.
enum Next {
    Wait(Duration),
    Over(Reason),
}

impl<C: Connect, P: Protocol> Task<C, P> {
    pub(super) fn new(
        connect: C,
        options: Options,
        session: Arc<Session<P>>,
        closed: watch::Receiver<bool>,
        teller: Teller,
    ) -> Self {
        // Drawn here: options are cloned for many clients.
        let seed = options.seed.unwrap_or_else(random_seed);
        let plan = Plan::new(options.endpoints.len(), options.backoff, seed);
        let mut settings = options.settings.clone();
        // A line without a handshake ends this deadline as it opens.
        settings.handshake_within.get_or_insert(options.connect_within);
        let environment = Environment::new(settings, None);
        let (connect, offered) = (Arc::new(connect), VecDeque::new());
        Self { connect, options, session, closed, teller, plan, offered, seed, environment, lines: 0 }
    }

    pub(super) async fn run(mut self) {
        let reason = loop {
            match self.attempt().await {
                Next::Wait(wait) => {
                    let waited = self.unless_closed(tokio::time::sleep(wait.to_std())).await;
                    if waited.is_none() {
                        break Reason::Bye;
                    }
                }
                Next::Over(reason) => break reason,
            }
        };
        self.session.close();
        self.teller.tell_last(Event::Closed { reason });
    }

    async fn attempt(&mut self) -> Next {
        let (index, attempt) = self.plan.begin();
        let (endpoint, listed) = match self.offered.pop_front() {
            Some(offered) => (offered, false),
            None => (Arc::clone(&self.options.endpoints[index]), true),
        };
        self.teller.tell(Event::Connecting { endpoint: Arc::clone(&endpoint), attempt });
        let (connect, to) = (Arc::clone(&self.connect), Arc::clone(&endpoint));
        let within = self.options.connect_within;
        let session = Arc::clone(&self.session);
        let mut connecting = tokio::spawn(async move {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {within}"));
            let io = tokio::time::timeout(within.to_std(), connect.connect(&to)).await.map_err(late)??;
            // Here, as the protocol too may panic.
            let start = session.start().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            Ok((io, start))
        });
        let result = match self.unless_closed(&mut connecting).await {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(io::Error::other(panic)),
            None => {
                connecting.abort();
                return Next::Over(Reason::Bye);
            }
        };
        match result {
            Ok((io, start)) => self.line(io, start, endpoint).await,
            Err(error) => self.failed(error, endpoint, listed),
        }
    }

    fn failed(&mut self, error: io::Error, endpoint: Arc<str>, listed: bool) -> Next {
        // What a peer has named is tried once; the list's own turn comes when that is through.
        let step = if listed { self.plan.on_failed(clock::now()) } else { Step::Try(Duration::ZERO) };
        let Step::Try(next_try) = step else { return Next::Over(Reason::IoError) };
        tracing::debug!(%endpoint, %error, %next_try, "connect failed");
        self.teller.tell(Event::Failed { endpoint, error: Arc::new(error), next_try });
        Next::Wait(next_try)
    }

    async fn line(&mut self, io: C::Io, start: Start<P::Codec>, endpoint: Arc<str>) -> Next {
        let Start { decoder, encoder, opening, hello } = start;
        self.lines += 1;
        let id = LineId(self.lines);
        let (session, teller) = (Arc::clone(&self.session), self.teller.clone());
        let listen = Listen { session, teller, endpoint: Arc::clone(&endpoint), opening };
        let driver = Driver::new(io, listen, decoder, Arc::clone(&self.environment), id);
        let opened = clock::now();
        let connection = driver.connection();
        if !hello.is_empty() && connection.send(hello).is_err() {
            connection.close(Reason::TooLarge);
        }
        // In this order: who hears that the line is up can send, and the line's own events come after it.
        self.session.open(connection, encoder, opening, opened);
        if opening == Opening::Up {
            self.teller.tell(Event::Up { endpoint });
        }
        let ended = tokio::spawn(driver).await;
        let now = clock::now();
        if let Some(up) = self.session.take_up() {
            self.plan.on_up(up);
            self.offered.clear();
        }
        let report = ended.unwrap_or_else(|_| Report::new(id, Reason::ServerError, opened, now));
        let reason = report.reason;
        let Wish { hint, nodes } = self.session.take_wish();
        self.offer(nodes);
        let step = match &report.cause {
            // Our own verdict on the peer's bytes, not its word: another endpoint may speak the protocol.
            Some(Cause::Wire(_)) if reason.reconnect() == Reconnect::No => self.plan.on_garbled(now),
            _ => self.plan.on_ended(now, reason, hint),
        };
        let (next_try, next) = match step {
            // Whatever the line ended of meanwhile.
            _ if *self.closed.borrow() => (None, Next::Over(Reason::Bye)),
            Step::Try(wait) => (Some(wait), Next::Wait(wait)),
            Step::Over => (None, Next::Over(reason)),
        };
        self.teller.tell(Event::Down { report, next_try });
        next
    }

    /// Not every client of a server that goes begins with the same node.
    fn offer(&mut self, mut nodes: Vec<Arc<str>>) {
        if !nodes.is_empty() {
            let first = self.seed % nodes.len() as u64;
            nodes.rotate_left(first as usize);
            self.offered = nodes.into();
        }
    }

    /// `None` if the client is closed first.
    async fn unless_closed<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            // An error means that every handle is gone, which closes as well.
            _ = self.closed.wait_for(|closed| *closed) => None,
            value = future => Some(value),
        }
    }
}
