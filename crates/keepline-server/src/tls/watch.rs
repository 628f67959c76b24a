//! Watch: a look at the certificate now and then: at its files, for what renews it and tells nobody, and at its dates, for
//! what should have.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Reloaded, Standing, Tls};

/// How often the files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How often it is said that the certificate ends.
const WARN_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Looks at both until the server stops.
pub(crate) async fn watch(tls: Arc<Tls>, stopping: CancellationToken) {
    let mut warned = None;
    loop {
        if warned.is_none_or(|at: Instant| at.elapsed() >= WARN_EVERY) && warn(&tls) {
            warned = Some(Instant::now());
        }
        if stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
        let looking = Arc::clone(&tls);
        // Files are not for the threads of the runtime.
        match tokio::task::spawn_blocking(move || looking.reload_if_touched()).await {
            Ok(Ok(Reloaded::Changed)) => {
                tracing::info!(files = ?tls.files(), "another certificate is shown from now on");
                warned = None;
            }
            Ok(Ok(Reloaded::Same)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the new certificate can't be used: the old one is shown on"),
            Err(error) => tracing::error!(%error, "the look at the certificate failed"),
        }
    }
}

/// Whether there was something to say.
fn warn(tls: &Tls) -> bool {
    let standing = tls.validity().map(|validity| validity.at(SystemTime::now()));
    let cert = tls.files().cert;
    let cert = cert.display();
    match standing {
        Some(Standing::Good(_)) => return false,
        Some(Standing::EndsSoon(left)) => {
            tracing::warn!(%cert, hours = left.as_secs() / 3600, "the certificate ends soon: renew it");
        }
        Some(Standing::Expired(since)) => {
            tracing::error!(%cert, hours = since.as_secs() / 3600, "the certificate has expired: no client takes it");
        }
        Some(Standing::NotYet(until)) => {
            tracing::error!(%cert, hours = until.as_secs() / 3600, "no client takes the certificate yet");
        }
        None => tracing::warn!(%cert, "the dates of the certificate can't be read"),
    }
    true
}
