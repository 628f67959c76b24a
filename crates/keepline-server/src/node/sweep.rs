//! Sweep: what nobody can use any more is dropped, now and then.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::http::Services;
use crate::store::StoreError;

/// How often.
const EVERY: Duration = Duration::from_secs(3600);

/// Drops tokens that are over and delayed messages that are, until the server stops.
pub(super) async fn run(services: Arc<Services>, stopping: CancellationToken) {
    while stopping.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        swept("delayed messages", services.schedules.sweep()).await;
        swept("tokens", services.accounts.sweep()).await;
    }
}

async fn swept(what: &str, sweep: impl Future<Output = Result<u64, StoreError>>) {
    match sweep.await {
        Ok(dropped) => tracing::debug!(what, dropped, "dropped what is over"),
        // The next time will do.
        Err(error) => tracing::warn!(what, %error, "what is over stays for now"),
    }
}
