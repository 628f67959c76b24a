//! `p2pRoute`, `groupRoute` and `fetchOfflineMsgs`: what is said is stored first, and only then answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::reply::{Bare, Code, Reply};
use super::request;
use crate::accounts::cim;
use crate::conversation::Conversation;
use crate::http::Services;
use crate::http::error::Code as Refused;
use crate::http::object::Object;
use crate::http::send;
use crate::id::UserId;

/// `POST /p2pRoute`: one message for each item of a batch, in its order. 7000 says that the receiver was away and has
/// it kept for him; nothing is lost by it.
pub(super) async fn p2p(
    State(services): State<Arc<Services>>,
    Json(Object(request)): Json<Object<request::Chat>>,
) -> Bare {
    let (sender, receiver) = (known(&services, request.user_id), known(&services, request.receive_user_id));
    let (Some(sender), Some(receiver)) = (sender, receiver) else {
        return Reply::code(Code::AccountNotMatch);
    };
    // Before it is sent: who comes during it has it pushed, and was away when it was said.
    let online = services.is_online(&receiver);
    let conversation = Conversation::private(sender.clone(), receiver);
    match say(&services, &sender, &conversation, request.texts()).await {
        Ok(()) if online => Reply::success(None),
        Ok(()) => Reply::code(Code::OffLine),
        Err(code) => Reply::code(code),
    }
}

/// `POST /groupRoute`: to everyone. Who is away gets it later.
pub(super) async fn group(
    State(services): State<Arc<Services>>,
    Json(Object(request)): Json<Object<request::Chat>>,
) -> Bare {
    let Some(sender) = known(&services, request.user_id) else {
        return Reply::code(Code::AccountNotMatch);
    };
    let text = request.msg.filter(|text| !text.is_empty()).into_iter().collect();
    match say(&services, &sender, &Conversation::Everyone, text).await {
        Ok(()) => Reply::success(None),
        Err(code) => Reply::code(code),
    }
}

/// `POST /fetchOfflineMsgs`: what the user has not got is pushed over the long connection again. Not being connected
/// is no failure.
pub(super) async fn fetch_offline(
    State(services): State<Arc<Services>>,
    Json(Object(request)): Json<Object<request::Fetch>>,
) -> Bare {
    let Some(user) = request.receive_user_id.and_then(cim::user_of) else {
        return Reply::success(None);
    };
    if let Err(error) = services.store.health() {
        tracing::warn!(%error, "fetchOfflineMsgs");
        return Reply::code(Code::OfflineReadFailed);
    }
    for session in services.hub.sessions_of(&user) {
        session.fetch_offline();
    }
    Reply::success(None)
}

/// The user of this number, if there is one.
pub(super) fn known(services: &Services, id: Option<i64>) -> Option<UserId> {
    let id = id.filter(|id| services.accounts.cim().name_of(*id).is_some())?;
    cim::user_of(id)
}

/// Sends the texts in their order, each as a message of its own, up to the first that is refused. At least one, or the
/// argument is none.
pub(super) async fn say(
    services: &Services,
    sender: &UserId,
    conversation: &Conversation,
    texts: Vec<String>,
) -> Result<(), Code> {
    if texts.is_empty() {
        return Err(Code::InvalidArgument);
    }
    for text in texts {
        if let Err(error) = send::once(services, sender, conversation, text).await {
            tracing::warn!(%error, "a message of a cim client was not stored");
            return Err(match error.code() {
                // Later it would be taken: no argument is wrong, and no storage failed.
                Refused::RateLimited | Refused::Overloaded => Code::Failure,
                _ if error.is_ours() => Code::OfflineSaveFailed,
                _ => Code::InvalidArgument,
            });
        }
    }
    Ok(())
}
