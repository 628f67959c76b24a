//! Beginning: where a device that is new goes on from: behind what had been said when it was begun.
//!
//! It is kept as begun only when the server has the account of it. A run that ends before has printed nothing, and the
//! next one is the first again: else it would print all that was ever said.

use std::collections::HashMap;
use std::time::Duration;

use crate::account::Account;
use crate::api::{Api, ApiError, ConversationEntry};
use crate::output::note;

/// The wait before the server is asked again whether it has the account: doubled each time.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_secs(2);

/// The most conversations of a page.
const PAGE: usize = 200;

/// The last number of each conversation at one moment.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    heads: Vec<(String, u64)>,
}

impl Beginning {
    /// That of now.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(super) async fn now(api: &Api) -> Result<Self, ApiError> {
        let heads = all(api).await?.into_iter().map(|entry| (entry.conversation, entry.head.0));
        // What is empty begins by itself.
        Ok(Self { heads: heads.filter(|(_, head)| *head > 0).collect() })
    }

    pub(super) fn heads(&self) -> &[(String, u64)] {
        &self.heads
    }

    /// Waits until the server has this account of the device, and keeps that it has begun. Cancel-safe.
    pub(super) async fn kept(&self, account: &Account) {
        let mut wait = FIRST_LOOK;
        while !self.is_known(&account.api).await.unwrap_or(false) {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LOOK);
        }
        keep(account);
    }

    async fn is_known(&self, api: &Api) -> Result<bool, ApiError> {
        let entries = all(api).await?.into_iter();
        let delivered: HashMap<String, u64> = entries.map(|entry| (entry.conversation, entry.delivered.0)).collect();
        // One that is ours no longer needs no account.
        let is_behind = |(name, head): &(String, u64)| delivered.get(name).is_none_or(|delivered| delivered >= head);
        Ok(self.heads.iter().all(is_behind))
    }
}

/// Keeps that the device has begun.
pub(super) fn keep(account: &Account) {
    if let Err(error) = account.settle() {
        note(&format!("the next run begins anew: {error}"));
    }
}

/// The conversations of the token's user, with the account of its device.
async fn all(api: &Api) -> Result<Vec<ConversationEntry>, ApiError> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = api.conversations(cursor.as_deref(), PAGE).await?;
        all.extend(page.conversations);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}
