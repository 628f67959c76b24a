//! A store that fails when it is told to, and is whole again after.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use keepline_server::store::{
    Append, Committed, Copied, Durability, Head, LogName, Outcome, Page, Record, Store, StoreError,
};
use tokio::sync::broadcast;

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
            Failure::None | Failure::Forgets => Ok(()),
        }
    }

    /// For what needs no space.
    fn or_refuse<T: Send + 'static>(
        &self,
        answer: impl FnOnce() -> BoxFuture<'static, Result<T, StoreError>>,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        match self.refusal() {
            Ok(()) | Err(StoreError::Full) => answer(),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }
}

impl Store for Failing {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn append(&self, append: Append) -> BoxFuture<'static, Result<Outcome, StoreError>> {
        if matches!(*self.failure.lock().unwrap_or_else(PoisonError::into_inner), Failure::Forgets) {
            return Box::pin(async { Ok(Outcome::Unknown) });
        }
        match self.refusal() {
            Ok(()) => self.inner.append(append),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    fn head(&self, log: &LogName) -> BoxFuture<'static, Result<Head, StoreError>> {
        self.or_refuse(|| self.inner.head(log))
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> BoxFuture<'static, Result<Vec<Record>, StoreError>> {
        self.or_refuse(|| self.inner.read(log, after, page))
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> BoxFuture<'static, Result<Vec<Record>, StoreError>> {
        self.or_refuse(|| self.inner.read_back(log, before, page))
    }

    fn logs(
        &self,
        prefix: &str,
        after: Option<&LogName>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<(LogName, Head)>, StoreError>> {
        self.or_refuse(|| self.inner.logs(prefix, after, limit))
    }

    fn trim(&self, log: &LogName, through: u64) -> BoxFuture<'static, Result<(), StoreError>> {
        self.or_refuse(|| self.inner.trim(log, through))
    }

    fn put_mark(&self, owner: &str, log: &LogName, seq: u64) -> BoxFuture<'static, Result<(), StoreError>> {
        self.or_refuse(|| self.inner.put_mark(owner, log, seq))
    }

    fn marks(&self, owner: &str) -> BoxFuture<'static, Result<Vec<(LogName, u64)>, StoreError>> {
        self.or_refuse(|| self.inner.marks(owner))
    }

    fn subscribe(&self) -> broadcast::Receiver<Committed> {
        self.inner.subscribe()
    }

    /// Says that it made one.
    fn backup(&self, _: &Path) -> BoxFuture<'static, Result<Copied, StoreError>> {
        let made = self.refusal().map(|()| Copied { logs: 1, records: 2, bytes: 3 });
        Box::pin(async { made })
    }

    fn health(&self) -> Result<(), StoreError> {
        self.refusal()
    }
}
