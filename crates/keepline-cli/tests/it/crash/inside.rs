//! Inside: a server in the process of the test, on a store of the test's choice.

use std::sync::Arc;

use keepline_server::accounts::Hashing;
use keepline_server::guard::GuardLimits;
use keepline_server::id::UserId;
use keepline_server::store::Store;
use keepline_server::{CimMode, Config, Node, StartError};
use tokio::runtime::Runtime;

use super::crowd::runtime;
use super::serving::Place;

/// A server with a runtime of its own. It ends with its value, as a process does that is killed: what it has not
/// given to its store is gone.
pub(crate) struct Inside {
    runtime: Runtime,
    node: Node,
}

impl Inside {
    #[track_caller]
    pub(crate) fn start(at: Place, store: Arc<dyn Store>) -> Self {
        Self::start_with(at, |config| Node::start(config, store))
    }

    /// With a hub that lets two logins of one device live side by side.
    #[track_caller]
    pub(crate) fn start_unfenced(at: Place, store: Arc<dyn Store>) -> Self {
        Self::start_with(at, |config| Node::start_unfenced(config, store))
    }

    /// With deliveries that call this, which may panic.
    #[track_caller]
    pub(crate) fn start_trapped(
        at: Place,
        store: Arc<dyn Store>,
        trap: impl Fn(&UserId, &[u8]) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(at, |config| Node::start_trapped(config, store, trap))
    }

    /// What it counts.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.node.services().metrics.render();
        let row = text.lines().find(|row| row.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
        row.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
    }

    #[track_caller]
    fn start_with<F: Future<Output = Result<Node, StartError>>>(at: Place, start: impl FnOnce(Config) -> F) -> Self {
        let mut config = Config::default();
        (config.http, config.tcp, config.admin) = (at.server.http, at.server.tcp, None);
        (config.cim, config.pace, config.hashing) = (CimMode::Off, None, Hashing::cheapest());
        config.guard = GuardLimits::off();
        let runtime = runtime();
        let node = runtime.block_on(start(config)).expect("a server");
        Self { runtime, node }
    }

    /// Ends it, and waits until its ports are free.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.node.stop());
    }
}
