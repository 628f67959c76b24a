//! A store that fails when it is told to, and is whole again after.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keepline_server::forward_store;
use keepline_server::store::{Answer, Append, Copied, Head, LogName, Outcome, Page, Record, Store, StoreError};

/// How it fails.
#[derive(Clone, Debug, Default)]
pub(crate) enum Failure {
    /// Not at all.
    #[default]
    None,
    /// Every request is refused; for want of space only those that need some.
    Refuses(StoreError),
    /// Appends have an unknown outcome, and are not stored.
    Forgets,
    /// A backup takes so long.
    Copies(Duration),
}

/// A store that fails when it is told to.
pub(crate) struct Failing {
    inner: Arc<dyn Store>,
    failure: Mutex<Failure>,
}

impl Failing {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, failure: Mutex::default() })
    }

    /// From now on.
    pub(crate) fn fail(&self, failure: Failure) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn refusal(&self) -> Result<(), StoreError> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Failure::Refuses(error) => Err(error.clone()),
            Failure::None | Failure::Forgets | Failure::Copies(_) => Ok(()),
        }
    }

    /// For what needs no space.
    fn or_refuse<T: Send + 'static>(&self, answer: impl FnOnce() -> Answer<T>) -> Answer<T> {
        match self.refusal() {
            Ok(()) | Err(StoreError::Full) => answer(),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }
}

impl Store for Failing {
    forward_store!(inner; durability, subscribe);

    fn append(&self, append: Append) -> Answer<Outcome> {
        if matches!(*self.failure.lock().unwrap_or_else(PoisonError::into_inner), Failure::Forgets) {
            return Box::pin(async { Ok(Outcome::Unknown) });
        }
        match self.refusal() {
            Ok(()) => self.inner.append(append),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    fn head(&self, log: &LogName) -> Answer<Head> {
        self.or_refuse(|| self.inner.head(log))
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> Answer<Vec<Record>> {
        self.or_refuse(|| self.inner.read(log, after, page))
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
        self.or_refuse(|| self.inner.read_back(log, before, page))
    }

    fn logs(&self, prefix: &str, after: Option<&LogName>, limit: usize) -> Answer<Vec<(LogName, Head)>> {
        self.or_refuse(|| self.inner.logs(prefix, after, limit))
    }

    fn trim(&self, log: &LogName, through: u64) -> Answer<()> {
        self.or_refuse(|| self.inner.trim(log, through))
    }

    fn forget(&self, log: &LogName) -> Answer<()> {
        self.or_refuse(|| self.inner.forget(log))
    }

    fn put_mark(&self, owner: &str, log: &LogName, seq: u64) -> Answer<()> {
        self.or_refuse(|| self.inner.put_mark(owner, log, seq))
    }

    fn marks(&self, owner: &str) -> Answer<Vec<(LogName, u64)>> {
        self.or_refuse(|| self.inner.marks(owner))
    }

    /// Says that it made one.
    fn backup(&self, _: &Path) -> Answer<Copied> {
        let made = self.refusal().map(|()| Copied { logs: 1, records: 2, bytes: 3 });
        let takes = match *self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Failure::Copies(takes) => takes,
            _ => Duration::ZERO,
        };
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            made
        })
    }

    fn health(&self) -> Result<(), StoreError> {
        self.refusal()
    }
}
