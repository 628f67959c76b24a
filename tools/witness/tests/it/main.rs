//! The witness against a small server of our own, faithful or sabotaged, and judged by the checker.

mod accounts;
mod binary;
mod faults;
mod folder;
mod lines;
mod sabotage;
mod server;
mod sessions;

use std::time::Duration;

use tokio::time::timeout;

/// Longer than anything here may take, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for an event, and fails the test where it does not come.
async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    timeout(LIMIT, event).await.unwrap_or_else(|_| panic!("{what} did not come in {LIMIT:?}"))
}
