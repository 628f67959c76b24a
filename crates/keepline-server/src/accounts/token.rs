//! Token: what a device shows instead of a password, and how it is kept so that nobody can read it back.
//!
//! A token is `kl_` and 43 characters of base64url (RFC 4648, without padding): 256 random bits, behind a prefix that
//! scanners for leaked secrets can know. Only its SHA-256 is kept, which for a random text is as good as a slow hash.
//! It is found by its hash, so that comparing never tells how much of a guess was right.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::entity;
use crate::id::{DeviceId, UserId};
use crate::store::{LogName, StoreError};

/// What every token begins with.
const PREFIX: &str = "kl_";

/// The characters of base64url, in the order of their values.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The length of a token's random part in characters: 256 bits by 6.
const LENGTH: usize = 43;

/// A new token. Its text is nowhere else: it is shown once, and not by `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token.
    pub text: String,
    /// Its number, which gives nothing away.
    pub id: TokenId,
    /// When it is over: milliseconds since 1970.
    pub expires_ms: u64,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("expires_ms", &self.expires_ms).finish_non_exhaustive()
    }
}

/// The number of a token: the SHA-256 of its text, which does not give the token away. 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 32]);

impl TokenId {
    /// The number of a token; `None` for a text that is none.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let is_token = random.len() == LENGTH && random.bytes().all(|b| ALPHABET.contains(&b));
        is_token.then(|| Self(Sha256::digest(text).into()))
    }

    /// The log of the token.
    pub(super) fn log(self) -> LogName {
        LogName::new(&format!("{LOGS}{self}"))
    }

    /// The token of a log.
    pub(super) fn of_log(log: &LogName) -> Option<Self> {
        let hex = log.as_str().strip_prefix(LOGS)?;
        let mut bytes = [0; 32];
        if hex.len() != 64 {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Its first digits, which are enough to tell it from others in a log.
impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the names of tokens' logs begin with.
pub(super) const LOGS: &str = "t.";

/// A token's record.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Stored {
    #[prost(string, tag = "1")]
    pub(super) user: String,
    #[prost(string, tag = "2")]
    pub(super) device: String,
    /// The generation of the account's tokens that it belongs to.
    #[prost(uint64, tag = "3")]
    pub(super) generation: u64,
    #[prost(uint64, tag = "4")]
    pub(super) issued_ms: u64,
    #[prost(uint64, tag = "5")]
    pub(super) expires_ms: u64,
    #[prost(bool, tag = "6")]
    pub(super) revoked: bool,
}

/// How long a request to make a token may be on its way, in milliseconds: far longer than any is.
const LATE_MS: u64 = 24 * 3600 * 1000;

impl Stored {
    /// Whether nobody can use it, now or ever, so that it may be forgotten.
    pub(super) const fn is_over(&self, now_ms: u64) -> bool {
        (self.revoked || self.expires_ms <= now_ms) && self.issued_ms.saturating_add(LATE_MS) <= now_ms
    }
}

/// A token as it is kept in memory for a while.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) user: UserId,
    pub(super) device: Option<DeviceId>,
    pub(super) generation: u64,
    pub(super) expires_ms: u64,
}

impl Token {
    /// From its record; `None` for one that was called back.
    pub(super) fn read(log: &LogName, seq: u64, stored: &Stored) -> Result<Option<Self>, StoreError> {
        if stored.revoked {
            return Ok(None);
        }
        let user = stored.user.parse().map_err(|error| entity::damaged(log, seq, &error))?;
        let device = match stored.device.as_str() {
            "" => None,
            device => Some(device.parse().map_err(|error| entity::damaged(log, seq, &error))?),
        };
        Ok(Some(Self { user, device, generation: stored.generation, expires_ms: stored.expires_ms }))
    }
}

/// A new token's text.
pub(super) fn new_text() -> Result<String, StoreError> {
    let mut text = String::from(PREFIX);
    // 258 bits: the last character's two spare bits are zero, as in every base64 of 32 bytes.
    let mut bits = entity::random::<32>()?.to_vec();
    bits.push(0);
    for group in bits.chunks(3) {
        let number = group.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        text.extend([18, 12, 6, 0].map(|shift| char::from(ALPHABET[number >> shift & 63])));
    }
    text.truncate(PREFIX.len() + LENGTH);
    Ok(text)
}
