//! `sendMsg`: what cim's route asks of cim's server: say this to that user.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::messages::{known, say};
use super::reply::{Code, Reply};
use super::request::{Batch, Chat, number};
use crate::conversation::Conversation;
use crate::http::Services;
use crate::http::object::Object;

/// What it asks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Push {
    #[serde(default)]
    msg: Option<String>,
    #[serde(default)]
    batch_msg: Option<Batch>,
    /// The receiver.
    #[serde(default, deserialize_with = "number")]
    user_id: Option<i64>,
    #[serde(default)]
    cmd: Option<String>,
    #[serde(default)]
    properties: Option<Properties>,
}

/// What else it says; of that only the sender counts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    send_user_id: Option<String>,
}

/// What it answers: always the same word.
#[derive(Debug, Serialize)]
pub(super) struct Pushed {
    msg: &'static str,
}

/// `POST /sendMsg`: stored and pushed like any other message, so that success is true also for a receiver who is away.
/// cim takes anything for a sender; here he is one who is registered.
pub(super) async fn send_msg(
    State(services): State<Arc<Services>>,
    Json(Object(request)): Json<Object<Push>>,
) -> Reply<Pushed> {
    let Push { msg, batch_msg, user_id, cmd, properties } = request;
    if !matches!(cmd.as_deref(), Some("MESSAGE" | "OFFLINE")) {
        return Reply::code(Code::InvalidArgument);
    }
    let sender = properties.and_then(|properties| properties.send_user_id);
    let sender = known(&services, sender.and_then(|id| id.trim().parse().ok()));
    let (Some(sender), Some(receiver)) = (sender, known(&services, user_id)) else {
        return Reply::code(Code::AccountNotMatch);
    };
    let texts = Chat { user_id: None, msg, receive_user_id: None, batch_msg }.texts();
    match say(&services, &sender, &Conversation::private(sender.clone(), receiver), texts).await {
        Ok(()) => Reply::success(Some(Pushed { msg: "OK" })),
        Err(code) => Reply::code(code),
    }
}
