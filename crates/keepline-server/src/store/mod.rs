//! Store: logs that only grow at their end. The one durable act of the server is to append to one of them.
//!
//! Everything that must outlast the process is a record of a log. Messages are records of their conversation's log;
//! an account, a token, a group, a delayed message is a log of its own whose last record is its state. Who expects the
//! log's head to be what he saw ([`Expected::Head`]) changes it only if nobody else did meanwhile, so a name is taken
//! by appending to its log at head 0. There is no other transaction.
//!
//! The rest is idempotent ([`Store::trim`], [`Store::forget`], [`Store::put_mark`]) or rebuilt from the logs.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use tokio::sync::broadcast;

use crate::conversation::Conversation;
use crate::id::MessageId;

#[cfg(feature = "fake")]
pub mod fake;
mod forward;
pub mod memory;
pub mod redb;

/// An engine that keeps logs.
///
/// Futures do their work whether or not they are polled to the end: dropping one only forgets the answer. No method
/// blocks its caller, so none touches a file on the runtime's threads.
pub trait Store: Send + Sync + 'static {
    /// How durable what this engine acknowledges is.
    fn durability(&self) -> Durability;

    /// Appends one record to one log.
    ///
    /// Requests are taken in the order of the calls, before the future is first polled: of two requests for one log,
    /// the first called is the first stored.
    ///
    /// # Errors
    /// This request stored nothing, for certain, and will not. Where that is not certain, the answer is
    /// [`Outcome::Unknown`]. An earlier request with the same id, whose outcome was unknown, may have.
    fn append(&self, append: Append) -> Answer<Outcome>;

    /// The head of a log; of one that was never written to: no record, in the store's epoch.
    ///
    /// # Errors
    /// The engine's. As with every read, an error says nothing about what is stored.
    fn head(&self, log: &LogName) -> Answer<Head>;

    /// The records behind `after`, ascending and without a hole, as many as the page allows; at least one, if there is
    /// one. Starts behind what was trimmed, where `after` lies before it.
    ///
    /// # Errors
    /// The engine's; [`StoreError::Damaged`] for a record that is not what was written.
    fn read(&self, log: &LogName, after: u64, page: Page) -> Answer<Vec<Record>>;

    /// The records before `before`, descending, as many as the page allows; at least one, if there is one.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>>;

    /// Logs whose names begin with `prefix` and follow `after` in the order of bytes, with their heads; at most
    /// `limit`.
    ///
    /// # Errors
    /// The engine's.
    fn logs(&self, prefix: &str, after: Option<&LogName>, limit: usize) -> Answer<Vec<(LogName, Head)>>;

    /// Drops the records up to and including `through`. The head stays, so numbers are never given again. Idempotent.
    ///
    /// # Errors
    /// The engine's; nothing, or a part from the front, may be gone then.
    fn trim(&self, log: &LogName, through: u64) -> Answer<()>;

    /// Removes a log, its head, records and ids, as if it had never been written to. Idempotent, and durable like an append
    /// once it is answered. Marks stay.
    ///
    /// Numbers of a log that is written to again afterwards begin anew, and a request to append that arrives late is
    /// stored as a new one. So it is only for logs whose names nobody uses again and that no request is on its way to:
    /// those of tokens, named by the hash of a random text, and of delayed messages, named by a random number, a day
    /// after they are over. Never for a conversation's or an account's.
    ///
    /// # Errors
    /// The engine's; nothing, or a part of the records from the front, or all may be gone then.
    fn forget(&self, log: &LogName) -> Answer<()>;

    /// Notes how far `owner` has come in a log; the highest ever noted stays. Not durable when it is answered: after a
    /// crash an earlier one may be back, which costs a repetition and loses nothing.
    ///
    /// Kept for good: a mark has no time, and one that lies at the end of what was trimmed is that of a device which has
    /// everything. Without it, the device would be told of a gap that it does not have.
    ///
    /// # Errors
    /// The engine's.
    fn put_mark(&self, owner: &str, log: &LogName, seq: u64) -> Answer<()>;

    /// Every mark of one owner.
    ///
    /// # Errors
    /// The engine's.
    fn marks(&self, owner: &str) -> Answer<Vec<(LogName, u64)>>;

    /// Records from now on, of every log, each log's in order. Bounded: who is too slow is told how many he missed and
    /// reads the logs instead.
    fn subscribe(&self) -> Feed;

    /// Whether appends are taken now; with the engine's words where they are not.
    ///
    /// # Errors
    /// What an append would be refused with.
    fn health(&self) -> Result<(), StoreError>;

    /// Copies what is stored at this moment, with every mark noted so far, into a new file, while the store is in use.
    /// The file is whole and synced when this is answered; on an error there is none. One at a time.
    ///
    /// # Errors
    /// The engine's, or the file system's; [`StoreError::Damaged`] if what is stored is, and that is not copied.
    fn backup(&self, to: &Path) -> Answer<Copied> {
        let _ = to;
        Box::pin(std::future::ready(Err(StoreError::Unavailable("this engine makes no backups".into()))))
    }

    /// Tells how long each transaction takes from now on. The first who watches stays; an engine without a disk tells
    /// nothing.
    fn watch_commits(&self, watch: Arc<dyn CommitWatch>) {
        drop(watch);
    }

    /// Takes nothing new, writes what was taken, and lets go of what the engine holds open. Idempotent.
    fn close(&self) -> Closing {
        Box::pin(std::future::ready(()))
    }
}

