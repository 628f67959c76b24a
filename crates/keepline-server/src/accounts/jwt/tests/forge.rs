//! Forge: what signs the JWTs of the tests, well and badly.

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use ring::{hmac, rand};
use serde_json::{Value, json};

use crate::accounts::jwt::keys::KeySet;

/// When the tests are.
pub(super) const NOW: u64 = 1_790_000_000;

/// Three keys, which the issuer has as `ed`, `ec` and `rsa`.
pub(super) struct Forge {
    pub(super) ed: Ed25519KeyPair,
    pub(super) ec: EcdsaKeyPair,
    pub(super) rsa: RsaKeyPair,
}

impl Forge {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let rsa = Base64::decode_vec(&RSA.concat()).unwrap();
        Self {
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap(),
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap(),
            rsa: RsaKeyPair::from_pkcs8(&rsa).unwrap(),
        }
    }

    /// The public halves, as a JWK Set.
    pub(super) fn set(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        let RsaPublicKeyComponents { n, e } = self.rsa_public();
        json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "kid": "ed", "use": "sig", "x": text(self.ed.public_key().as_ref()) },
            { "kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256", "x": text(&point[1..33]), "y": text(&point[33..]) },
            { "kty": "RSA", "kid": "rsa", "alg": "RS256", "n": text(&n),
              "e": text(&e) },
        ]})
    }

    pub(super) fn rsa_public(&self) -> RsaPublicKeyComponents<Vec<u8>> {
        self.rsa.public().into()
    }

    pub(super) fn keys(&self) -> KeySet {
        KeySet::parse(self.set().to_string().as_bytes()).unwrap()
    }

    pub(super) fn by_ed(&self, header: &str, payload: &str) -> String {
        compact(header, payload, |signed| self.ed.sign(signed).as_ref().to_vec())
    }

    pub(super) fn by_ec(&self, header: &str, payload: &str) -> String {
        let random = SystemRandom::new();
        compact(header, payload, |signed| self.ec.sign(&random, signed).unwrap().as_ref().to_vec())
    }

    pub(super) fn by_rsa(&self, header: &str, payload: &str) -> String {
        self.by_rsa_as(&RSA_PKCS1_SHA256, header, payload)
    }

    pub(super) fn by_rsa_384(&self, header: &str, payload: &str) -> String {
        self.by_rsa_as(&RSA_PKCS1_SHA384, header, payload)
    }

    pub(super) fn by_rsa_pss(&self, header: &str, payload: &str) -> String {
        self.by_rsa_as(&RSA_PSS_SHA256, header, payload)
    }

    fn by_rsa_as(&self, encoding: &'static dyn RsaEncoding, header: &str, payload: &str) -> String {
        let random: &dyn rand::SecureRandom = &SystemRandom::new();
        compact(header, payload, |signed| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(encoding, random, signed, &mut signature).unwrap();
            signature
        })
    }

    /// A JWT of ann's with these claims beside or instead of what makes it good.
    pub(super) fn claiming(&self, changes: &Value) -> String {
        self.by_ed(ED, &claims(changes))
    }
}

/// The header that goes with the key `ed`.
pub(super) const ED: &str = r#"{"alg":"EdDSA","kid":"ed","typ":"JWT"}"#;

/// The claims of a good JWT, with changes; what is changed to the text `-` is left out.
pub(super) fn claims(changes: &Value) -> String {
    let mut claims = json!({ "sub": "ann", "aud": "chat", "exp": NOW + 600, "iss": "https://id.example" });
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value == "-" {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims.to_string()
}

pub(super) fn by_secret(secret: &[u8], header: &str, payload: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    compact(header, payload, |signed| hmac::sign(&key, signed).as_ref().to_vec())
}

pub(super) fn compact(header: &str, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    compact_bytes(header.as_bytes(), payload.as_bytes(), sign)
}

pub(super) fn compact_bytes(header: &[u8], payload: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", text(header), text(payload));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", text(&signature))
}

