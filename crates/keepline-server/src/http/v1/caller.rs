//! Caller: who asks, by the token of the request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::accounts::Identity;
use crate::http::Services;
use crate::http::error::{ApiError, Code};
use crate::id::{DeviceId, UserId};

/// Who asks: `Authorization: Bearer <token>`. Nothing in a request says it another way.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Identity);

impl Caller {
    pub(super) const fn user(&self) -> &UserId {
        &self.0.user
    }

    pub(super) const fn device(&self) -> Option<&DeviceId> {
        self.0.device.as_ref()
    }
}

impl FromRequestParts<Arc<Services>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, ApiError> {
        let missing = || ApiError::new(Code::AuthFailed, "this endpoint wants Authorization: Bearer <token>");
        let value = parts.headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
        let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        Ok(Self(services.accounts.authenticate(token.trim()).await?))
    }
}
