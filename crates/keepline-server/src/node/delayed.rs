//! Delayed messages of a node: they go where all others go.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::delivery::{Delivery, Draft, Sender};
use crate::id::{MessageId, UserId};
use crate::schedule::{Delayed, Deliver, Undelivered};

/// Sends what is due.
pub(super) struct ByDelivery(pub(super) Arc<Delivery>);

impl Deliver for ByDelivery {
    fn send(&self, sender: &UserId, id: MessageId, message: Delayed) -> BoxFuture<'static, Result<u64, Undelivered>> {
        let Delayed { conversation, kind, body } = message;
        let sending =
            self.0.send(Sender { user: sender.clone(), session: None }, Draft { conversation, id, kind, body });
        Box::pin(async move {
            match sending.await {
                Ok(receipt) => Ok(receipt.seq),
                Err(error) if error.is_retryable() => Err(Undelivered::Later),
                Err(error) => Err(Undelivered::Refused(error.code())),
            }
        })
    }
}
