//! Retention: how much of a conversation is kept. What is over is dropped from the front, in the background.
//!
//! Only messages are dropped: accounts, groups and the like look after their own logs. The head of a conversation
//! stays, so its numbers go on; a session that had not read what was dropped is told of a gap.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::live::Live;
use crate::message::Message;
use crate::store::{Head, LARGEST, LogName, Page, Record, Store, StoreError};

/// Logs asked for at one time.
const LOGS: usize = 1000;

/// The first look at a conversation: is its first record over?
const FIRST: Page = Page { records: 1, bytes: LARGEST };

/// What is dropped at one time, once it is.
const MORE: Page = Page { records: 1000, bytes: 4 << 20 };

/// What is kept of each conversation. A record goes when any of the three is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Messages; at least 1.
    pub records: u64,
    /// Bytes of their records; at least one record of any size is kept, if it is not too old.
    pub bytes: u64,
    /// Since they were taken, by the clock.
    pub age: Duration,
    /// How often every conversation is looked at: so much longer it may take.
    pub every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { records: 100_000, bytes: 256 << 20, age: minute * 60 * 24 * 30, every: minute * 5 }
    }
}

/// What one pass over all conversations did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pass {
    /// Conversations that lost something.
    pub conversations: u64,
    /// Messages that were dropped.
    pub records: u64,
    /// Conversations that could not be read or trimmed; the next pass tries again.
    pub failed: u64,
}

/// Holds the conversations of a store to their limits.
pub struct Retention {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    limits: Arc<Live<Limits>>,
}

impl Retention {
    /// By the times of this clock.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { store, clock, limits: Arc::new(Live::new(limits)) }
    }

    /// Where its limits are, to be changed while it runs: the next conversation is held to them.
    pub(crate) fn limits(&self) -> Arc<Live<Limits>> {
        Arc::clone(&self.limits)
    }

    /// Looks after the conversations until it is stopped. Reads one page at a time, so nobody waits long behind it.
    pub async fn run(self, stop: CancellationToken) {
        let passes = async {
            loop {
                match self.pass().await {
                    Ok(Pass { conversations: 0, failed: 0, .. }) => {}
                    Ok(Pass { conversations, records, failed }) => {
                        tracing::info!(conversations, records, failed, "dropped what was over the limits of retention");
                    }
                    Err(error) => tracing::warn!(%error, "the conversations could not be listed for retention"),
                }
                tokio::time::sleep(self.limits.get().every).await;
            }
        };
        tokio::select! {
            () = passes => {}
            () = stop.cancelled() => {}
        }
    }

    /// Looks at every conversation once.
    ///
    /// # Errors
    /// The conversations could not be listed. One that can't be read or trimmed is counted, and passed over.
    pub async fn pass(&self) -> Result<Pass, StoreError> {
        let mut pass = Pass::default();
        let mut after = None;
        loop {
            let logs = self.store.logs(LogName::MESSAGES, after.as_ref(), LOGS).await?;
            let Some((last, _)) = logs.last() else { return Ok(pass) };
            after = Some(last.clone());
            for (log, head) in logs {
                match self.trim(&log, head).await {
                    Ok(0) => {}
                    Ok(records) => {
                        pass.conversations += 1;
                        pass.records += records;
                    }
                    Err(error) => {
                        tracing::warn!(%log, %error, "a conversation could not be trimmed");
                        pass.failed += 1;
                    }
                }
            }
        }
    }

    /// Drops what is over of one conversation; how many records that were.
    async fn trim(&self, log: &LogName, head: Head) -> Result<u64, StoreError> {
        let limits = self.limits.get();
        let oldest = self.clock.now_ms().saturating_sub(u64::try_from(limits.age.as_millis()).unwrap_or(u64::MAX));
        let mut left = Left { records: (head.seq + 1).saturating_sub(head.first), bytes: head.bytes };
        let mut through = head.first.saturating_sub(1);
        let mut page = FIRST;
        while left.records > 0 {
            let records = self.store.read(log, through, page).await?;
            let over: Vec<_> = records.iter().take_while(|record| left.drops(record, &limits, oldest)).collect();
            let Some(last) = over.last() else { break };
            through = last.seq;
            self.store.trim(log, through).await?;
            if over.len() < records.len() {
                break;
            }
            page = MORE;
        }
        Ok((through + 1).saturating_sub(head.first))
    }
}

impl std::fmt::Debug for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retention").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What is left of a conversation.
struct Left {
    records: u64,
    bytes: u64,
}

impl Left {
    /// Whether the first that is left is over a limit; then it is left no longer.
    fn drops(&mut self, record: &Record, limits: &Limits, oldest: u64) -> bool {
        let too_much = self.records > limits.records.max(1) || (self.bytes > limits.bytes && self.records > 1);
        // Of what is no message nobody knows how old it is.
        let too_old = || Message::from_record(record).is_ok_and(|(_, message)| message.at_ms < oldest);
        let over = too_much || too_old();
        if over {
            self.records = self.records.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(record.body.len() as u64);
        }
        over
    }
}
