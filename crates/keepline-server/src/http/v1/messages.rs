//! Messages of a conversation: sending one, and reading pages of them.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::content::{self, Kind};
use super::cursor;
use super::names::ConversationName;
use super::seq::Seq;
use crate::conversation::Conversation;
use crate::history::{Entry, LONGEST_PAGE, Start};
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{Body, Path, UrlQuery, id, limit};
use crate::http::send;

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "text": "hello" }))]
pub(super) struct NewMessage {
    /// 32 hexadecimal digits, chosen by the sender: the same again is the same message, and is stored once. Without
    /// it, the server chooses, and a repetition is another message.
    #[schema(pattern = "^[0-9A-Fa-f]{32}$")]
    id: Option<String>,
    #[serde(default)]
    kind: Kind,
    /// Of a text.
    text: Option<String>,
    /// Of the other kinds: base64, 60 KiB when decoded.
    data: Option<String>,
}

/// A message that is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sent {
    id: String,
    seq: Seq,
    /// Whether it was stored before, by an earlier request with this id.
    duplicate: bool,
    /// When it was stored: milliseconds since 1970.
    at_ms: u64,
}

/// Sends a message; it is answered once it is stored
#[utoipa::path(post, path = "/v1/conversations/{conversation}/messages", operation_id = "send_message", tag = "messages", request_body = NewMessage,
    params(("conversation" = inline(ConversationName), Path, description = "`p.<user>.<user>` in the order of their bytes, `g.<group>` or `all`")),
    security(("token" = [])), responses(
        (status = 201, body = Sent),
        (status = 200, description = "stored before", body = Sent),
        (status = 403, description = "not_member", body = ErrorBody),
        (status = 409, description = "id_reused", body = ErrorBody),
        (status = 429, description = "rate_limited; by default 20 a second of a user and 100 at once, and to `all` 50 a second of all users together", body = ErrorBody),
        (status = 503, description = "overloaded: the server is short of memory; see Retry-After", body = ErrorBody),
        (status = 504, description = "unknown_outcome: send it again with the same id", body = ErrorBody),
        (status = 507, description = "storage_full", body = ErrorBody),
        (status = "default", body = ErrorBody),
    ))]
pub(super) async fn send(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(conversation): Path<String>,
    Body(request): Body<NewMessage>,
) -> Result<(StatusCode, Json<Sent>), ApiError> {
    let conversation: Conversation = id(&conversation)?;
    let body = content::read(request.kind, request.text, request.data)?;
    let id = match request.id {
        Some(id) => {
            id.parse().map_err(|error: crate::id::BadMessageId| ApiError::new(Code::BadMessageId, error.to_string()))?
        }
        None => send::new_id()?,
    };
    let receipt = send::send(&services, caller.user(), conversation, id, request.kind.into(), body).await?;
    let status = if receipt.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let sent = Sent { id: id.to_string(), seq: Seq(receipt.seq), duplicate: receipt.duplicate, at_ms: receipt.at_ms };
    Ok((status, Json(sent)))
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageView {
    conversation: String,
    seq: Seq,
    /// 32 hexadecimal digits.
    id: String,
    sender: String,
    kind: Kind,
    /// Of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Of the other kinds: base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// When it was stored: milliseconds since 1970.
    at_ms: u64,
}

impl From<Entry> for MessageView {
    fn from(entry: Entry) -> Self {
        let (text, data) = content::write(entry.message.kind, &entry.message.body);
        Self {
            conversation: entry.conversation.to_string(),
            seq: Seq(entry.seq),
            id: entry.id.to_string(),
            sender: entry.message.sender.to_string(),
            kind: entry.message.kind.into(),
            text,
            data,
            at_ms: entry.message.at_ms,
        }
    }
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Messages {
    messages: Vec<MessageView>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

impl Messages {
    pub(super) fn new(entries: Vec<Entry>, next: Option<String>) -> Self {
        Self { messages: entries.into_iter().map(MessageView::from).collect(), next }
    }
}

/// What the cursors of pages are of.
const LIST: &str = "messages";

/// Where a page begins, as it stands in a cursor: `<` or `>`, and the number.
struct Place(Start);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Start::Before(seq) => write!(f, "<{seq}"),
            Start::After(seq) => write!(f, ">{seq}"),
        }
    }
}

impl FromStr for Place {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        match text.strip_prefix('<') {
            Some(seq) => Ok(Self(Start::Before(seq.parse()?))),
            None => Ok(Self(Start::After(text.strip_prefix('>').unwrap_or_default().parse()?))),
        }
    }
}

/// Which part of a conversation: one of `before`, `after` and `cursor`, or the newest messages if none is said.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Newest first, from the message before this number.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,19}$")]
    before: Option<Seq>,
    /// Oldest first, from the message after this number; "0" is the beginning.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,19}$")]
    after: Option<Seq>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// At most so many, 1 to 200; 50 if not said. A page ends after 1 MiB, too.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// What was said before
#[utoipa::path(get, path = "/v1/conversations/{conversation}/messages", operation_id = "page_of_messages",
    tag = "messages", params(("conversation" = inline(ConversationName), Path), PageQuery), security(("token" = [])), responses(
        (status = 200, body = Messages),
        (status = 403, description = "not_member", body = ErrorBody),
        (status = "default", body = ErrorBody),
    ))]
pub(super) async fn page(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(conversation): Path<String>,
    UrlQuery(query): UrlQuery<PageQuery>,
) -> Result<Json<Messages>, ApiError> {
    let conversation: Conversation = id(&conversation)?;
    let limit = limit(query.limit, LONGEST_PAGE)?;
    let start = match (query.before, query.after, query.cursor) {
        (None, None, None) => Start::Before(u64::MAX),
        (Some(Seq(seq)), None, None) => Start::Before(seq),
        (None, Some(Seq(seq)), None) => Start::After(seq),
        (None, None, Some(cursor)) => cursor::read::<Place>(LIST, &cursor)?.0,
        _ => return Err(ApiError::new(Code::BadRequest, "say one of before, after and cursor")),
    };
    let page = services.history().page(caller.user(), &conversation, start, limit).await?;
    let next = page.next.map(|next| cursor::write(LIST, Place(next)));
    Ok(Json(Messages::new(page.entries, next)))
}
