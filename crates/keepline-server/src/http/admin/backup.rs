//! Backup: a copy of the store while it runs.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::Admin;
use crate::http::error::{ApiError, Code};
use crate::http::extract::Body;

/// Where the copy goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    /// An absolute path on the server's machine, of a file that is not there.
    to: PathBuf,
}

/// What was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    to: PathBuf,
    logs: u64,
    records: u64,
    /// Of the records' bodies.
    bytes: u64,
}

/// `POST /backup`: answered once the copy is synced. JSON, so that no form of a page can ask for it.
pub(super) async fn backup(State(admin): State<Admin>, Body(To { to }): Body<To>) -> Result<Json<Written>, ApiError> {
    if !to.is_absolute() {
        return Err(ApiError::new(Code::BadFields, "`to` is an absolute path on the server's machine"));
    }
    let copied = admin.services.store.backup(&to).await?;
    tracing::info!(to = %to.display(), records = copied.records, "backed up by the admin listener");
    Ok(Json(Written { to, logs: copied.logs, records: copied.records, bytes: copied.bytes }))
}
