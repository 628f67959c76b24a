//! Follow: how what one module keeps in memory comes to say what the logs say, and goes on saying it.
//!
//! First every log is read, a few at a time; then the store's feed tells each change, those of other nodes
//! too. Who falls so far behind that the feed has dropped records reads the logs again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::task::AbortOnDropHandle;

use super::scan::scan;
use super::{Held, State, decode};
use crate::store::{Committed, LogName, Store, StoreError};

/// The longest wait between two tries to read the logs.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How an entity's state came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// This process has just written it; the feed will say it again.
    Own,
    /// The feed. It tells a log's records in order, so none older than this one comes any more.
    Feed,
    /// The log was read.
    Log,
}

/// Who keeps something of every entity whose log's name begins with [`PREFIX`](Self::PREFIX).
pub(crate) trait Follow: Send + Sync + 'static {
    /// What the logs' names begin with.
    const PREFIX: &'static str;
    /// Whether all of them are read at the start, and again after the feed has dropped records.
    const READ: bool = true;
    /// What their records say.
    type State: State;

    /// Takes in a state. May be one that is known already, or older than what is known.
    fn take(&self, log: &LogName, held: Held<Self::State>, from: Source);

    /// Whether a record says more than is known, so that it is worth reading.
    fn is_news(&self, log: &LogName, seq: u64) -> bool;

    /// The feed has dropped records.
    fn lagged(&self) {}
}

/// Reads every log into `follower`, and goes on with the feed until the handle is dropped.
///
/// An entity whose record is damaged is left out, with an error in the log that names it.
pub(crate) async fn follow<F: Follow>(
    store: Arc<dyn Store>,
    follower: Arc<F>,
) -> Result<AbortOnDropHandle<()>, StoreError> {
    // The feed first: what is written while we read is told twice rather than not at all.
    let feed = store.subscribe();
    read(&*store, &*follower).await?;
    Ok(AbortOnDropHandle::new(tokio::spawn(listen(store, follower, feed))))
}

async fn listen<F: Follow>(store: Arc<dyn Store>, follower: Arc<F>, mut feed: Receiver<Committed>) {
    loop {
        match feed.recv().await {
            Ok(Committed { log, record, .. }) => {
                if log.as_str().starts_with(F::PREFIX) && follower.is_news(&log, record.seq) {
                    tell(&*follower, &log, decode(&log, &record), Source::Feed);
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, prefix = F::PREFIX, "behind the store's feed: reading the logs again");
                follower.lagged();
                reread(&*store, &*follower).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn read<F: Follow>(store: &dyn Store, follower: &F) -> Result<(), StoreError> {
    if !F::READ {
        return Ok(());
    }
    let wanted = |log: &LogName, seq| follower.is_news(log, seq);
    scan(store, F::PREFIX, wanted, |log, held| tell(follower, log, held, Source::Log)).await
}

/// Reads every log, however often it takes: until then what is kept may be old.
async fn reread<F: Follow>(store: &dyn Store, follower: &F) {
    let mut wait = super::FIRST_WAIT;
    while let Err(error) = read(store, follower).await {
        tracing::warn!(%error, prefix = F::PREFIX, "cannot read the logs; trying again");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn tell<F: Follow>(follower: &F, log: &LogName, held: Result<Held<F::State>, StoreError>, from: Source) {
    match held {
        Ok(held) => follower.take(log, held, from),
        Err(error) => tracing::error!(%error, "left out"),
    }
}
