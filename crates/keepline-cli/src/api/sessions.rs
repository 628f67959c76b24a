//! Sessions: the caller's own live ones.

use serde::{Deserialize, Serialize};

use super::query::Query;
use super::{Api, ApiError, Seq};

/// A live session of the caller's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OwnSession {
    pub(crate) session: Seq,
    pub(crate) device: String,
    /// Since when: milliseconds since 1970.
    pub(crate) since_ms: u64,
    /// How long ago the last byte was read.
    pub(crate) silent_ms: u64,
}

impl Api {
    /// The caller's live sessions.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(crate) async fn sessions(&self) -> Result<Vec<OwnSession>, ApiError> {
        self.get("/v1/sessions", Query::default()).await
    }

    /// Ends one of them.
    ///
    /// # Errors
    /// `not_found` and the other [`ApiError`]s.
    pub(crate) async fn kick(&self, session: Seq) -> Result<(), ApiError> {
        self.delete(&format!("/v1/sessions/{session}")).await
    }
}
