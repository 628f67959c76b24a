//! Known: what of every account is at hand without asking the store.

use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

use super::tokens::Revocation;
use crate::entity::Held;
use crate::entity::follow::{Follow, Source, follow};
use crate::entity::replica::Replica;
use crate::id::UserId;
use crate::store::{LogName, Store, StoreError};

/// What the names of accounts' logs begin with.
pub(super) const LOGS: &str = "a.";

/// Instead of the last message to everyone before an account was made: that is not known yet. Its name is taken, and to
/// whoever asks there is no such user.
pub(super) const UNSETTLED: u64 = u64::MAX;

/// An account's record.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct Stored {
    /// Argon2's, as PHC text; empty for who has none, as he came by a JWT.
    #[prost(string, tag = "1")]
    pub(super) password: String,
    /// Only tokens of this generation are valid. A number and not a time: clocks go back.
    #[prost(uint64, tag = "2")]
    pub(super) generation: u64,
    /// The last message to everyone before the account was made; [`UNSETTLED`] for a moment.
    #[prost(uint64, tag = "3")]
    pub(super) everyone_since: u64,
    #[prost(uint64, tag = "4")]
    pub(super) created_ms: u64,
    /// When everything was called back at last, in milliseconds since 1970: no JWT that was made before is valid. A time,
    /// as a JWT knows no generation.
    #[prost(uint64, tag = "5")]
    pub(super) revoked_ms: u64,
}

/// The accounts in memory.
pub(super) struct Known {
    accounts: RwLock<Replica<UserId, Account>>,
    revocations: broadcast::Sender<Revocation>,
}

#[derive(Clone, Copy)]
struct Account {
    generation: u64,
    everyone_since: u64,
    revoked_ms: u64,
}

impl Known {
    pub(super) async fn load(
        store: Arc<dyn Store>,
        revocations: broadcast::Sender<Revocation>,
    ) -> Result<(Arc<Self>, AbortOnDropHandle<()>), StoreError> {
        let known = Arc::new(Self { accounts: RwLock::new(Replica::new()), revocations });
        let following = follow(store, known.clone()).await?;
        Ok((known, following))
    }

    pub(super) fn everyone_since(&self, user: &UserId) -> Option<u64> {
        self.get(user).map(|account| account.everyone_since)
    }

    pub(super) fn generation(&self, user: &UserId) -> Option<u64> {
        self.get(user).map(|account| account.generation)
    }

    /// When everything of the user's was called back at last; `None` if there is no such user.
    pub(super) fn revoked_ms(&self, user: &UserId) -> Option<u64> {
        self.get(user).map(|account| account.revoked_ms)
    }

    /// At most so many names that begin with `prefix`, in their order, after `after`.
    pub(super) fn names(&self, prefix: &str, after: Option<&UserId>, most: usize) -> Vec<UserId> {
        // A prefix of a name is a name, or nothing at all.
        let first: Option<UserId> = prefix.parse().ok();
        if first.is_none() && !prefix.is_empty() {
            return Vec::new();
        }
        let start = match (after, &first) {
            (Some(after), Some(first)) if after < first => Bound::Included(first),
            (Some(after), _) => Bound::Excluded(after),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let names = accounts.keys_in((start.cloned(), Bound::Unbounded));
        names.take_while(|name| name.as_str().starts_with(prefix)).take(most).cloned().collect()
    }

    pub(super) fn put(&self, user: UserId, held: &Held<Stored>, from: Source) {
        let Stored { generation, everyone_since, revoked_ms, .. } = held.state;
        let account = (everyone_since != UNSETTLED).then_some(Account { generation, everyone_since, revoked_ms });
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let before = accounts.put(user.clone(), held.seq, account, from);
        drop(accounts);
        if before.is_ok_and(|before| before.is_some_and(|before| before.generation < generation)) {
            // Nobody listening is no error.
            let _ = self.revocations.send(Revocation::User(user));
        }
    }

    fn get(&self, user: &UserId) -> Option<Account> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(user).copied()
    }
}

impl Follow for Known {
    const PREFIX: &'static str = LOGS;
    type State = Stored;

    fn take(&self, log: &LogName, held: Held<Stored>, from: Source) {
        if let Some(user) = user_of(log) {
            self.put(user, &held, from);
        }
    }

    fn is_news(&self, log: &LogName, seq: u64) -> bool {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        user_of(log).is_some_and(|user| accounts.is_news(&user, seq))
    }
}

fn user_of(log: &LogName) -> Option<UserId> {
    log.as_str().strip_prefix(LOGS)?.parse().ok()
}
