//! Gate: who may log in, as a line asks for it.

use futures_core::future::BoxFuture;

use crate::id::{DeviceId, UserId};

/// Who may log in.
pub trait Gate: Send + Sync + 'static {
    /// Whose token this is.
    fn authenticate(&self, token: &str) -> BoxFuture<'static, Result<Bearer, GateError>>;

    /// The user of cim's dialects with this number, if that is his name.
    fn cim_user(&self, id: i64, name: &str) -> Option<UserId>;
}

/// Who bears a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what a token says")]
pub struct Bearer {
    /// Whose it is.
    pub user: UserId,
    /// The one device that it is for; `None` for any.
    pub device: Option<DeviceId>,
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "refused, or not known")]
pub enum GateError {
    /// The token is nobody's.
    #[error("the token is not valid")]
    Refused,
    /// The token can't be looked up now.
    #[error("the token can't be looked up now")]
    Unavailable,
}
