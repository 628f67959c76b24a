//! Node: one server, all its parts wired in one place.
//!
//! ```text
//!   http ──────┐              ┌──▶ accounts ─┐
//!   lines ─────┼─▶ delivery ──┼──▶ groups ───┼──▶ store
//!   schedules ─┘      │       └──▶ directory ┘      │
//!                     └──▶ hub ◀── feed ────────────┘
//! ```

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use keepline::Duration;
use keepline::serve::{Rate, Server, ServerHandle};
use tokio::net::TcpListener;

use crate::accounts::Accounts;
use crate::accounts::jwt::{Issuer, KeysError};
use crate::audit::{Action, Actor, Audit, AuditError, Entry, Outcome};
use crate::clock;
use crate::config::Config;
use crate::delivery::{Delivery, SendLimits};
use crate::directory::Directory;
use crate::groups::Groups;
use crate::guard::Guard;
use crate::http::{self, About, CimSettings, Door, Services};
use crate::id::UserId;
use crate::line::{self, LineService, LineSettings, Lines, PaceLimit};
use crate::metrics::{Metered, Metrics};
use crate::overload::{Memory, Watch};
use crate::retention::Retention;
use crate::room::Room;
use crate::schedule::Schedules;
use crate::session::{Environment, Hub};
use crate::store::{Store, StoreError};
use crate::tls::{self, Tls, TlsError};

mod bound;
mod delayed;
mod ending;
mod reload;
mod sweep;

pub use bound::Addresses;

use bound::Bound;
use ending::{Ending, Part};
use reload::Changing;

/// A running server. Dropped, it stops at once.
pub struct Node {
    addresses: Addresses,
    room: Room,
    services: Arc<Services>,
    lines: ServerHandle,
    tls: Option<Arc<Tls>>,
    changing: Changing,
    ending: Ending,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings contradict each other.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The certificate can't be shown.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys of others' tokens can't be used.
    #[error("the keys of tokens: {0}")]
    Keys(#[from] KeysError),
    /// It can't be noted who did what.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What is stored can't be read.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// An address can't be listened at.
    #[error("can't listen at {address} ({what}): {source}")]
    Listen {
        /// What was to listen there.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The kernel's words.
        source: io::Error,
    },
}

impl Node {
    /// Reads what is stored, then serves until it is stopped or dropped.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(config: Config, store: Arc<dyn Store>) -> Result<Self, StartError> {
        Self::start_with(config, store, Hub::start).await
    }

    /// As [`start`](Self::start), with a hub that lets two logins of one device live side by side. Only to see that
    /// the tests notice.
    ///
    /// # Errors
    /// See [`StartError`].
    #[doc(hidden)]
    pub async fn start_unfenced(config: Config, store: Arc<dyn Store>) -> Result<Self, StartError> {
        Self::start_with(config, store, Hub::start_unfenced).await
    }

    /// As [`start`](Self::start), with deliveries that call this, which may panic. Only to see what that costs.
    ///
    /// # Errors
    /// See [`StartError`].
    #[doc(hidden)]
    pub async fn start_trapped(
        config: Config,
        store: Arc<dyn Store>,
        trap: impl Fn(&UserId, &[u8]) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let hub = async |environment: Arc<Environment>| {
            environment.set_trap(trap);
            Hub::start(environment).await
        };
        Self::start_with(config, store, hub).await
    }

