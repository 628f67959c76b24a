//! Environment: what the sessions of one server reach by one pointer.

use std::fmt;
use std::sync::Arc;

use super::Past;
use crate::directory::Directory;
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
    /// How short memory is.
    pub overload: Arc<Overload>,
    /// What lately became of the sessions.
    pub past: Past,
}

impl Environment {
    /// The two together, with counts that nobody reads.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, directory: Arc<Directory>) -> Arc<Self> {
        Self::counted(store, directory, Arc::default())
    }

    /// The three together.
    #[must_use]
    pub fn counted(store: Arc<dyn Store>, directory: Arc<Directory>, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { store, directory, metrics, overload: Arc::default(), past: Past::default() })
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("directory", &self.directory).finish_non_exhaustive()
    }
}
