//! Compact: a signed JWT as it is written (RFC 7515, 7.1): header, payload and signature, in base64url, joined by dots.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::de::{Deserialize, Deserializer, Error as _};

use super::LONGEST_JWT;

/// A JWT that has the form of one; nothing of what it says has been proved.
pub(super) struct Compact<'a> {
    header: Header,
    signed: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// What of a header counts. What else is in it, as `jwk`, `jku` and `x5c`, is not looked at: keys come from the
/// operator.
#[derive(serde::Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, rename = "typ", deserialize_with = "is_jwt")]
    _typ: (),
    /// What must be understood (RFC 7515, 4.1.11): we understand nothing of that sort.
    #[serde(default, rename = "crit")]
    _crit: Absent,
    /// Another JWT inside.
    #[serde(default, rename = "cty")]
    _cty: Absent,
    /// An encrypted one.
    #[serde(default, rename = "enc")]
    _enc: Absent,
    #[serde(default, rename = "zip")]
    _zip: Absent,
    /// A payload that is not base64 (RFC 7797).
    #[serde(default, rename = "b64")]
    _b64: Absent,
}

impl<'a> Compact<'a> {
    /// `None` for whatever is not written as it should be.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        if text.len() > LONGEST_JWT {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        // A further dot is no base64.
        let (header, payload) = signed.split_once('.')?;
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            signed: signed.as_bytes(),
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// The name of the key that it says it was signed with.
    pub(super) fn kid(&self) -> &str {
        &self.header.kid
    }

    /// How it says it was signed.
    pub(super) fn algorithm(&self) -> &str {
        &self.header.alg
    }

    /// What the signature is of.
    pub(super) const fn signed(&self) -> &[u8] {
        self.signed
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The claims, in JSON.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Base64url without padding, in the one way to write it; `None` for nothing.
fn decode(part: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(part).ok().filter(|bytes| !bytes.is_empty())
}

/// A member that must not be there, whatever it says.
#[derive(Default)]
struct Absent;

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("this member is not taken"))
    }
}

/// A type, where there is one, is that of a JWT (RFC 7519, 5.1) or of an access token (RFC 9068, 2.1): not of something
/// else that the same keys sign (RFC 8725, 3.11).
fn is_jwt<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    let typ = String::deserialize(from)?;
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    let known = ["jwt", "at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
    if known { Ok(()) } else { Err(D::Error::custom("another type")) }
}
