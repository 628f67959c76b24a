//! Deliver: the seam to whoever takes messages.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::delayed::Delayed;
use crate::id::{MessageId, UserId};

/// Who takes a message when its time has come.
///
/// The same message may come several times, always with the same id: it is to be stored once.
pub trait Deliver: Send + Sync + 'static {
    /// Sends a message for a user; its number in the conversation. Given up after 30 s, and tried again.
    ///
    /// # Errors
    /// Whether it is worth trying again.
    fn send(&self, sender: &UserId, id: MessageId, message: Delayed) -> BoxFuture<'static, Result<u64, Undelivered>>;
}

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whether to try again is all that matters")]
pub enum Undelivered {
    /// It will never be: the word says why, as `not_member`.
    Refused(&'static str),
    /// Not now, or it is not known whether it was.
    Later,
}

impl<D: Deliver + ?Sized> Deliver for Arc<D> {
    fn send(&self, sender: &UserId, id: MessageId, message: Delayed) -> BoxFuture<'static, Result<u64, Undelivered>> {
        D::send(self, sender, id, message)
    }
}
