//! KeySet: the keys that JWTs may be signed with, as a JWK Set (RFC 7517) in a file names them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

/// No file of keys is longer, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// No set has more keys.
const MOST_KEYS: usize = 100;

/// No key's name is longer, in bytes.
const LONGEST_KID: usize = 256;

/// What RSA keys are taken, in bytes of their modulus: 2,048 to 8,192 bits.
const RSA_SIZES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why keys can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The file can't be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Whoever writes it is whom he likes.
    #[error("{} can be written by others than its owner: chmod go-w it", .path.display())]
    Open {
        /// Which.
        path: PathBuf,
    },
    /// It is no JWK Set that can be used as a whole.
    #[error("{} is no set of public keys: {why}", .path.display())]
    Set {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// The keys by their names.
pub(super) struct KeySet {
    keys: BTreeMap<String, Key>,
    /// SHA-256 of what was read.
    fingerprint: [u8; 32],
}

/// A public key. How it signs is its own, and never the token's to say (RFC 8725, 3.1).
pub(super) enum Key {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3).
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
    /// ECDSA with P-256 and SHA-256 (RFC 7518, 3.4).
    Es256(UnparsedPublicKey<Vec<u8>>),
    /// Ed25519 (RFC 8037; by its other name in RFC 9864).
    EdDsa(UnparsedPublicKey<Vec<u8>>),
}

/// A key as it is written (RFC 7517, 4; RFC 7518, 6).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// The private half.
    d: Option<IgnoredAny>,
    /// A secret that both sides share.
    k: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Reads a file. What a key says is not for us, or not known here, leaves it out, with a line in the log (RFC 7517,
    /// 5); what can't be meant, as a private key or a name given twice, refuses the file.
    pub(super) fn read(path: &Path) -> Result<Self, KeysError> {
        let text = contents(path)?;
        Self::parse(&text).map_err(|why| KeysError::Set { path: path.to_owned(), why })
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let set: Set = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if set.keys.len() > MOST_KEYS {
            return Err(format!("it has more than {MOST_KEYS} keys"));
        }
        let mut keys = BTreeMap::new();
        for (at, value) in set.keys.into_iter().enumerate() {
            let place = at + 1;
            let jwk: Jwk = serde_json::from_value(value).map_err(|error| format!("key {place}: {error}"))?;
            if jwk.d.is_some() || jwk.k.is_some() {
                return Err(format!("key {place} is a secret: only public keys belong here"));
            }
            let (kid, key) = match jwk.usable() {
                Ok(usable) => usable,
                Err(why) => {
                    tracing::warn!(key = place, why, "a key of the set is not used");
                    continue;
                }
            };
            if keys.insert(kid.clone(), key).is_some() {
                return Err(format!("two keys are called {kid:?}"));
            }
        }
        if keys.is_empty() {
            return Err("it has no key that can be used: RSA, P-256 or Ed25519, with a kid".to_owned());
        }
        Ok(Self { keys, fingerprint: Sha256::digest(text).into() })
    }

    /// Another one is another text.
    pub(super) const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The key of this name, to the letter.
    pub(super) fn get(&self, kid: &str) -> Option<&Key> {
        self.keys.get(kid)
    }

    pub(super) fn kids(&self) -> Vec<String> {
        self.keys.keys().cloned().collect()
    }
}

impl Key {
    /// Whether a header's `alg` is what this key signs by.
    pub(super) fn signs_by(&self, alg: &str) -> bool {
        self.algorithms().contains(&alg)
    }

    /// Whether a signature is this key's.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rs256(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok(),
            Self::Es256(key) | Self::EdDsa(key) => key.verify(signed, signature).is_ok(),
        }
    }

    const fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Self::Rs256(_) => &["RS256"],
            Self::Es256(_) => &["ES256"],
            Self::EdDsa(_) => &["EdDSA", "Ed25519"],
        }
    }
}

impl Jwk {
    /// The key with its name, or why it is not used.
    fn usable(self) -> Result<(String, Key), &'static str> {
        let signs = self.key_ops.as_ref().is_none_or(|all| all.iter().any(|one| one == "verify"));
        if self.usage.as_ref().is_some_and(|usage| usage != "sig") || !signs {
            return Err("it is not for signatures");
        }
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (number(self.n)?, number(self.e)?);
                if !RSA_SIZES.contains(&n.len()) {
                    return Err("RSA keys have 2,048 to 8,192 bits");
                }
                Key::Rs256(RsaPublicKeyComponents { n, e })
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (coordinate(self.x)?, coordinate(self.y)?);
                // Uncompressed (SEC 1, 2.3.3).
                let point = [&[4][..], &x, &y].concat();
                Key::Es256(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point))
            }
            ("OKP", Some("Ed25519")) => Key::EdDsa(UnparsedPublicKey::new(&ED25519, coordinate(self.x)?)),
            _ => return Err("it is neither RSA, nor EC with P-256, nor OKP with Ed25519"),
        };
        if self.alg.is_some_and(|alg| !key.signs_by(&alg)) {
            return Err("it is for another algorithm than RS256, ES256 or EdDSA");
        }
        let kid = self.kid.filter(|kid| (1..=LONGEST_KID).contains(&kid.len()));
        Ok((kid.ok_or("it has no kid, or one of more than 256 bytes")?, key))
    }
}

fn bytes(part: Option<String>) -> Result<Vec<u8>, &'static str> {
    let part = part.ok_or("a part of it is missing")?;
    Base64UrlUnpadded::decode_vec(&part).map_err(|_| "a part of it is no base64url")
}

/// A number without leading zeros.
fn number(part: Option<String>) -> Result<Vec<u8>, &'static str> {
    Ok(bytes(part)?.into_iter().skip_while(|byte| *byte == 0).collect())
}

/// 32 bytes, with leading zeros.
fn coordinate(part: Option<String>) -> Result<Vec<u8>, &'static str> {
    let bytes = bytes(part)?;
    if bytes.len() == 32 { Ok(bytes) } else { Err("a coordinate is 32 bytes") }
}

fn contents(path: &Path) -> Result<Vec<u8>, KeysError> {
    let failed = |source| KeysError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o022 != 0 {
        return Err(KeysError::Open { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    // A longer one is cut, and then no JSON.
    file.take(LONGEST_FILE).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
