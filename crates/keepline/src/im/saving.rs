//! Saving: the marks that a program stores at this moment, on a thread where it may block.

use std::io;

use keepline_proto::Instant;
use tokio::task::JoinHandle;

use super::message::Mark;

/// Whether the program stores marks now.
pub(super) enum Saving {
    Idle,
    /// These, on a thread of their own.
    Running(Vec<Mark>, JoinHandle<io::Result<()>>),
    /// It could not; it is asked again then.
    Rest {
        until: Instant,
    },
}

impl Saving {
    /// Never, where nothing is being stored. Cancel-safe.
    pub(super) async fn result(&mut self) -> io::Result<()> {
        match self {
            // A panic is the program's, and no reason to give its messages up.
            Self::Running(_, saving) => saving.await.unwrap_or_else(|panic| Err(io::Error::other(panic))),
            Self::Idle | Self::Rest { .. } => std::future::pending().await,
        }
    }
}
