//! Unread: how many messages of others a reader has before him.
//!
//! Whose a message is stands in its record only, so they are counted by reading, one page and no more.

use super::{History, HistoryError, entry};
use crate::conversation::Conversation;
use crate::id::UserId;
use crate::session::Environment;
use crate::store::{Page, StoreError};

/// What is read of one conversation at the most: the count stops behind it.
pub const COUNTED: Page = Page { records: 1000, bytes: 256 << 10 };

/// Messages of others behind a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a count, whether it is one, and its cost")]
pub struct Unread {
    /// At least so many.
    pub count: u64,
    /// What lies further on was not looked at: there may be more.
    pub more: bool,
    /// Bytes of the messages that were looked at.
    pub bytes: usize,
}

impl History {
    /// How many messages of others a conversation has behind the number `after` up to `head`. The reader's own are read
    /// by him, and what retention dropped can't be read. Reads at most `page`, as [`COUNTED`]: nothing if that has no
    /// bytes, or `after` is `head`.
    ///
    /// # Errors
    /// `NotMember`, and the store's; damage is said to the log, and what lies behind it is not counted.
    pub async fn unread(
        &self,
        reader: &UserId,
        conversation: &Conversation,
        after: u64,
        head: u64,
        page: Page,
    ) -> Result<Unread, HistoryError> {
        let Environment { store, directory, .. } = &*self.environment;
        let after = after.max(directory.reads_behind(reader, conversation).ok_or(HistoryError::NotMember)?);
        if after >= head {
            return Ok(Unread::default());
        }
        if page.bytes == 0 {
            return Ok(Unread { more: true, ..Unread::default() });
        }
        let records = match store.read(&conversation.log(), after, page).await {
            Ok(records) => records,
            Err(error @ StoreError::Damaged(_)) => {
                tracing::error!(%error, %conversation, "unread messages are not counted");
                return Ok(Unread { more: true, ..Unread::default() });
            }
            Err(error) => return Err(error.into()),
        };
        let more = records.last().is_some_and(|last| last.seq < head);
        let told = records.iter().filter(|record| record.seq <= head);
        let others = told.filter_map(|record| entry(conversation, record)).filter(|it| it.message.sender != *reader);
        let bytes = records.iter().map(|record| record.body.len()).sum();
        Ok(Unread { count: u64::try_from(others.count()).unwrap_or(u64::MAX), more, bytes })
    }
}
