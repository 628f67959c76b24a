//! Ending: in which order a server's parts end.
//!
//! ```text
//! serving ──▶ draining ────────────▶ closing ──────────────────▶ ended
//!             not ready any more,    no public HTTP either,      no admin
//!             the lines leave        requests in flight end      listener
//! ```
//! Public HTTP serves until the lines have left: a balancer sees 503 at `/ready` while those it has sent are answered,
//! and a client that is moved may still send. The admin listener is last, so that somebody can look on.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::admin::Drain;

/// The parts of a server that run, by when they end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    draining: CancellationToken,
    /// The listener of the long connections, which is told by its own handle.
    pub(super) lines: TaskTracker,
    /// Public HTTP, and what is done in the background.
    pub(super) public: Part,
    /// The admin listener.
    pub(super) admin: Part,
}

/// Tasks that are told to end by one token.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) end: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Part {
    /// Tells its tasks to end, and waits until they have.
    async fn end(&self) {
        self.end.cancel();
        ended(&self.tasks).await;
    }
}

impl Ending {
    /// From now on the server is not ready.
    pub(super) fn begin(&self) {
        self.draining.cancel();
    }

    /// Resolves at [`begin`](Self::begin).
    pub(super) fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        self.draining.clone().cancelled_owned()
    }

    /// Everything else is told to end now, in no order.
    pub(super) fn at_once(&self) {
        for token in [&self.draining, &self.public.end, &self.admin.end] {
            token.cancel();
        }
    }

    /// Waits until the lines have left, then ends one part after the other.
    pub(super) async fn in_order(&self) {
        ended(&self.lines).await;
        self.public.end().await;
        self.admin.end().await;
    }
}

/// As the admin listener tells it.
impl Drain for Ending {
    fn drain(&self) {
        self.begin();
    }

    fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }
}

async fn ended(tasks: &TaskTracker) {
    tasks.close();
    tasks.wait().await;
}
