//! Services: what the endpoints reach.

use std::fmt;
use std::sync::Arc;

use crate::accounts::Accounts;
use crate::audit::Audit;
use crate::delivery::Delivery;
use crate::directory::Directory;
use crate::groups::Groups;
use crate::guard::{Guard, Network};
use crate::history::History;
use crate::id::UserId;
use crate::metrics::Metrics;
use crate::overload::Pool;
use crate::schedule::Schedules;
use crate::session::Hub;
use crate::store::Store;

/// What the endpoints reach: parts that are wired elsewhere.
#[expect(clippy::exhaustive_structs, reason = "whoever wires the parts names each")]
pub struct Services {
    /// The logs: for read marks, and for its health.
    pub store: Arc<dyn Store>,
    /// Who is a user.
    pub accounts: Arc<Accounts>,
    /// The groups.
    pub groups: Arc<Groups>,
    /// The delayed messages.
    pub schedules: Arc<Schedules>,
    /// Who is in which conversation.
    pub directory: Arc<Directory>,
    /// The live sessions.
    pub hub: Arc<Hub>,
    /// The one door for messages.
    pub delivery: Arc<Delivery>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What strangers may cost.
    pub guard: Arc<Guard>,
    /// Where cim's clients are sent.
    pub cim: CimSettings,
    /// What anybody may know of the server.
    pub about: About,
}

/// What anybody may know of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever wires the parts names each")]
pub struct About {
    /// Its name.
    pub name: String,
    /// Where the long connections come in.
    pub lines_port: u16,
    /// Whether they speak TLS there.
    pub lines_tls: bool,
}

/// Where cim's clients are sent by `login`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever wires the parts names each")]
pub struct CimSettings {
    /// The host that clients are told to dial; `None`: the address at which they dialled the HTTP port.
    pub advertised: Option<String>,
    /// The port of the long connection.
    pub tcp_port: u16,
    /// The port of `/sendMsg`. Where that is off it is a number still, because cim's clients want the field.
    pub push_port: u16,
    /// Where they may come from, besides this machine.
    pub from: Vec<Network>,
}

impl Services {
    /// Where it is noted who did what.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.hub.environment().audit
    }

    /// What bodies of requests and answers are held in.
    pub(super) fn bodies(&self) -> &Arc<Pool> {
        self.hub.environment().overload.bodies()
    }

    /// What was said before.
    pub(super) fn history(&self) -> History {
        History::new(Arc::clone(self.hub.environment()))
    }

    /// Whether a user has a session that has not been told to end.
    pub(super) fn is_online(&self, user: &UserId) -> bool {
        self.hub.sessions_of(user).iter().any(|session| !session.is_ended())
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("cim", &self.cim).finish_non_exhaustive()
    }
}
