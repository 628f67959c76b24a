//! Gate of a node: the accounts, as a line asks for them.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::accounts::{Accounts, AuthError, cim};
use crate::id::UserId;
use crate::line::{Bearer, Gate, GateError};

/// Lets in who has a token, or a name of cim's.
pub(super) struct Tokens(pub(super) Arc<Accounts>);

impl Gate for Tokens {
    fn authenticate(&self, token: &str) -> BoxFuture<'static, Result<Bearer, GateError>> {
        let (accounts, token) = (Arc::clone(&self.0), token.to_owned());
        Box::pin(async move {
            match accounts.authenticate(&token).await {
                Ok(identity) => Ok(Bearer { user: identity.user, device: identity.device }),
                Err(AuthError::Refused) => Err(GateError::Refused),
                Err(_) => Err(GateError::Unavailable),
            }
        })
    }

    fn cim_user(&self, id: i64, name: &str) -> Option<UserId> {
        let known = self.0.cim().name_of(id)?;
        if known == name { cim::user_of(id) } else { None }
    }
}
