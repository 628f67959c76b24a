//! Conversations: those of the caller, how far each is, and how far he has read.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::cursor;
use super::names::ConversationName;
use super::seq::Seq;
use crate::conversation::Conversation;
use crate::history::{COUNTED, HistoryError};
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{Body, Path, UrlQuery, id, limit};
use crate::id::UserId;
use crate::store::{LogName, Page};

/// The most conversations of a page.
const MOST: usize = 200;

/// Bytes of messages that one answer looks at, to count those that are not read.
const LOOKED_AT: usize = 4 << 20;

/// One conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    /// `p.<user>.<user>`, `g.<group>` or `all`.
    conversation: String,
    /// The number of its last message; "0" if there is none.
    head: Seq,
    /// The last message that the token's device has acknowledged on the long connection.
    delivered: Seq,
    /// The last message that the user has read, on any device.
    read: Seq,
    /// Messages of others after that, of those that are still there. At most 1,000 are looked at, and 256 KiB; of all
    /// conversations of an answer 4 MiB.
    unread: Seq,
    /// There may be more of them than were looked at.
    unread_more: bool,
}

/// A page of conversations, in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entries {
    conversations: Vec<Entry>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `next` of the page before.
    cursor: Option<String>,
    /// At most so many, 1 to 200; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// The caller's conversations
#[utoipa::path(get, path = "/v1/conversations", operation_id = "list_conversations", tag = "conversations", params(ListQuery), security(("token" = [])),
    responses((status = 200, body = Entries), (status = "default", body = ErrorBody)))]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
    UrlQuery(query): UrlQuery<ListQuery>,
) -> Result<Json<Entries>, ApiError> {
    let after: Option<Conversation> = query.cursor.map(|cursor| cursor::read("conversations", &cursor)).transpose()?;
    let limit = limit(query.limit, MOST)?;
    let user = caller.user();
    let mut all = services.directory.conversations_of(user);
    all.sort_unstable();
    all.retain(|(conversation, _)| after.as_ref().is_none_or(|after| conversation > after));
    let next = all.get(limit).and_then(|_| all.get(limit - 1)).map(|(last, _)| cursor::write("conversations", last));
    all.truncate(limit);
    let read = marks(&services, &read_marks(user)).await?;
    let delivered = match caller.device() {
        Some(device) => marks(&services, &format!("d.{user}.{device}")).await?,
        None => HashMap::new(),
    };
    let (history, mut budget) = (services.history(), LOOKED_AT);
    let mut conversations = Vec::with_capacity(all.len());
    for (conversation, head) in all {
        // Who is out by now has it in his list no longer.
        let Some(start) = services.directory.reads_behind(user, &conversation) else { continue };
        let log = conversation.log();
        let mark = |marks: &HashMap<LogName, u64>| marks.get(&log).copied().unwrap_or(0).max(start).min(head);
        let (read, delivered) = (mark(&read), mark(&delivered));
        let page = Page { bytes: COUNTED.bytes.min(budget), ..COUNTED };
        let unread = match history.unread(user, &conversation, read, head, page).await {
            Err(HistoryError::NotMember) => continue,
            counted => counted?,
        };
        budget = budget.saturating_sub(unread.bytes);
        conversations.push(Entry {
            conversation: conversation.to_string(),
            head: Seq(head),
            delivered: Seq(delivered),
            read: Seq(read),
            unread: Seq(unread.count),
            unread_more: unread.more,
        });
    }
    Ok(Json(Entries { conversations, next }))
}

/// How far the user has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadMark {
    /// The last message that was read. The highest ever said stays.
    seq: Seq,
}

/// Notes how far the caller has read; it counts on all of his devices
#[utoipa::path(put, path = "/v1/conversations/{conversation}/read", tag = "conversations", request_body = ReadMark,
    params(("conversation" = inline(ConversationName), Path)), security(("token" = [])),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn mark_read(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(conversation): Path<String>,
    Body(ReadMark { seq }): Body<ReadMark>,
) -> Result<StatusCode, ApiError> {
    let conversation = mine(&services, caller.user(), &conversation)?;
    if seq.0 > services.directory.head(&conversation) {
        return Err(ApiError::new(Code::BadFields, "there is no message with this number yet"));
    }
    // As good as no mark, and there is no end of conversations in which nothing was said.
    if seq.0 == 0 {
        return Ok(StatusCode::NO_CONTENT);
    }
    services.store.put_mark(&read_marks(caller.user()), &conversation.log(), seq.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The conversation of this name, if it is the user's. Whether one of others exists, nobody is told.
pub(super) fn mine(services: &Services, user: &UserId, name: &str) -> Result<Conversation, ApiError> {
    let conversation: Conversation = id(name)?;
    if services.directory.reads_behind(user, &conversation).is_none() {
        return Err(ApiError::new(Code::NotMember, "this is not one of your conversations"));
    }
    Ok(conversation)
}

/// Whose marks say how far a user has read.
fn read_marks(user: &UserId) -> String {
    format!("r.{user}")
}

async fn marks(services: &Services, owner: &str) -> Result<HashMap<LogName, u64>, ApiError> {
    Ok(services.store.marks(owner).await?.into_iter().collect())
}
