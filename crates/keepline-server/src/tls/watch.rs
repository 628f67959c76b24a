//! Watch: a look at the files now and then, for what renews a certificate and tells nobody.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Reloaded, Tls};

/// How often the files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks at the files until the server stops.
pub(crate) async fn watch(tls: Arc<Tls>, stopping: CancellationToken) {
    while stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        let looking = Arc::clone(&tls);
        // Files are not for the threads of the runtime.
        match tokio::task::spawn_blocking(move || looking.reload_if_touched()).await {
            Ok(Ok(Reloaded::Changed)) => {
                tracing::info!(files = ?tls.files(), "another certificate is shown from now on");
            }
            Ok(Ok(Reloaded::Same)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the new certificate can't be used: the old one is shown on"),
            Err(error) => tracing::error!(%error, "the look at the certificate failed"),
        }
    }
}
