//! Accounts: who is a user, and what proves it.
//!
//! A user is a name and a password, and is known on every device by a token. Each account and each token is an entity
//! of its own in the store. In memory is one entry for each account, without the password's hash: at most 160 bytes with
//! a name of 13. Tokens are looked up in the store, and 8,192 of those that were asked for last are kept at hand, which
//! are 2 MiB. Users of cim's dialects are [`cim`]'s.

use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::audit::{Action, Actor, Audit, Entry, Outcome};
use crate::clock::{Clock, System};
use crate::conversation::Conversation;
use crate::entity::follow::Source;
use crate::entity::scan::scan;
use crate::entity::{Entities, Held};
use crate::id::{DeviceId, UserId};
use crate::store::{LogName, Store, StoreError};

pub mod cim;
mod error;
mod hashing;
pub mod jwt;
mod known;
mod token;
mod tokens;

pub use cim::CimAccounts;
pub use error::{AccountError, AuthError};
pub use hashing::{BadCost, Hashing};
pub use token::{IssuedToken, TokenId};
pub use tokens::{Identity, Proof, Revocation};

use hashing::Hasher;
use jwt::{Claims, Issuer};
use known::{Known, Stored, UNSETTLED};
use token::Token;
use tokens::Tokens;

/// The shortest password, in characters (NIST SP 800-63B, 5.1.1.2).
pub const SHORTEST_PASSWORD: usize = 8;

/// The longest password, in bytes.
pub const LONGEST_PASSWORD: usize = 512;

/// How long a token is valid, in milliseconds: 30 days.
pub const TOKEN_LIFE_MS: u64 = 30 * 24 * 3600 * 1000;

/// The accounts of a store, with their tokens.
///
/// ```
/// use keepline_server::accounts::{Accounts, Hashing};
/// use keepline_server::id::UserId;
/// use keepline_server::store::memory::Memory;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let accounts = Accounts::load(Memory::new(), Hashing::cheapest()).await?;
/// let ann: UserId = "ann".parse()?;
/// accounts.create(ann.clone(), "correct horse").await?;
/// let token = accounts.issue(&ann, "correct horse", "phone".parse()?).await?;
/// assert_eq!(accounts.authenticate(&token.text).await?.user, ann);
/// accounts.revoke(token.id).await?;
/// assert!(accounts.authenticate(&token.text).await.is_err());
/// # Ok(())
/// # }
/// ```
pub struct Accounts {
    entities: Entities,
    known: Arc<Known>,
    hasher: Hasher,
    tokens: Tokens,
    cim: CimAccounts,
    issuer: Option<Arc<Issuer>>,
    audit: Audit,
    clock: Arc<dyn Clock>,
    _following: tokio_util::task::AbortOnDropHandle<()>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

impl Accounts {
    /// Reads every account of the store, and follows their changes until it is dropped.
    ///
    /// # Errors
    /// The store's. An account whose record is damaged is left out instead: nobody enters it or takes its name.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn load(store: Arc<dyn Store>, hashing: Hashing) -> Result<Self, StoreError> {
        Self::load_at(store, hashing, Arc::new(System)).await
    }

