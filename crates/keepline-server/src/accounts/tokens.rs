//! Tokens: the store's tokens, those that were asked for last at hand, and who hears of those called back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scc::HashCache;
use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

use super::error::AccountError;
use super::token::{self, IssuedToken, Stored, Token, TokenId};
use crate::entity::follow::{Follow, Source, follow};
use crate::entity::{ChangeError, Entities, Held};
use crate::id::{DeviceId, UserId};
use crate::store::{LogName, Store, StoreError};

/// Revocations that a listener may be behind before he misses some.
pub(super) const REVOCATIONS: usize = 1024;

/// Tokens at hand.
const AT_HAND: usize = 8192;

/// Who a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The device that the token was given to; no other may use it.
    pub device: Option<DeviceId>,
    /// What he has shown.
    pub proof: Proof,
    /// When the token is over, and with it the session: milliseconds since 1970.
    pub expires_ms: u64,
}

/// What somebody has shown to prove who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "ours, and others'")]
pub enum Proof {
    /// A token of ours, by its number.
    Token(TokenId),
    /// A JWT that others signed.
    Jwt {
        /// When it was made, as it says: milliseconds since 1970; 0 if it does not.
        issued_ms: u64,
    },
}

/// What is no longer valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// One token, and whose it was.
    Token {
        /// Its number.
        id: TokenId,
        /// Only sessions of this user were begun with it.
        user: UserId,
    },
    /// Every token that this user had, and every JWT.
    User(UserId),
    /// Some that we were not told of: every live session's token is to be checked.
    Missed,
}

/// The tokens of a store.
pub(super) struct Tokens {
    cache: Arc<Cache>,
    _following: AbortOnDropHandle<()>,
}

struct Cache {
    tokens: HashCache<TokenId, Token>,
    /// How often something was called back: what was read before that is not kept.
    changes: AtomicU64,
    revocations: broadcast::Sender<Revocation>,
}

impl Tokens {
    pub(super) async fn load(
        store: Arc<dyn Store>,
        revocations: broadcast::Sender<Revocation>,
    ) -> Result<Self, StoreError> {
        let tokens = HashCache::with_capacity(0, AT_HAND);
        let cache = Arc::new(Cache { tokens, changes: AtomicU64::new(0), revocations });
        let following = follow(store, cache.clone()).await?;
        Ok(Self { cache, _following: following })
    }

    pub(super) fn revocations(&self) -> broadcast::Receiver<Revocation> {
        self.cache.revocations.subscribe()
    }

    pub(super) async fn issue(&self, entities: &Entities, stored: &Stored) -> Result<IssuedToken, AccountError> {
        let text = token::new_text()?;
        let id = TokenId::of(&text).ok_or(AccountError::UnknownOutcome)?;
        // Nobody draws the same 256 bits; if somebody did, the token would be his.
        entities.create(&id.log(), stored).await?.ok_or(AccountError::Conflict)?;
        Ok(IssuedToken { text, id, expires_ms: stored.expires_ms })
    }

    /// A token that was not called back by itself.
    pub(super) async fn get(&self, entities: &Entities, id: TokenId) -> Result<Option<Token>, StoreError> {
        if let Some(token) = self.cache.tokens.read_async(&id, |_, token| token.clone()).await {
            return Ok(Some(token));
        }
        let changes = self.cache.changes.load(Ordering::SeqCst);
        let log = id.log();
        let Some(Held { seq, state }) = entities.read::<Stored>(&log).await? else { return Ok(None) };
        let token = Token::read(&log, seq, &state)?;
        if let Some(token) = &token {
            let _ = self.cache.tokens.put_async(id, token.clone()).await;
            // Called back while we read or kept it: who called it back may have looked here before us.
            if self.cache.changes.load(Ordering::SeqCst) != changes {
                self.cache.tokens.remove_async(&id).await;
            }
        }
        Ok(token)
    }

    pub(super) async fn revoke(&self, entities: &Entities, id: TokenId) -> Result<(), AccountError> {
        let log = id.log();
        let changed = entities.change(&log, |now: &Stored| {
            Ok::<_, AccountError>((!now.revoked).then(|| Stored { revoked: true, ..now.clone() }))
        });
        match changed.await {
            Ok(held) => self.cache.forget(id, &held.state.user),
            Err(ChangeError::Absent) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

impl Cache {
    fn forget(&self, id: TokenId, user: &str) {
        // First the count, then the entry: see `Tokens::get`.
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.tokens.remove_sync(&id);
        // Nobody listening is no error.
        let _ = self.revocations.send(match user.parse() {
            Ok(user) => Revocation::Token { id, user },
            // A damaged name: whose it was is not known.
            Err(_) => Revocation::Missed,
        });
    }
}

impl Follow for Cache {
    const PREFIX: &'static str = token::LOGS;
    const READ: bool = false;
    type State = Stored;

    fn take(&self, log: &LogName, held: Held<Stored>, _: Source) {
        if let Some(id) = TokenId::of_log(log).filter(|_| held.state.revoked) {
            self.forget(id, &held.state.user);
        }
    }

    /// A token's first record is not: nobody knew the token before.
    fn is_news(&self, _: &LogName, seq: u64) -> bool {
        seq > 1
    }

    fn lagged(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.tokens.clear_sync();
        let _ = self.revocations.send(Revocation::Missed);
    }
}
