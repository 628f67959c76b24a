//! Hashing: passwords become something that does not give them away, on threads that may be busy with it.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::AccountError;
use crate::store::StoreError;

/// How passwords are hashed: argon2id (RFC 9106), by default at the cost that OWASP's Password Storage Cheat Sheet
/// names first: 19 MiB, two passes, one lane.
#[derive(Clone, Debug)]
pub struct Hashing {
    params: Params,
    at_once: usize,
    waiting: usize,
}

/// A cost that argon2 does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such cost of a password hash: {0}")]
pub struct BadCost(String);

impl Default for Hashing {
    fn default() -> Self {
        let at_once = available_parallelism().map_or(1, usize::from);
        Self { params: Params::DEFAULT, at_once, waiting: 64 }
    }
}

impl Hashing {
    /// The cheapest there is, for tests: such a hash is no protection.
    #[must_use]
    pub fn cheapest() -> Self {
        Self::default().with_cost(Params::MIN_M_COST, 1, 1).unwrap_or_default()
    }

    /// With another cost: memory in KiB, passes over it, and lanes. Accounts keep the cost that they were made with
    /// until their password changes.
    ///
    /// # Errors
    /// Where argon2 has no such cost: below 8 KiB a lane, or no pass.
    pub fn with_cost(self, memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, BadCost> {
        let params = Params::new(memory_kib, passes, lanes, None).map_err(|error| BadCost(error.to_string()))?;
        Ok(Self { params, ..self })
    }

    /// With other limits: how many passwords are hashed at once (by default one a core; each takes the memory and a
    /// thread), and how many more may wait (64); who comes then is told [`AccountError::Busy`]. At least one at once.
    #[must_use]
    pub fn with_limits(self, at_once: usize, waiting: usize) -> Self {
        Self { at_once: at_once.max(1), waiting, ..self }
    }
}

impl Hashing {
    /// One hash, with a salt of its own, in PHC's text form: tens of milliseconds of this thread. The server's are made
    /// on threads for that; this is to measure what they cost. `None` where the kernel gives no randomness.
    #[must_use]
    pub fn hash(&self, password: &str) -> Option<String> {
        hash(&Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone()), password.as_bytes())
    }
}

/// The place where passwords are hashed, a few at once.
#[derive(Debug)]
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    at_once: Arc<Semaphore>,
    /// Of those at work and of those who wait for them.
    in_all: Arc<Semaphore>,
    /// What the password of nobody is compared with, so that this takes as long as somebody's.
    nobody: Arc<str>,
}

impl Hasher {
    /// Takes as long as one hash, on a thread for that.
    pub(super) async fn new(hashing: Hashing) -> Result<Self, StoreError> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, hashing.params);
        let nobody = {
            let argon2 = argon2.clone();
            let unusable = crate::entity::random::<32>()?;
            let hash = spawn_blocking(move || hash(&argon2, &unusable)).await;
            hash.ok().flatten().ok_or_else(|| StoreError::Unavailable("no password can be hashed".into()))?
        };
        Ok(Self {
            argon2,
            at_once: Arc::new(Semaphore::new(hashing.at_once)),
            in_all: Arc::new(Semaphore::new(hashing.at_once.saturating_add(hashing.waiting))),
            nobody: nobody.into(),
        })
    }

    /// A password's hash with a salt of its own, in PHC's text form.
    pub(super) async fn hash(&self, password: &str) -> Result<String, AccountError> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.on_a_thread(move || hash(&argon2, password.as_bytes())).await?.ok_or(AccountError::Busy)
    }

    /// Whether a password is the one that was hashed; with no hash it is not, which takes as long to say.
    pub(super) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, AccountError> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        let known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| self.nobody.clone(), Arc::from);
        let same = self.on_a_thread(move || verify(&argon2, password.as_bytes(), &hash)).await?;
        Ok(same && known)
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let in_all = self.in_all.clone().try_acquire_owned().map_err(|_| AccountError::Busy)?;
        let at_once = self.at_once.clone().acquire_owned().await.map_err(|_| AccountError::Busy)?;
        // The permits go along: work that nobody waits for any more still takes its thread.
        let done = spawn_blocking(move || {
            let done = work();
            drop((at_once, in_all));
            done
        });
        done.await.map_err(|_| AccountError::Busy)
    }
}

/// `None` where the kernel gives no randomness for a salt.
fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Option<String> {
    argon2.hash_password(password).ok().map(|hash| hash.to_string())
}

fn verify(argon2: &Argon2<'_>, password: &[u8], hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2.verify_password(password, &hash).is_ok())
}
