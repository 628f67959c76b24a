//! Search: texts that contain a word.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::Caller;
use super::cursor;
use super::messages::Messages;
use super::names::ConversationName;
use crate::conversation::Conversation;
use crate::history::LONGEST_PAGE;
use crate::http::Services;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{UrlQuery, id, limit};

/// What the cursors of searches are of.
const LIST: &str = "search";

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// What the texts contain, whatever the case of its letters; 1 to 256 bytes.
    #[param(min_length = 1, max_length = 256)]
    query: String,
    /// In this conversation only.
    #[param(value_type = Option<ConversationName>, inline)]
    conversation: Option<String>,
    /// `next` of the answer before, with the same `query` and `conversation`.
    cursor: Option<String>,
    /// At most so many, 1 to 200; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Texts in the caller's conversations, newest first in each. An answer looks at 2,000 messages and 4 MiB: it may be empty and
/// have a `next`
#[utoipa::path(get, path = "/v1/search", operation_id = "search_messages", tag = "messages", params(SearchQuery),
    security(("token" = [])), responses((status = 200, body = Messages), (status = "default", body = ErrorBody)))]
pub(super) async fn search(
    State(services): State<Arc<Services>>,
    caller: Caller,
    UrlQuery(query): UrlQuery<SearchQuery>,
) -> Result<Json<Messages>, ApiError> {
    let limit = limit(query.limit, LONGEST_PAGE)?;
    let within: Option<Conversation> = query.conversation.map(|name| id(&name)).transpose()?;
    let cursor = query.cursor.map(|cursor| cursor::read(LIST, &cursor)).transpose()?;
    let history = services.history();
    let found = history.search(caller.user(), &query.query, within.as_ref(), cursor.as_ref(), limit).await?;
    Ok(Json(Messages::new(found.entries, found.next.map(|next| cursor::write(LIST, next)))))
}
