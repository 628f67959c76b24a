//! Search: texts that contain a word, in the conversations of a user.
//!
//! There is no index: the logs are read backwards, a bounded part of them at each call, and the cursor says where to go
//! on. So a search costs the store what a reader of the same pages costs it.

use std::fmt;
use std::str::FromStr;

use super::{Entry, History, HistoryError, entry};
use crate::conversation::Conversation;
use crate::id::UserId;
use crate::message::Kind;
use crate::session::Environment;
use crate::store::Page;

/// The longest text to look for, in bytes.
pub const LONGEST_QUERY: usize = 256;
/// The most records that one call looks at.
pub const SEARCHED_RECORDS: usize = 2000;
/// The most bytes of records that one call looks at, but for one page.
pub const SEARCHED_BYTES: usize = 4 << 20;
/// What a page costs of the records, however few are in it: a thousand conversations are a thousand questions.
const PAGE_COSTS: usize = 10;
/// The most messages of one answer.
const LONGEST_ANSWER: usize = 200;
/// What is read at one time: other tasks have their turn between.
const STEP: Page = Page { records: 100, bytes: 256 << 10 };

/// Texts that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an answer has these parts")]
pub struct Found {
    /// One conversation after the other in the order of their names, newest first within each.
    pub entries: Vec<Entry>,
    /// Where to go on; `None` if everything was looked at. There may be one although nothing was found.
    pub next: Option<Cursor>,
}

/// Where a search goes on. As text it is opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    conversation: Conversation,
    /// Everything from here on was looked at.
    before: u64,
}

/// Not a cursor of an earlier answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of an earlier answer")]
#[non_exhaustive]
pub struct BadCursor;

impl History {
    /// Texts that contain `query`, whatever the case of their letters, in one conversation or in all that the reader
    /// has. Up to `limit` of them, 200 at the most; a call looks at [`SEARCHED_RECORDS`] records and [`SEARCHED_BYTES`].
    ///
    /// # Errors
    /// `BadQuery`, `NotMember`, and the store's.
    pub async fn search(
        &self,
        reader: &UserId,
        query: &str,
        within: Option<&Conversation>,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Found, HistoryError> {
        if query.is_empty() || query.len() > LONGEST_QUERY {
            return Err(HistoryError::BadQuery);
        }
        let directory = &self.environment.directory;
        let mut places: Vec<Conversation> = match within {
            Some(conversation) => vec![conversation.clone()],
            None => directory.conversations_of(reader).into_iter().map(|(conversation, _)| conversation).collect(),
        };
        places.sort();
        let mut search = Searching {
            query: query.to_lowercase(),
            left: SEARCHED_RECORDS,
            bytes: SEARCHED_BYTES,
            wanted: limit.clamp(1, LONGEST_ANSWER),
            entries: Vec::new(),
        };
        for conversation in places {
            let before = match cursor {
                Some(cursor) if conversation < cursor.conversation => continue,
                Some(cursor) if conversation == cursor.conversation => cursor.before,
                _ => u64::MAX,
            };
            let Some(behind) = directory.reads_behind(reader, &conversation) else {
                // The one that was named; of the others he may have been taken out just now.
                if within.is_some() {
                    return Err(HistoryError::NotMember);
                }
                continue;
            };
            // No question for what is empty: who is in a thousand groups has many such.
            if directory.head(&conversation) <= behind {
                continue;
            }
            if let Some(before) = search.look(&self.environment, &conversation, before, behind).await? {
                return Ok(Found { entries: search.entries, next: Some(Cursor { conversation, before }) });
            }
        }
        Ok(Found { entries: search.entries, next: None })
    }
}

struct Searching {
    query: String,
    /// Records that may still be looked at.
    left: usize,
    /// And bytes of them.
    bytes: usize,
    wanted: usize,
    entries: Vec<Entry>,
}

impl Searching {
    /// Looks through one conversation; where to go on, if it is time to answer.
    async fn look(
        &mut self,
        environment: &Environment,
        conversation: &Conversation,
        mut before: u64,
        behind: u64,
    ) -> Result<Option<u64>, HistoryError> {
        while before > behind + 1 {
            if self.left == 0 || self.bytes == 0 || self.entries.len() >= self.wanted {
                return Ok(Some(before));
            }
            let page = Page { records: STEP.records.min(self.left), ..STEP };
            let records = environment.store.read_back(&conversation.log(), before, page).await?;
            // What is not his counts too: it was read.
            self.left = self.left.saturating_sub(records.len().max(PAGE_COSTS));
            self.bytes = self.bytes.saturating_sub(records.iter().map(|record| record.body.len()).sum());
            let Some(last) = records.last() else { return Ok(None) };
            let end = last.seq;
            for record in records.iter().filter(|record| record.seq > behind) {
                if self.entries.len() >= self.wanted {
                    return Ok(Some(record.seq + 1));
                }
                if let Some(entry) = entry(conversation, record)
                    && self.matches(&entry)
                {
                    self.entries.push(entry);
                }
            }
            before = end;
        }
        Ok(None)
    }

    fn matches(&self, entry: &Entry) -> bool {
        entry.message.kind == Kind::Text
            && std::str::from_utf8(&entry.message.body).is_ok_and(|text| text.to_lowercase().contains(&self.query))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.before, self.conversation)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (before, conversation) = text.split_once('.').ok_or(BadCursor)?;
        let before = before.parse().map_err(|_| BadCursor)?;
        Ok(Self { conversation: conversation.parse().map_err(|_| BadCursor)?, before })
    }
}
