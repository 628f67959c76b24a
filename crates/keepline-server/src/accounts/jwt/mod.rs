//! Issuer: who else may say who somebody is, by JWTs (RFC 7519) signed with keys that the operator names.
//!
//! The rules are those of RFC 8725: the key says by which algorithm it signs, never the token; each claim that counts is
//! there and of its type; and nobody is told which of them was wrong. Keys are read from a file, never from where a
//! token points.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

mod claims;
mod compact;
mod keys;
#[cfg(test)]
mod tests;

pub use keys::KeysError;

pub(super) use claims::Claims;

use compact::Compact;
use keys::KeySet;

/// The longest JWT that is looked at, in bytes: the first frame of a line has 4 KiB, with the device's name.
pub const LONGEST_JWT: usize = 3_584;

/// By how much the issuer's clock may differ from ours, in milliseconds.
pub const LEEWAY_MS: u64 = 30_000;

/// The longest that a JWT may still be good for, in milliseconds: a day, as a single one can't be called back.
pub const LONGEST_JWT_LIFE_MS: u64 = 24 * 3600 * 1000;

/// Who else may say who somebody is. Whoever has one of the keys can be any user but those of cim's dialects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what an operator says, field by field")]
pub struct IssuerSettings {
    /// The file of the keys: a JWK Set (RFC 7517). Nobody but its owner may write it.
    pub keys: PathBuf,
    /// What `aud` must say: this server, as the issuer calls it. A token for several is taken by none of them, as each
    /// could show it to the others.
    pub audience: String,
    /// What `iss` must say; `None` for anything, or nothing.
    pub name: Option<String>,
    /// Whether a user who is not known yet comes into being with his first JWT, without a password; else such a JWT is
    /// refused.
    pub creates_users: bool,
}

/// Checks JWTs. What is wrong with one is not told: to guess by the answer is to be helped.
pub struct Issuer(RwLock<Arc<Rules>>);

/// What is in force, all of it or nothing.
struct Rules {
    settings: IssuerSettings,
    keys: KeySet,
}

impl Issuer {
    /// Reads the keys.
    ///
    /// # Errors
    /// The file can't be read, others can write it, it is no JWK Set, or it has no key that can be used. See
    /// [`KeysError`].
    pub fn load(settings: IssuerSettings) -> Result<Arc<Self>, KeysError> {
        Ok(Arc::new(Self(RwLock::new(Arc::new(Rules::read(settings)?)))))
    }

    /// Takes these settings, and reads the keys again: from then on those of the file are good and no others. Sessions
    /// that were begun with a key that is gone go on to the end of their token. Whether the file says another thing than
    /// before.
    ///
    /// # Errors
    /// As [`load`](Self::load); everything stays as it was.
    pub fn reload(&self, settings: IssuerSettings) -> Result<bool, KeysError> {
        let read = Arc::new(Rules::read(settings)?);
        let mut rules = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = rules.keys.fingerprint() != read.keys.fingerprint();
        *rules = read;
        Ok(changed)
    }

    /// Whether a user who is not known comes into being with his first JWT.
    #[must_use]
    pub fn creates_users(&self) -> bool {
        self.rules().settings.creates_users
    }

    /// The names (`kid`) of the keys that are good now.
    #[must_use]
    pub fn kids(&self) -> Vec<String> {
        self.rules().keys.kids()
    }

    /// What a JWT says, if it is good at this time, in milliseconds since 1970.
    pub(super) fn verify(&self, text: &str, now_ms: u64) -> Option<Claims> {
        let token = Compact::read(text)?;
        let rules = self.rules();
        let key = rules.keys.get(token.kid())?;
        if !key.signs_by(token.algorithm()) || !key.verifies(token.signed(), token.signature()) {
            return None;
        }
        Claims::read(token.payload(), &rules.settings, now_ms)
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rules {
    fn read(settings: IssuerSettings) -> Result<Self, KeysError> {
        let keys = KeySet::read(&settings.keys)?;
        Ok(Self { settings, keys })
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("settings", &self.rules().settings).finish_non_exhaustive()
    }
}
