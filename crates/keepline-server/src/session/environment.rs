//! Environment: what the sessions of one server reach by one pointer.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::Past;
use super::quarantine::Quarantine;
use crate::audit::Audit;
use crate::directory::Directory;
use crate::id::UserId;
use crate::message::Message;
use crate::metrics::Metrics;
use crate::overload::Overload;
use crate::store::Store;

/// What the sessions of one server reach by one pointer.
#[non_exhaustive]
pub struct Environment {
    /// The logs.
    pub store: Arc<dyn Store>,
    /// Who is in which conversation.
    pub directory: Arc<Directory>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who did what.
    pub audit: Audit,
    /// How short memory is.
    pub overload: Arc<Overload>,
    /// What lately became of the sessions.
    pub past: Past,
    /// The messages that can't be delivered.
    pub(super) quarantine: Quarantine,
    trap: OnceLock<Trap>,
}

/// Called for each delivery, with its receiver and its body.
type Trap = Box<dyn Fn(&UserId, &[u8]) + Send + Sync>;

impl Environment {
    /// The two together, with counts that nobody reads.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, directory: Arc<Directory>) -> Arc<Self> {
        Self::counted(store, directory, Arc::default())
    }

    /// The three together.
    #[must_use]
    pub fn counted(store: Arc<dyn Store>, directory: Arc<Directory>, metrics: Arc<Metrics>) -> Arc<Self> {
        Self::audited(store, directory, metrics, Audit::off())
    }

    /// All together.
    #[must_use]
    pub fn audited(store: Arc<dyn Store>, directory: Arc<Directory>, metrics: Arc<Metrics>, audit: Audit) -> Arc<Self> {
        Arc::new(Self {
            store,
            directory,
            metrics,
            audit,
            overload: Arc::default(),
            past: Past::default(),
            quarantine: Quarantine::default(),
            trap: OnceLock::new(),
        })
    }
}

impl Environment {
    /// Has each delivery call this, which may panic. Only to see what that costs; the first call decides.
    #[doc(hidden)]
    pub fn set_trap(&self, trap: impl Fn(&UserId, &[u8]) + Send + Sync + 'static) {
        let _ = self.trap.set(Box::new(trap));
    }

    /// A message is about to go to a user.
    pub(super) fn step_on_trap(&self, user: &UserId, message: &Message) {
        if let Some(trap) = self.trap.get() {
            trap(user, &message.body);
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("directory", &self.directory).finish_non_exhaustive()
    }
}
