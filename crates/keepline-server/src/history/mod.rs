//! History: reads what was said before, for those who may.

use std::fmt;
use std::sync::Arc;

use crate::conversation::Conversation;
use crate::id::{MessageId, UserId};
use crate::message::Message;
use crate::session::Environment;
use crate::store::{Page, Record, StoreError};

mod search;
mod unread;

pub use search::{BadCursor, Cursor, Found, LONGEST_QUERY, SEARCHED_BYTES, SEARCHED_RECORDS};
pub use unread::{COUNTED, Unread};

/// The most messages of one page.
pub const LONGEST_PAGE: usize = 200;
/// The most bytes of bodies of one page, unless its first message alone has more.
pub const PAGE_BYTES: usize = 1 << 20;

/// Reads what was said before. Cheap to clone.
#[derive(Clone)]
pub struct History {
    environment: Arc<Environment>,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what a message is, and where")]
pub struct Entry {
    /// The conversation.
    pub conversation: Conversation,
    /// Its number there.
    pub seq: u64,
    /// Its own number.
    pub id: MessageId,
    /// The message.
    pub message: Message,
}

/// Where a page begins, and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two ways")]
pub enum Start {
    /// Newest first, from the message before this number; from the last one for `u64::MAX`.
    Before(u64),
    /// Oldest first, from the message after this number; from the first one for 0.
    After(u64),
}

/// A part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a page has these parts")]
pub struct HistoryPage {
    /// The messages, in the order of the page's way.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Start>,
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The conversation is not the reader's.
    #[error("you are no member of this conversation")]
    NotMember,
    /// There is nothing to look for, or too much.
    #[error("a search has 1 to {LONGEST_QUERY} bytes")]
    BadQuery,
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HistoryError {
    /// The word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotMember => "not_member",
            Self::BadQuery => "bad_query",
            Self::Store(_) => "unavailable",
        }
    }
}

impl History {
    /// Of these logs.
    #[must_use]
    pub const fn new(environment: Arc<Environment>) -> Self {
        Self { environment }
    }

    /// A part of a conversation: up to `limit` messages, [`LONGEST_PAGE`] at the most, and [`PAGE_BYTES`]. What was
    /// said before the reader came is not there for him.
    ///
    /// # Errors
    /// `NotMember`, and the store's.
    pub async fn page(
        &self,
        reader: &UserId,
        conversation: &Conversation,
        start: Start,
        limit: usize,
    ) -> Result<HistoryPage, HistoryError> {
        let Environment { store, directory, .. } = &*self.environment;
        let behind = directory.reads_behind(reader, conversation).ok_or(HistoryError::NotMember)?;
        let page = Page { records: limit.clamp(1, LONGEST_PAGE), bytes: PAGE_BYTES };
        let log = conversation.log();
        let records = match start {
            Start::Before(seq) if seq <= behind + 1 => Vec::new(),
            Start::Before(seq) => {
                let mut records = store.read_back(&log, seq, page).await?;
                records.retain(|record| record.seq > behind);
                records
            }
            Start::After(seq) => store.read(&log, seq.max(behind), page).await?,
        };
        let next = match (start, records.last().map(|record| record.seq)) {
            (_, None) => None,
            (Start::Before(_), Some(last)) => {
                let head = store.head(&log).await?;
                (last > head.first.max(behind + 1)).then_some(Start::Before(last))
            }
            (Start::After(_), Some(last)) => {
                let head = store.head(&log).await?;
                (last < head.seq).then_some(Start::After(last))
            }
        };
        let entries = records.iter().filter_map(|record| entry(conversation, record)).collect();
        Ok(HistoryPage { entries, next })
    }
}

/// A record as a message; a damaged one is left out, and said to the log.
fn entry(conversation: &Conversation, record: &Record) -> Option<Entry> {
    match Message::from_record(record) {
        Ok((id, message)) => Some(Entry { conversation: conversation.clone(), seq: record.seq, id, message }),
        Err(error) => {
            tracing::error!(%error, %conversation, "left out");
            None
        }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").finish_non_exhaustive()
    }
}
