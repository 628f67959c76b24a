//! Send: a message of a request, on its way through the one door of delivery.

use bytes::Bytes;

use super::Services;
use super::error::{ApiError, Code};
use crate::conversation::Conversation;
use crate::delivery::{Draft, Receipt, SendError, Sender};
use crate::id::{MessageId, UserId};
use crate::message::Kind;

/// A new message's number, for callers that bring none.
pub(super) fn new_id() -> Result<MessageId, ApiError> {
    let mut bytes = [0; 16];
    let drawn = getrandom::fill(&mut bytes);
    drawn.map_err(|error| ApiError::new(Code::Unavailable, format!("the kernel gives no randomness: {error}")))?;
    Ok(MessageId::new(bytes))
}

/// Sends a message.
pub(super) async fn send(
    services: &Services,
    user: &UserId,
    conversation: Conversation,
    id: MessageId,
    kind: Kind,
    body: Bytes,
) -> Result<Receipt, SendError> {
    let sender = Sender { user: user.clone(), session: None };
    services.delivery.send(sender, Draft { conversation, id, kind, body }).await
}

/// Sends a text under a number of its own, for callers who bring none.
pub(super) async fn once(
    services: &Services,
    user: &UserId,
    conversation: &Conversation,
    text: String,
) -> Result<Receipt, ApiError> {
    Ok(send(services, user, conversation.clone(), new_id()?, Kind::Text, text.into()).await?)
}
