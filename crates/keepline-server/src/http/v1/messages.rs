//! Messages of a conversation: sending one, and reading pages of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::content::{self, Kind};
use super::seq::Seq;
use crate::conversation::Conversation;
use crate::http::Services;
use crate::http::error::{ApiError, Code, ErrorBody};
use crate::http::extract::{Body, Path, id};
use crate::http::send;

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    /// 32 hexadecimal digits, chosen by the sender: the same again is the same message, and is stored once. Without
    /// it, the server chooses, and a repetition is another message.
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
#[utoipa::path(post, path = "/v1/conversations/{conversation}/messages", tag = "messages", request_body = NewMessage,
    params(("conversation" = String, Path, description = "`p.<user>.<user>` in the order of their bytes, `g.<group>` or `all`")),
    security(("token" = [])), responses(
        (status = 201, body = Sent),
        (status = 200, description = "stored before", body = Sent),
        (status = 403, description = "not_member", body = ErrorBody),
        (status = 409, description = "id_reused", body = ErrorBody),
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