    async fn start_with(
        config: Config,
        store: Arc<dyn Store>,
        hub: impl AsyncFnOnce(Arc<Environment>) -> Result<Arc<Hub>, StoreError>,
    ) -> Result<Self, StartError> {
        config.check()?;
        let room = config.room()?;
        let tls = config.tls.clone().map(Tls::load).transpose()?;
        let issuer = config.issuer.clone().map(Issuer::load).transpose()?;
        let bound = Bound::at(&config)?;
        let services = wire(&config, (store, issuer), &bound, hub).await?;
        let lines = Lines::guarded(
            Arc::clone(&services.hub),
            Arc::clone(&services.delivery),
            Arc::clone(&services.accounts),
            line_settings(&config),
            Arc::clone(&services.guard),
        )
        .map_err(crate::config::ConfigError::Terms)?;
        let mut settings = lines.server_settings();
        settings.upgrade_within = upgrade_within(&config).into();
        settings.outbox.age = config.slow_after.into();
        settings.observer = Some(Arc::clone(&services.metrics) as _);
        let addresses = bound.addresses.clone();
        let server = Server::new(bound.tcp, settings, config.guard.admission(room.lines)).with_farewell(line::farewell);
        let retention = Retention::new(Arc::clone(&services.store), Arc::new(clock::System), config.retention);
        let door = Door::guarded(&config.guard, &config.trusted_proxies);
        let memory = Arc::new(Memory::of_process(config.memory));
        let changing = Changing {
            lines: Arc::clone(&lines),
            door: door.clone(),
            retention: retention.limits(),
            admin_token: config.admin_token.clone(),
            memory: memory.limit(),
        };
        let (handle, ending) = (server.handle(), Ending::default());
        let node = Self { addresses, room, services, lines: handle, tls, changing, ending };
        let Ending { lines: line_tasks, public, admin, .. } = &node.ending;
        match &node.tls {
            None => drop(line_tasks.spawn(server.run(LineService(lines)))),
            Some(tls) => {
                drop(line_tasks.spawn(server.run_upgraded(tls.upgrade(), LineService(lines))));
                public.tasks.spawn(tls::watch(Arc::clone(tls), public.end.clone()));
            }
        }
        public.tasks.spawn(retention.run(public.end.clone()));
        public.tasks.spawn(node.watch(memory).run(public.end.clone()));
        public.tasks.spawn(sweep::run(Arc::clone(&node.services), public.end.clone()));
        let router = http::public(&node.services, config.speaks_cim());
        node.serve_http(public, "public", (bound.http, node.tls.clone()), (room.http, door), router);
        if let Some(listener) = bound.cim_http {
            // On loopback, as the one below: for programs of this machine, of which one may want all.
            let router = http::cim::push(&node.services);
            node.serve_http(public, "cim_push", (listener, None), (room.cim_http, Door::default()), router);
        }
        if let Some(listener) = bound.admin {
            let (services, drain) = (Arc::clone(&node.services), Arc::new(node.ending.clone()));
            let lines = http::admin::LineProfile { tls: node.tls.is_some(), terms: config.terms };
            let reached = http::admin::Admin { services, drain, token: config.admin_token.clone(), lines };
            let router = http::admin::router(reached);
            node.serve_http(admin, "admin", (listener, None), (room.admin, Door::default()), router);
        }
        node.note(Action::Start, env!("CARGO_PKG_VERSION"));
        Ok(node)
    }

    /// Where it is reached: the ports that were taken, where port 0 was asked for.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// How many connections each of its listeners takes.
    #[must_use]
    pub fn room(&self) -> Room {
        // The rest is fixed at the start.
        Room { lines: self.lines.limits().connections, ..self.room }
    }

    /// Its parts, for a program that has the server inside.
    #[must_use]
    pub const fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Its long connections.
    #[must_use]
    pub const fn lines(&self) -> &ServerHandle {
        &self.lines
    }

    /// The certificate it shows, to have it read again; `None` where it shows none.
    #[must_use]
    pub const fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// Resolves when the admin listener was asked to let the server go. It is not ready from then on; all else is for
    /// whoever runs it to do, by [`drain`](Self::drain).
    pub fn stop_asked(&self) -> impl Future<Output = ()> + Send + use<> {
        self.ending.begun()
    }

    /// Lets everybody go, in this order: `/ready` answers 503 at once, no long connection is accepted any more, the
    /// clients are told to come back after this time, and their connections are closed evenly over it; HTTP serves
    /// until the last of them has ended, or had the settings' linger and a second for it. Then public HTTP ends, with
    /// up to 10 s for requests in flight, and the admin listener last, in the same way.
    pub async fn drain(&self, over: Duration) {
        self.note(Action::Drain, &format!("over {over}"));
        self.ending.begin();
        self.services.hub.go_away(over.to_std());
        self.lines.drain(over);
        self.ending.in_order().await;
    }