    /// As [`load`](Self::load), with a clock of the caller's.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_at(store: Arc<dyn Store>, hashing: Hashing, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let revocations = broadcast::Sender::new(tokens::REVOCATIONS);
        let (known, following) = Known::load(store.clone(), revocations.clone()).await?;
        Ok(Self {
            hasher: Hasher::new(hashing).await?,
            tokens: Tokens::load(store.clone(), revocations).await?,
            cim: CimAccounts::load_at(store.clone(), clock.clone()).await?,
            entities: Entities::new(store),
            known,
            issuer: None,
            audit: Audit::off(),
            clock,
            _following: following,
        })
    }

    /// Takes the JWTs of this issuer beside its own tokens.
    #[must_use]
    pub fn with_issuer(self, issuer: Arc<Issuer>) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Notes the users whom their first JWT makes: of the others those note who hear of them.
    #[must_use]
    pub fn audited(self, audit: Audit) -> Self {
        Self { audit, ..self }
    }

    /// Whose JWTs are taken, to have the keys read again.
    #[must_use]
    pub const fn issuer(&self) -> Option<&Arc<Issuer>> {
        self.issuer.as_ref()
    }

    /// Whether there is such a user, of cim's dialects too. Looks into memory only.
    #[must_use]
    pub fn exists(&self, user: &UserId) -> bool {
        self.everyone_since(user).is_some()
    }

    /// The last message to everyone before the account was made, which it has no part in; `None` if there is no such
    /// user. Looks into memory only.
    #[must_use]
    pub fn everyone_since(&self, user: &UserId) -> Option<u64> {
        cim::id_of(user).map_or_else(|| self.known.everyone_since(user), |id| self.cim.everyone_since(id))
    }

    /// At most so many names of users that begin with `prefix`, in the order of their bytes, after `after`; without
    /// those of cim's dialects. Looks into memory only.
    #[must_use]
    pub fn names(&self, prefix: &str, after: Option<&UserId>, most: usize) -> Vec<UserId> {
        self.known.names(prefix, after, most)
    }

    /// The users of cim's dialects.
    #[must_use]
    pub const fn cim(&self) -> &CimAccounts {
        &self.cim
    }

    /// Makes an account. Of many at once with the same name, one gets it.
    ///
    /// # Errors
    /// `Taken`, `Reserved`, `WeakPassword`, `Busy`, `UnknownOutcome` and the store's.
    pub async fn create(&self, user: UserId, password: &str) -> Result<(), AccountError> {
        if cim::is_reserved(&user) {
            return Err(AccountError::Reserved);
        }
        check(&user, password)?;
        if self.exists(&user) {
            return Err(AccountError::Taken);
        }
        let password = self.hasher.hash(password).await?;
        self.store(user, password).await
    }

    /// Makes an account whose name was looked at.
    ///
    /// The account and what is said to everyone are two logs, and no append is to both. So the name is taken first, and
    /// how far the other log is, is read after that: read before, the account would have a part in what was said between,
    /// when there was no such user.
    async fn store(&self, user: UserId, password: String) -> Result<(), AccountError> {
        let created_ms = self.clock.now_ms();
        let stored = Stored { password, generation: 1, everyone_since: UNSETTLED, created_ms, revoked_ms: 0 };
        self.entities.create(&log(&user), &stored).await?.ok_or(AccountError::Taken)?;
        // The name is taken, and with the password the rest is done at the first login: not nothing was done.
        self.settle(user).await.map(drop).map_err(|_| AccountError::UnknownOutcome)
    }

    /// Gives an account that was just made, or that a crash left so, its part in what is said to everyone from now on;
    /// before that it is nobody's.
    async fn settle(&self, user: UserId) -> Result<Held<Stored>, AccountError> {
        let everyone_since = self.entities.store().head(&Conversation::Everyone.log()).await?.seq;
        let log = log(&user);
        let settled = self.entities.change(&log, |now: &Stored| {
            let open = now.everyone_since == UNSETTLED;
            Ok::<_, AccountError>(open.then(|| Stored { everyone_since, ..now.clone() }))
        });
        let settled = settled.await?;
        self.known.put(user, &settled, Source::Own);
        Ok(settled)
    }

    /// Changes the password, which calls back every token of the user and every JWT that was made for him so far.
    ///
    /// # Errors
    /// `BadCredentials`, `WeakPassword`, `Busy`, `Conflict`, `UnknownOutcome` and the store's.
    pub async fn change_password(&self, user: &UserId, old: &str, new: &str) -> Result<(), AccountError> {
        check(user, new)?;
        let before = self.verified(user, old).await?;
        let password = self.hasher.hash(new).await?;
        let log = log(user);
        let after = self.entities.change(&log, |now: &Stored| {
            // Who changed it meanwhile has said that the old one is no longer good.
            if now.password != before.password {
                return Err(AccountError::BadCredentials);
            }
            Ok(Some(Stored { password: password.clone(), ..self.called_back(now) }))
        });
        let after = after.await?;
        self.known.put(user.clone(), &after, Source::Own);
        Ok(())
    }

    /// Gives a device of the user a token, for 30 days.
    ///
    /// # Errors
    /// `BadCredentials`, `Busy`, `UnknownOutcome` (a token that nobody has may be stored then) and the store's.
    pub async fn issue(&self, user: &UserId, password: &str, device: DeviceId) -> Result<IssuedToken, AccountError> {
        let account = self.verified(user, password).await?;
        if account.everyone_since == UNSETTLED {
            self.settle(user.clone()).await?;
        }
        let issued_ms = self.clock.now_ms();
        let stored = token::Stored {
            user: user.to_string(),
            device: device.to_string(),
            // That of the account as its password was read: a token of before a calling back is none after it.
            generation: account.generation,
            issued_ms,
            expires_ms: issued_ms.saturating_add(TOKEN_LIFE_MS),
            revoked: false,
        };
        self.tokens.issue(&self.entities, &stored).await
    }

    /// Who shows a token: one of ours, or a JWT of the [issuer](Self::with_issuer). A user whom his first JWT brings comes
    /// into being, if the issuer's settings say so.
    ///
    /// # Errors
    /// `Refused` for whatever is wrong with it, and the store's.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, AuthError> {
        if let Some(id) = TokenId::of(token) {
            return self.check(id).await;
        }
        let issuer = self.issuer.as_ref().ok_or(AuthError::Refused)?;
        let claims = issuer.verify(token, self.clock.now_ms()).ok_or(AuthError::Refused)?;
        let revoked_ms = self.revoked_ms(&claims.user, issuer.creates_users()).await?;
        let Claims { user, issued_ms, expires_ms } = claims;
        if is_called_back(issued_ms, revoked_ms) {
            return Err(AuthError::Refused);
        }
        // Where the issuer's clock is ahead of ours it was made before now all the same: whoever calls back what there is
        // means this too.
        let issued_ms = issued_ms.min(self.clock.now_ms());
        Ok(Identity { user, device: None, proof: Proof::Jwt { issued_ms }, expires_ms })
    }

    /// Whether what a user showed before is still good, but for its end: for one who heard that something was called back.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    pub async fn check_again(&self, user: &UserId, proof: Proof) -> Result<(), AuthError> {
        match proof {
            Proof::Token(id) => self.check(id).await.map(drop),
            Proof::Jwt { issued_ms } => match self.known.revoked_ms(user) {
                Some(revoked_ms) if !is_called_back(issued_ms, revoked_ms) => Ok(()),
                _ => Err(AuthError::Refused),
            },
        }
    }

    /// Who showed a token before, if it is still valid: for one who heard that he missed a revocation.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    pub async fn check(&self, id: TokenId) -> Result<Identity, AuthError> {
        let token = self.tokens.get(&self.entities, id).await?.ok_or(AuthError::Refused)?;
        let generation = self.generation(&token).await?;
        if generation != Some(token.generation) || token.expires_ms <= self.clock.now_ms() {
            return Err(AuthError::Refused);
        }
        Ok(Identity { user: token.user, device: token.device, proof: Proof::Token(id), expires_ms: token.expires_ms })
    }

    /// Calls a token back. Does nothing if there is none, or it was called back before.
    ///
    /// # Errors
    /// `Conflict`, `UnknownOutcome` and the store's.
    pub async fn revoke(&self, id: TokenId) -> Result<(), AccountError> {
        self.tokens.revoke(&self.entities, id).await
    }

    /// Calls back every token that the user has, every one that he is about to get, and every JWT that was made for him
    /// so far.
    ///
    /// # Errors
    /// `BadCredentials` if there is no such user; `Conflict`, `UnknownOutcome` and the store's.
    pub async fn revoke_all(&self, user: &UserId) -> Result<(), AccountError> {
        let log = log(user);
        let after = self.entities.change(&log, |now: &Stored| Ok::<_, AccountError>(Some(self.called_back(now))));
        let after = after.await?;
        self.known.put(user.clone(), &after, Source::Own);
        Ok(())
    }

    /// What is called back from now on, so that live sessions are closed. Who is told that he lagged behind asks
    /// [`check`](Self::check) for every live session, as after [`Revocation::Missed`].
    #[must_use]
    pub fn revocations(&self) -> broadcast::Receiver<Revocation> {
        self.tokens.revocations()
    }

    /// Forgets tokens that are over or were called back, but none within a day of its making: a request to make it that
    /// comes late must not bring it back. How many. To be called now and then, as once an hour: it reads every token of
    /// the store, a few at a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let (store, now_ms) = (self.entities.store(), self.clock.now_ms());
        let mut swept = 0;
        let take = |log: &LogName, token: Result<Held<token::Stored>, StoreError>| {
            if token.is_ok_and(|token| token.state.is_over(now_ms)) {
                // Whether it is gone now or at the next time makes no difference.
                drop(store.forget(log));
                swept += 1;
            }
        };
        scan(&**store, token::LOGS, |_, _| true, take).await?;
        Ok(swept)
    }

    /// An account all of whose tokens are called back.
    fn called_back(&self, now: &Stored) -> Stored {
        let revoked_ms = now.revoked_ms.max(self.clock.now_ms());
        Stored { generation: now.generation + 1, revoked_ms, ..now.clone() }
    }

    /// When everything of a user's was called back at last. Who is not there comes into being, without a password, if he
    /// may.
    async fn revoked_ms(&self, user: &UserId, may_create: bool) -> Result<u64, AuthError> {
        if let Some(known) = self.known.revoked_ms(user) {
            return Ok(known);
        }
        if cim::is_reserved(user) {
            return Err(AuthError::Refused);
        }
        if may_create {
            match self.store(user.clone(), String::new()).await {
                Ok(()) => {
                    let made = Entry::new(Actor::User(user.as_str()), Action::AccountCreate, Outcome::Done);
                    self.audit.note(&made.about("jwt"));
                    return Ok(0);
                }
                // Another login of his was faster, or another node.
                Err(AccountError::Taken) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        let held = self.entities.read::<Stored>(&log(user)).await?.ok_or(AuthError::Refused)?;
        if held.state.everyone_since == UNSETTLED {
            return self.settle(user.clone()).await.map(|settled| settled.state.revoked_ms).map_err(unavailable);
        }
        self.known.put(user.clone(), &held, Source::Log);
        Ok(held.state.revoked_ms)
    }

    /// The generation of tokens that a token's user has now.
    async fn generation(&self, token: &Token) -> Result<Option<u64>, StoreError> {
        let known = self.known.generation(&token.user);
        if known.is_some_and(|known| known >= token.generation) {
            return Ok(known);
        }
        // Another node gave the token, and we have not heard yet what it knows of the account.
        let Some(held) = self.entities.read::<Stored>(&log(&token.user)).await? else { return Ok(None) };
        self.known.put(token.user.clone(), &held, Source::Log);
        Ok(Some(held.state.generation))
    }

    /// The account as it was when the password was read. An unknown user costs a hash as well, and one without a
    /// password.
    async fn verified(&self, user: &UserId, password: &str) -> Result<Stored, AccountError> {
        let account = self.entities.read::<Stored>(&log(user)).await?.map(|held| held.state);
        // Nobody's password is longer, and a stranger does not choose how much we hash.
        let fits = password.len() <= LONGEST_PASSWORD;
        let hash = account.as_ref().map(|account| account.password.as_str());
        let hash = hash.filter(|hash| fits && !hash.is_empty());
        let same = self.hasher.verify(if fits { password } else { "" }, hash).await?;
        account.filter(|_| same).ok_or(AccountError::BadCredentials)
    }
}

/// That it is not known who somebody is, as his account could not be made.
fn unavailable(error: AccountError) -> AuthError {
    match error {
        AccountError::Store(error) => error.into(),
        error => StoreError::Unavailable(error.to_string().into()).into(),
    }
}

/// Whether a JWT made at this time was called back since: all were, up to a time. One that does not say when it was made
/// is as old as can be.
const fn is_called_back(issued_ms: u64, revoked_ms: u64) -> bool {
    revoked_ms != 0 && issued_ms <= revoked_ms
}

/// The log of an account.
fn log(user: &UserId) -> LogName {
    LogName::new(&format!("{}{user}", known::LOGS))
}

/// Whether a password may be chosen.
fn check(user: &UserId, password: &str) -> Result<(), AccountError> {
    if password.chars().count() < SHORTEST_PASSWORD {
        Err(AccountError::WeakPassword("it has fewer than 8 characters"))
    } else if password.len() > LONGEST_PASSWORD {
        Err(AccountError::WeakPassword("it has more than 512 bytes"))
    } else if password.eq_ignore_ascii_case(user.as_str()) {
        Err(AccountError::WeakPassword("it is the user's name"))
    } else if password.chars().all(|c| password.starts_with(c)) {
        Err(AccountError::WeakPassword("it is one character again and again"))
    } else {
        Ok(())
    }
}