/// Who is told of an engine's transactions, on the thread that writes them: so quickly.
pub trait CommitWatch: fmt::Debug + Send + Sync + 'static {
    /// One was committed and synced, or failed in it, after so long.
    fn on_commit(&self, took: Duration);
}

/// What a store will answer.
pub type Answer<T> = BoxFuture<'static, Result<T, StoreError>>;

/// The end of a store that is being closed.
pub type Closing = BoxFuture<'static, ()>;

/// The records of a store as they are stored.
pub type Feed = broadcast::Receiver<Committed>;

/// Records that a subscriber may be behind before it misses some.
pub const FEED: usize = 8192;

/// The name of a log: `m.<conversation>` for messages, another first word for each kind of state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName(Arc<str>);

impl LogName {
    /// What the names of logs of messages begin with.
    pub const MESSAGES: &'static str = "m.";

    /// The log of a conversation's messages.
    #[must_use]
    pub fn of_messages(conversation: &Conversation) -> Self {
        Self(format!("{}{conversation}", Self::MESSAGES).into())
    }

    /// A log by its name; the caller has made sure of the parts.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The conversation whose messages it holds, if it is such a log.
    #[must_use]
    pub fn conversation(&self) -> Option<Conversation> {
        self.0.strip_prefix(Self::MESSAGES)?.parse().ok()
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request to append one record.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a request has these parts")]
pub struct Append {
    /// The log.
    pub log: LogName,
    /// What the log's head must be.
    pub expected: Expected,
    /// The record's own number; a record with the same is stored once. Kept at least as long as the record, and 24 h.
    pub id: MessageId,
    /// What it says; up to 1 MiB.
    pub body: Bytes,
}

/// What a log's head must be for a record to be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "either it matters or it does not")]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// This number; 0 for a log that was never written to.
    Head(u64),
}

/// What became of a request to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each")]
pub enum Outcome {
    /// Stored, at the engine's durability, under this number: the one after the log's last.
    Appended(u64),
    /// A record with this id was stored before, under this number. Nothing was appended.
    Duplicate(u64),
    /// The head is another than was expected. Nothing was appended.
    Conflict {
        /// What it is.
        head: u64,
    },
    /// It may be stored, or not, or be stored yet. The same request again is safe, and the only right answer.
    Unknown,
}

/// A log's account of itself, kept apart from its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an engine makes it")]
pub struct Head {
    /// Changes when the numbering starts anew, as after the restore of a backup.
    pub epoch: u64,
    /// The number of the last record; 0 if there never was one.
    pub seq: u64,
    /// The number of the first record that is still there, or would be.
    pub first: u64,
    /// Bytes of the bodies that are still there.
    pub bytes: u64,
}

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an engine makes it")]
pub struct Record {
    /// Its number, from 1 up without a hole.
    pub seq: u64,
    /// Its own number.
    pub id: MessageId,
    /// What it says.
    pub body: Bytes,
}

/// How much to read at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two limits")]
pub struct Page {
    /// At most so many records.
    pub records: usize,
    /// At most so many bytes of bodies, unless the first alone has more.
    pub bytes: usize,
}

/// A record that was just stored.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an engine makes it")]
pub struct Committed {
    /// The log.
    pub log: LogName,
    /// The log's epoch.
    pub epoch: u64,
    /// The record.
    pub record: Record,
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an engine makes it")]
pub struct Copied {
    /// Logs.
    pub logs: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// How durable an acknowledged record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the levels that are promised")]
pub enum Durability {
    /// Gone with the process.
    Memory,
    /// On this machine's disk, synced.
    Disk,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
        })
    }
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No space is left.
    #[error("the disk is full: free space under the data directory; writing resumes by itself")]
    Full,
    /// It is busy, broken or closed; the words say which.
    #[error("the store takes nothing now: {0}")]
    Unavailable(Arc<str>),
    /// A body over the limit.
    #[error("a record of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// What is stored is not what was written.
    #[error("damaged: {0}")]
    Damaged(Arc<str>),
}

/// The largest body of a record, in bytes.
pub const LARGEST: usize = 1 << 20;
