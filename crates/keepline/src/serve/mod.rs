//! Server: accepts lines, keeps them within limits, and lets them go in order.
//!
//! # Example
//! ```
//! use keepline::serve::{Server, Service};
//! use keepline::{Duration, Flow, Handler, Settings, Turn, liveness::Heartbeat, wire::echo};
//!
//! struct Mirror;
//!
//! impl Handler for Mirror {
//!     type Codec = echo::Echo;
//!     fn on_frame(&mut self, frame: echo::Frame<'_>, turn: &mut Turn<'_, echo::Echo>) -> Flow {
//!         turn.reply(frame)
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let settings = Settings::new(Heartbeat::watch(Duration::from_secs(10))?);
//! let server = Server::bind("127.0.0.1:0".parse()?, settings)?;
//! let handle = server.handle();
//! let running = tokio::spawn(server.run(|_peer| (Mirror, echo::Echo::strict())));
//! // ... until a signal comes:
//! handle.drain(Duration::from_secs(1));
//! running.await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use keepline_proto::{Duration, Reason};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};

mod accept;
mod admission;
mod drain;
mod farewell;
mod knocks;
mod limits;
mod listener;
#[cfg(feature = "proxy")]
mod proxied;
mod rate;
mod registry;
mod sources;
mod stop;
mod subscriber;

pub use admission::{Admission, Admitted};
pub use limits::{Limits, SPARE_DESCRIPTORS};
pub use listener::{BACKLOG, Listener, tcp, unix};
#[cfg(feature = "proxy")]
pub use proxied::Proxied;
pub use rate::Rate;
pub use registry::{LineEvent, LineInfo};
pub use stop::Stop;
pub use subscriber::Subscriber;

use crate::conn::{Connection, Deadlines, Environment, Handler, LineId, Transport};
use crate::kernel::KernelWatch;
use crate::settings::Settings;
use farewell::Farewell;
use registry::Registry;

/// Makes the handler and the codec of each new line. Closures `Fn(Option<SocketAddr>) -> (Handler, Codec)` are services.
pub trait Service: Send + Sync + 'static {
    /// What serves one line.
    type Handler: Handler;

    /// A connection has been accepted.
    fn open(&self, peer: Option<SocketAddr>) -> (Self::Handler, <Self::Handler as Handler>::Codec);
}

impl<F, H> Service for F
where
    F: Fn(Option<SocketAddr>) -> (H, H::Codec) + Send + Sync + 'static,
    H: Handler,
{
    type Handler = H;

    fn open(&self, peer: Option<SocketAddr>) -> (H, H::Codec) {
        self(peer)
    }
}

/// A server that has its listener and its settings, but does not accept yet.
#[must_use = "a server accepts only while it runs"]
pub struct Server<L> {
    listener: L,
    handle: ServerHandle,
    farewell: Arc<Farewell>,
}

/// Looks into a running server and stops it; cheap to clone.
#[derive(Clone)]
pub struct ServerHandle {
    registry: Arc<Registry>,
    environment: Arc<Environment>,
    drain: watch::Sender<Option<Duration>>,
}