    /// Ends every connection now, and writes what was taken.
    pub async fn stop(self) {
        self.lines.stop();
        self.ending.at_once();
        self.ending.in_order().await;
        self.note(Action::Stop, "");
        self.services.audit().flush().await;
        self.services.store.close().await;
    }

    /// Has it in the audit log that the server itself did this.
    fn note(&self, action: Action, object: &str) {
        self.services.audit().note(&Entry::new(Actor::Server, action, Outcome::Done).about(object));
    }

    /// What looks after the memory.
    fn watch(&self, memory: Arc<Memory>) -> Watch {
        Watch { memory, hub: Arc::clone(&self.services.hub), lines: self.lines.clone() }
    }

    fn serve_http(
        &self,
        part: &Part,
        name: &'static str,
        listener: (TcpListener, Option<Arc<Tls>>),
        (connections, door): (usize, Door),
        router: axum::Router,
    ) {
        let metrics = Arc::clone(&self.services.metrics);
        let limits = http::serve::Limits { connections, ..http::serve::Limits::default() };
        part.tasks.spawn(http::serve::serve(listener, name, router, (limits, door), metrics, part.end.clone()));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.ending.at_once();
        self.lines.stop();
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Makes the parts, from the store up.
async fn wire(
    config: &Config,
    (store, issuer): (Arc<dyn Store>, Option<Arc<Issuer>>),
    bound: &Bound,
    hub: impl AsyncFnOnce(Arc<Environment>) -> Result<Arc<Hub>, StoreError>,
) -> Result<Arc<Services>, StartError> {
    let metrics = Arc::new(Metrics::new());
    let audit = match config.audit.clone() {
        Some(path) => Audit::to_file(path, Arc::clone(&metrics))?,
        None => Audit::off(),
    };
    let store: Arc<dyn Store> = Metered::over(store, Arc::clone(&metrics));
    let accounts = Accounts::load(Arc::clone(&store), config.hashing.clone()).await?.audited(audit.clone());
    let accounts = Arc::new(match issuer {
        Some(issuer) => accounts.with_issuer(issuer),
        None => accounts,
    });
    let groups = Arc::new(Groups::load(Arc::clone(&store)).await?);
    let directory = Arc::new(Directory::load(&*store, Arc::clone(&groups), Arc::clone(&accounts)).await?);
    let environment =
        Environment::audited(Arc::clone(&store), Arc::clone(&directory), Arc::clone(&metrics), audit.clone());
    let hub = hub(environment).await?;
    let delivery = Delivery::limited(Arc::clone(&hub), send_limits(config));
    let schedules = Arc::new(Schedules::load(Arc::clone(&store), delayed::ByDelivery(Arc::clone(&delivery))).await?);
    let guard = Guard::watched(config.guard, Arc::clone(&metrics), audit);
    let cim = CimSettings {
        advertised: config.advertise.map(|address| address.to_string()),
        tcp_port: bound.addresses.tcp.port(),
        // cim's clients want a number, also where nothing listens.
        push_port: bound.addresses.cim_http.map_or(8081, |address| address.port()),
        from: config.cim_from.clone(),
    };
    let about =
        About { name: config.name.clone(), lines_port: bound.addresses.tcp.port(), lines_tls: config.tls.is_some() };
    Ok(Arc::new(Services { store, accounts, groups, schedules, directory, hub, delivery, metrics, guard, cim, about }))
}

fn send_limits(config: &Config) -> SendLimits {
    let user = config.pace.map(|PaceLimit { per_second, burst }| Rate { per_second, burst });
    SendLimits { user, everyone: config.everyone }
}

/// Of the time to log in, which goes on from accept, one half: who can't shake hands by then is gone.
fn upgrade_within(config: &Config) -> std::time::Duration {
    config.login_within / 2
}

fn line_settings(config: &Config) -> LineSettings {
    LineSettings {
        node: config.name.clone(),
        cim: config.speaks_cim(),
        cim_from: config.cim_from.clone(),
        terms: config.terms,
        login_within: config.login_within,
        pace: config.pace,
        ..LineSettings::default()
    }
}
