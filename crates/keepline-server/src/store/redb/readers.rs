//! Readers: a few threads that read the file, so that no thread of the runtime does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use futures_core::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{PATIENCE, hangs};
use crate::store::StoreError;

/// Threads. Reads are short, and mostly from the cache.
const THREADS: usize = 2;

/// Reads handed to the threads at one time; further ones wait with their callers.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// The threads; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Readers {
    jobs: SyncSender<Job>,
    places: Arc<Semaphore>,
}

impl Readers {
    /// Starts them.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..THREADS {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name("store-read".to_owned()).spawn(move || work(&queue))?;
        }
        Ok(Self { jobs, places: Arc::new(Semaphore::new(QUEUE)) })
    }

    /// Runs `read` on one of the threads, once there is a place.
    pub(super) fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let (jobs, places) = (self.jobs.clone(), Arc::clone(&self.places));
        Box::pin(async move {
            let closed = || StoreError::Unavailable("closed".into());
            // The time begins with the first poll: until then nobody waits.
            let deadline = Instant::now() + PATIENCE;
            let place = timeout_at(deadline, places.acquire_owned()).await.map_err(|_| hangs())?;
            let place = place.map_err(|_| closed())?;
            let (answer, answered) = oneshot::channel();
            let job: Job = Box::new(move || {
                let _place = place;
                // Whoever asked may have stopped waiting.
                let _ = answer.send(read());
            });
            jobs.try_send(job).map_err(|_| closed())?;
            // On a damaged file the engine may panic; the thread goes on.
            let answer = timeout_at(deadline, answered).await.map_err(|_| hangs())?;
            answer.unwrap_or_else(|_| Err(StoreError::Damaged("reading it made the engine panic".into())))
        })
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // The one who asked is told by the sender that the job drops.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}