impl Server<TcpListener> {
    /// Listens on a TCP address, with default [`Limits`] and no watch by the kernel.
    ///
    /// # Errors
    /// The address can't be bound, or the settings can't work ([`Settings::check`]).
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        settings.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Self::new(tcp(address, KernelWatch::default())?, settings, Limits::default()))
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl<L: Listener> Server<L> {
    /// Serves the connections of any listener.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(listener: L, settings: Settings, limits: Limits) -> Self {
        let registry = Registry::new(limits);
        let environment = Environment::new(settings, Some(Arc::clone(&registry) as _));
        let handle = ServerHandle { registry, environment, drain: watch::Sender::new(None) };
        Self { listener, handle, farewell: Farewell::mute() }
    }

    /// Tells connections that are over a limit why, rather than to close them without a word, which is the default.
    ///
    /// `word` is given the reason and what the peer has said so far, at first nothing, and returns what is written to
    /// it before the close: nothing, for a peer that would not understand; `None` as long as more must be heard to know
    /// what it speaks. It is called in a task of the connection's own, and a panic in it is that connection's.
    ///
    /// It is told as far as that is cheap: within 1 s of accept, after 8 KiB heard at most, and to at most 96 connections
    /// at one time, whose descriptors are among the [`SPARE_DESCRIPTORS`] (at most 128 of them, with the connections
    /// that have been told and have not closed). While there is no room for another burst, accepting rests for 20 ms at
    /// most. Who is beyond that is closed without a word, and so is everybody while the process has no descriptors.
    /// Behind an upgrade ([`run_upgraded`](Self::run_upgraded)) nothing is said before it, and at most 100 connections a
    /// second are upgraded only to be told.
    pub fn with_farewell(mut self, word: impl Fn(Reason, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.farewell = Farewell::new(word);
        self
    }

    /// The handle, for other tasks.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Accepts until [`ServerHandle::drain`] or [`ServerHandle::stop`], then returns once the lines are gone, or at the
    /// hard stop: the settings' linger and a second after the last line was asked to close. A line that is stuck even
    /// then, as in a handler that blocks, lives on in its own task; [`ServerHandle::lines`] still counts it.
    ///
    /// Dropping the future frees the listener and leaves the lines running: they can be drained no more, but their
    /// handles, and [`ServerHandle::stop`], still reach them.
    pub async fn run<S: Service>(self, service: S) {
        let Self { mut listener, handle, farewell } = self;
        let accept = accept::accept(&mut listener, &handle, &farewell, |io, admitted| match admitted {
            Ok(accepted) => accept::open(io, accepted, &service, &handle),
            Err(reason) => farewell.say(io, reason, &handle),
        });
        let _ = handle.until_draining(accept).await;
        drop(listener);
        handle.let_go().await;
    }

    /// As [`run`](Self::run), with a step between accept and the line's start, as a TLS handshake. The step must end
    /// within the settings' `upgrade_within`, counted from accept, and within their `handshake_within`, which goes on
    /// into the line; `first_frame_within` counts from the step's end. A drain ends upgrades at once.
    /// `upgrade` is called in the connection's own task; a panic in it ends that connection as
    /// [`ServerError`](Reason::ServerError).
    ///
    /// A large stream should be returned in a `Box`: it lives in the line's future.
    pub async fn run_upgraded<S, U, F, Io>(self, upgrade: U, service: S)
    where
        S: Service,
        U: Fn(L::Io) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Io>> + Send + 'static,
        Io: Transport,
    {
        let Self { mut listener, handle, farewell } = self;
        let (upgrade, service) = (Arc::new(upgrade), Arc::new(service));
        let accept = accept::accept(&mut listener, &handle, &farewell, |io, admitted| {
            let upgrade = Arc::clone(&upgrade);
            // Called in the connection's own task: a panic in it is that connection's.
            let upgrading = async move { upgrade(io).await };
            match admitted {
                Ok(accepted) => {
                    let service = Arc::clone(&service);
                    drop(tokio::spawn(accept::upgraded(upgrading, accepted, service, handle.clone())));
                }
                Err(reason) => farewell.say_after(upgrading, reason, &handle),
            }
        });
        let _ = handle.until_draining(accept).await;
        drop(listener);
        handle.let_go().await;
    }
}

impl ServerHandle {
    /// Every line, as it is now. It looks at each line under the registry's lock, while no line opens or ends: for a
    /// status page now and then, not for every request.
    #[must_use]
    pub fn snapshot(&self) -> Vec<LineInfo> {
        self.registry.snapshot()
    }

    /// Lines from now on, opened and closed. A listener that is 1024 events behind misses some and is told so.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<LineEvent> {
        self.registry.subscribe()
    }

    /// How many lines are open.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.registry.len()
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.registry.limits()
    }

    /// Holds what comes from now on to other limits. Nobody who is in is closed for them, and what was counted of each
    /// address counts on.
    pub fn set_limits(&self, limits: Limits) {
        self.registry.set_limits(limits);
    }

    /// Gives lines that are accepted from now on another time: `upgrade` for the step before the line
    /// ([`Settings::upgrade_within`]), `handshake` for all until it is established ([`Settings::handshake_within`]).
    /// Lines that were accepted before keep theirs.
    pub fn set_deadlines(&self, upgrade: Duration, handshake: Option<Duration>) {
        self.environment.set_deadlines(Deadlines { upgrade, handshake });
    }

    /// The handle of one line, while it is open.
    #[must_use]
    pub fn line(&self, id: LineId) -> Option<Connection> {
        self.registry.line(id).map(|line| Connection::new(line, Arc::clone(&self.environment)))
    }

    /// Turns new connections away as [`ServerFull`](Reason::ServerFull), whatever the limits say, until it is set back:
    /// for a program that is short of something the limits don't know of. Open lines stay.
    pub fn set_full(&self, full: bool) {
        self.registry.set_full(full);
    }

    /// Stops accepting and closes the lines as [`Draining`](Reason::Draining), evenly over the time given. The first
    /// call decides.
    pub fn drain(&self, over: Duration) {
        self.drain.send_if_modified(|drain| {
            let first = drain.is_none();
            *drain = drain.or(Some(over));
            first
        });
    }

    /// Closes every line at once, also in the middle of a drain, which ends with that.
    pub fn stop(&self) {
        self.drain.send_replace(Some(Duration::ZERO));
        for line in self.registry.lines() {
            line.request_close(Reason::Draining);
        }
    }

    /// How often the runtime's wheel has looked at a line, over all lines of the runtime.
    #[must_use]
    pub fn wheel_checks(&self) -> u64 {
        self.environment.wheel.fired()
    }
}

impl<L> fmt::Debug for Server<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("handle", &self.handle).finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("lines", &self.lines()).field("limits", &self.limits()).finish()
    }
}
