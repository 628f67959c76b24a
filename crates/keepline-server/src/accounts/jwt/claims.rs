//! Claims: what a JWT says of whom it is for, and for how long.

use serde::de::{Deserialize, Deserializer};

use super::{IssuerSettings, LEEWAY_MS, LONGEST_JWT_LIFE_MS};
use crate::id::UserId;

/// What a good JWT says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::accounts) struct Claims {
    pub(in crate::accounts) user: UserId,
    /// When it was made, in milliseconds since 1970; 0 if it does not say.
    pub(in crate::accounts) issued_ms: u64,
    /// When it is over for us.
    pub(in crate::accounts) expires_ms: u64,
}

/// The claims (RFC 7519, 4.1), each of its one type: a time is a whole number, and what is there is not null. What else
/// is said is not looked at.
#[derive(serde::Deserialize)]
struct Said {
    exp: u64,
    aud: String,
    sub: String,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    iss: Option<String>,
}

impl Claims {
    /// `None` if they are not good now, or not for us.
    pub(super) fn read(payload: &[u8], settings: &IssuerSettings, now_ms: u64) -> Option<Self> {
        let said: Said = serde_json::from_slice(payload).ok()?;
        let latest = now_ms.saturating_add(LEEWAY_MS);
        let exp_ms = said.exp.checked_mul(1000)?;
        let lives = exp_ms.saturating_add(LEEWAY_MS) > now_ms && exp_ms <= latest.saturating_add(LONGEST_JWT_LIFE_MS);
        let begun = |time: Option<u64>| time.is_none_or(|time| time.checked_mul(1000).is_some_and(|ms| ms <= latest));
        let is_ours =
            said.aud == settings.audience && settings.name.as_ref().is_none_or(|name| said.iss.as_ref() == Some(name));
        if !(lives && begun(said.nbf) && begun(said.iat) && is_ours) {
            return None;
        }
        Some(Self {
            user: said.sub.parse().ok()?,
            issued_ms: said.iat.unwrap_or(0).saturating_mul(1000),
            // Who comes within the leeway has what is left of it.
            expires_ms: if exp_ms > now_ms { exp_ms } else { exp_ms.saturating_add(LEEWAY_MS) },
        })
    }
}

/// What is there is a value: `null` is none.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
