//! Host: a runtime with one thread, in a network namespace or here, which can be made to stand still.

use std::future::Future;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::time::timeout;

use super::PATIENCE;
use super::net::Namespace;

/// A runtime with one thread. Sockets made by its tasks are in its namespace.
pub(crate) struct Host(Option<Runtime>);

/// While there is this, all tasks of a host stand still behind a kernel that answers for them, as those of a process
/// do that was sent SIGSTOP.
pub(crate) struct Stopped(SyncSender<()>);

impl Host {
    pub(crate) fn here() -> Self {
        Self(Some(Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")))
    }

    /// A thread is in the namespace of the one that starts it.
    pub(crate) fn of(place: &Namespace) -> Self {
        place.enter(Self::here)
    }

    /// What is spawned while there is this, is spawned on the host.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime().enter()
    }

    /// Runs it on the host, to its end.
    #[track_caller]
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.run_within(PATIENCE, work)
    }

    /// As `run`, for what may take longer.
    #[track_caller]
    pub(crate) fn run_within<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let done = self.runtime().block_on(self.runtime().spawn(async move { timeout(limit, work).await }));
        done.expect("the work does not panic").unwrap_or_else(|_| panic!("not done within {limit:?}"))
    }

    /// Returns once its one thread stands still.
    pub(crate) fn stop(&self) -> Stopped {
        let (stands, standing) = sync_channel(1);
        let (go_on, wait) = sync_channel(1);
        drop(self.runtime().spawn(async move {
            let _ = stands.send(());
            // Blocks the thread, which is the point. An error is the end of the other side, and of the wait.
            let _ = wait.recv();
        }));
        standing.recv().expect("the task runs");
        Stopped(go_on)
    }

    fn runtime(&self) -> &Runtime {
        self.0.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
