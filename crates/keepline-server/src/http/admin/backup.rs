//! Backup: a copy of the store while it runs.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::Admin;
use crate::http::error::{ApiError, Code};
use crate::http::extract::Body;
use crate::store::StoreError;

/// An engine that can copy itself while it runs.
pub trait BackUp: Send + Sync + 'static {
    /// Writes a copy to a file that is not there yet; what was acknowledged before the call is in it. The bytes of the
    /// copy.
    ///
    /// # Errors
    /// The engine's; there is no copy then.
    fn back_up(&self, to: &Path) -> BoxFuture<'static, Result<u64, StoreError>>;
}

/// Where the copy goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    /// An absolute path on the server's machine.
    to: PathBuf,
}

/// What was written.
#[derive(Debug, Serialize)]
pub(super) struct Copied {
    to: PathBuf,
    bytes: u64,
}

/// `POST /backup`: answered once the copy is synced. JSON, so that no form of a page can ask for it.
pub(super) async fn backup(State(admin): State<Admin>, Body(To { to }): Body<To>) -> Result<Json<Copied>, ApiError> {
    if !to.is_absolute() {
        return Err(ApiError::new(Code::BadFields, "`to` is an absolute path on the server's machine"));
    }
    let no_copies = || ApiError::new(Code::NotSupported, "a store in memory makes no copies");
    let engine = admin.backup.as_ref().ok_or_else(no_copies)?;
    let bytes = engine.back_up(&to).await?;
    tracing::info!(to = %to.display(), bytes, "backed up by the admin listener");
    Ok(Json(Copied { to, bytes }))
}