pub(super) fn text(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// An RSA key in PKCS #8, as ring makes none. It was made for these tests and guards nothing.
const RSA: &[&str] = &[
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCrWDJKiXBfh72cOfekurlXCz2HBCAvJwmN7FZ/6APYODCPP+UDG70z",
    "L711264rjqJTXrvBiq2UVeEWtAYDH46lRTNTfPTKlp05015vbji3J5hd2SjuK3lSGyCTI+o2eweh1NXugqlahmZqiTO+FYEZESgqpBB9",
    "xPqFb5xf2KUv0r0Lt4UJmN91ximdrP3IhDHrDc3RJK4Wcuo7NxeR39l8caSzmCdem8CC6cxaGAWiJsFixLUd7BrhpnySJt7FnAnJxRFc",
    "fSp09dYvtKJkArRr/nnFCieoV7hQ4T14QCyuJi8X06Z2smIj1zqGVQzuNsdVgcPj7gKPksILtng1aPQ1AgMBAAECggEAIqZ1EyQ8pKEB",
    "e/awCTDWms7z3Bo+PPLeyIPnETo1DtR8I3f3ItwI9LE+lfc9P2M6mfQCMbdO93yvhoUU4yxOT0dRhBx0r4RqWr+PLScj0owwEKiCEboa",
    "cHt6aK8eZfKW3kf5lGB5iYw86WYCH/pez1gsIIVprVl4lSP3Ql3AOA2H2MgGCe2WFn4grpK/o0FGDscuwvJFN51UKNsKrrIWKYt1DNXB",
    "selyPDav1UGdpqlBHmaRn7f4C0V7H8/ERvrrzo93lSAHzv4NuSghTHjmUvQYzi0xc12aA938RHQiq01CPpk77SRLg4FJDjRBO8jzW887",
    "sl9VU8o0OjlycjuySQKBgQDffv0vKEJhNThtp88ib1sopPf4KXArvo8DidY4W4iFH2tFKhN/qA4x6hdlRMHW27IMhYDOlSWrvTDkdPgN",
    "aUU8fo0MzLpOhaHkBKeojPE/pjEoHKLWeBtqejaeSmI7xbxR9u8mmZaqUTcbCS4O/n2q29RWsaG+euffBY9Gz578WQKBgQDEQ4v8PsRb",
    "h7Rx6dWHDZkGQmzS0WcnrlVWvJjdDc+ZQFzJUNHbGGQD3IVtbMf/0oGOT7a+UU6xpJAMq7y4oaVcBS2wzjeiqFla6Pf2AjxTv/wPCVOZ",
    "DXJHt0mg7ur90SdS9EDwzBTuKGIAY+oudlon3x5aSfRiRPAJrn0i40cLPQKBgQCYHBm9Sq1C87HgD+IOEbP9SanrIGjTnPJA+kLuQH39",
    "/JBJloWG0J44opYhulYjIYtgskwkTaZB6JWqJ2Hb3tXcglUFbSEv6Aty4SgqsyJOq5GxNywsw7oFEgCyYvXQsJenQWUq5EWCzZuvruPG",
    "GLb23n76MhNfTM8bHvGQxCX0oQKBgEuiXEgRSEqduYRMwOUS8G3hG18DI+W+4VRTyfUmZWKB00AhzT3J4IE8co8A5PJJhXP6dEpTuyfq",
    "azj21fuxD7CurjT8w6QDjKvkK+q6YdVEnzaMOZM6A1hv4ggLCrRV7fmh94TUoRxGo73Sw2S0Z3oGGgRhi7RzLK4OeFsBi1dhAoGBANsn",
    "541bjY7VB4VKPDAFdf5Bg+AD8UFikAQpPzRWuqw0Nsm63kfGwPLajonyoX9D5X8O4D0VLRhKNKtTupAfr+GIWU0qpiNldHxxq3kGHL/x",
    "ONNT++isTW4QhgCNYLzchldTtkLuM7VPnMNJnRJT2HGLrShqv3sbC9oLnkjkzeXr",
];
