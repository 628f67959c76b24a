//! Client: a connection that comes back by itself, until it is closed.
//!
//! # Example
//! ```no_run
//! use keepline::client::{Client, EchoProtocol, Event, Options, Verdict};
//! use keepline::{Duration, Settings, liveness::Heartbeat};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let heartbeat = Heartbeat::client(Duration::from_secs(5), Duration::from_secs(5))?;
//! let options = Options::new(["127.0.0.1:12345", "127.0.0.1:12346"], Settings::new(heartbeat));
//! let (client, mut events) = Client::tcp(EchoProtocol, options)?;
//! while let Some(event) = events.next().await {
//!     if let Event::Up { endpoint } = event {
//!         println!("connected to {endpoint}");
//!         match client.send(b"hello".to_vec()).await {
//!             Verdict::Answered(echo) => println!("{}", String::from_utf8_lossy(&echo)),
//!             other => println!("{other:?}"),
//!         }
//!         client.close();
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;

use keepline_proto::{BackoffSettings, Duration};
use tokio::sync::watch;

mod connect;
mod event;
mod listen;
mod plan;
mod protocol;
mod seed;
mod session;
mod task;
mod verdict;

pub use connect::{Connect, Tcp, Unix};
pub use event::{Event, Events};
pub use protocol::{EchoProtocol, Incoming, Opening, Protocol};
pub use seed::random_seed;
pub use verdict::{NotSent, Outcome, Verdict};

use crate::settings::{Settings, SettingsError};
use session::Session;
use task::Task;

/// How a client behaves. Start from [`Options::new`] and change fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where to connect, in order of preference: `host:port` for TCP.
    pub endpoints: Vec<Arc<str>>,
    /// The lines' settings.
    pub settings: Settings,
    /// The waits between attempts; see [`BackoffSettings`] for the defaults.
    pub backoff: BackoffSettings,
    /// The most a connection attempt may take, name lookup and TLS included; 10 s. A handshake
    /// ([`Opening::Handshake`]) has as much again, unless the settings' `handshake_within` says otherwise.
    pub connect_within: Duration,
    /// Messages without an answer at one time, and pushes that wait for the application; 256. A burst is bounded by
    /// the outbox of the settings besides. A message whose outcome was dropped counts until its answer comes.
    pub in_flight: usize,
    /// Seeds the waits. `None`, the default, is another seed for each client; clients with the same seed come back
    /// together.
    pub seed: Option<u64>,
}

impl Options {
    /// The defaults, for these endpoints.
    pub fn new<E: Into<Arc<str>>>(endpoints: impl IntoIterator<Item = E>, settings: Settings) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            settings,
            backoff: BackoffSettings::default(),
            connect_within: Duration::from_secs(10),
            in_flight: 256,
            seed: None,
        }
    }

    fn check(&self) -> Result<(), OptionsError> {
        if self.endpoints.is_empty() {
            return Err(OptionsError::NoEndpoint);
        }
        if self.in_flight == 0 {
            return Err(OptionsError::NothingInFlight);
        }
        if self.connect_within == Duration::ZERO {
            return Err(OptionsError::NoTimeToConnect);
        }
        Ok(self.settings.check()?)
    }
}

/// Options that can't work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The list is empty.
    #[error("no endpoint to connect to: give at least one host:port")]
    NoEndpoint,
    /// Nothing could ever be sent.
    #[error("zero messages in flight: allow at least one")]
    NothingInFlight,
    /// No attempt could ever succeed.
    #[error("zero time to connect: allow some seconds")]
    NoTimeToConnect,
    /// The lines' settings can't work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// The handle of a client: cheap to clone, and the client is closed when the last one is dropped.
pub struct Client<P: Protocol> {
    inner: Arc<Inner<P>>,
}

struct Inner<P: Protocol> {
    session: Arc<Session<P>>,
    closed: watch::Sender<bool>,
}

impl<P: Protocol> Client<P> {
    /// A client over TCP, which begins to connect at once.
    ///
    /// # Errors
    /// See [`OptionsError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn tcp(protocol: P, options: Options) -> Result<(Self, Events), OptionsError> {
        Self::new(Tcp::default(), protocol, options)
    }

    /// A client over any transport, which begins to connect at once.
    ///
    /// # Errors
    /// See [`OptionsError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(connect: impl Connect, protocol: P, options: Options) -> Result<(Self, Events), OptionsError> {
        options.check()?;
        let session = Session::new(protocol, options.in_flight);
        let closed = watch::Sender::new(false);
        let (teller, events) = event::channel();
        let task = Task::new(connect, options, Arc::clone(&session), closed.subscribe(), teller);
        drop(tokio::spawn(task.run()));
        Ok((Self { inner: Arc::new(Inner { session, closed }) }, events))
    }

    /// Hands a message over; the outcome is its verdict. Never waits: without a line, or with too much in flight, the
    /// verdict is there at once. A message is on its way whether the outcome is awaited or not.
    pub fn send(&self, message: P::Message) -> Outcome<P::Answer> {
        self.inner.session.send(message)
    }

    /// Hands over a message that has no answer. It leaves with the line's next turn, behind what was sent before, and is
    /// lost if the line ends first.
    ///
    /// # Errors
    /// See [`NotSent`]; nothing of it leaves then.
    pub fn post(&self, message: P::Message) -> Result<(), NotSent> {
        self.inner.session.post(message)
    }

    /// The next thing that the peer sent unasked; `None` once the client is closed and none waits. While as many wait
    /// as may be in flight, the line does not read: no answers come then, and a silent peer is not noticed. Cancel-safe.
    pub async fn next_push(&self) -> Option<P::Answer> {
        loop {
            let pushed = self.inner.session.pushed.notified();
            match self.inner.session.take_push() {
                Ok(push) => return Some(push),
                Err(true) => return None,
                Err(false) => pushed.await,
            }
        }
    }

    /// Says goodbye and stays closed: what waits is written, the line ends as [`Bye`](crate::Reason::Bye), and no new
    /// one comes. Messages in flight have their verdicts when the line has ended, at most the settings' linger later.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl<P: Protocol> Inner<P> {
    fn close(&self) {
        self.closed.send_replace(true);
        self.session.close();
    }
}

impl<P: Protocol> Drop for Inner<P> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<P: Protocol> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<P: Protocol> fmt::Debug for Client<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("closed", &*self.inner.closed.borrow()).finish_non_exhaustive()
    }
}
