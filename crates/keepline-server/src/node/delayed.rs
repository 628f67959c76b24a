//! Delayed messages of a node: they go where all others go.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::delivery::{Delivery, Draft, Sender};
use crate::id::{MessageId, UserId};
use crate::schedule::{Delayed, Deliver, Schedules, Undelivered};

/// How often what is over is dropped.
const SWEEP: Duration = Duration::from_secs(3600);

/// Drops what is stored of delayed messages that are over, now and then, until the server stops.
pub(super) async fn sweep(schedules: Arc<Schedules>, stopping: CancellationToken) {
    while stopping.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
        match schedules.sweep().await {
            Ok(dropped) => tracing::debug!(dropped, "dropped delayed messages that are over"),
            // The next time will do.
            Err(error) => tracing::warn!(%error, "delayed messages that are over stay"),
        }
    }
}

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
