//! Tests of JWTs: none that was forged is taken (D2), and every good one is.

use serde_json::{Value, json};

use super::*;

mod forge;
mod forged;
mod logins;

use forge::{ED, Forge, NOW, claims};

const NOW_MS: u64 = NOW * 1000;

fn settings() -> IssuerSettings {
    IssuerSettings {
        keys: PathBuf::from("in memory"),
        audience: "chat".to_owned(),
        name: Some("https://id.example".to_owned()),
        creates_users: true,
    }
}

fn issuer(keys: KeySet, settings: IssuerSettings) -> Issuer {
    Issuer(RwLock::new(Arc::new(Rules { settings, keys })))
}

#[test]
fn d2_a_good_token_of_each_algorithm_is_taken() {
    let forge = Forge::new();
    let named = issuer(forge.keys(), settings());
    let plain = claims(&json!({}));
    let of = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid }).to_string();
    for (what, token) in [
        ("RS256", forge.by_rsa(&of("RS256", "rsa"), &plain)),
        ("ES256", forge.by_ec(&of("ES256", "ec"), &plain)),
        ("EdDSA", forge.by_ed(ED, &plain)),
        ("Ed25519", forge.by_ed(&of("Ed25519", "ed"), &plain)),
        ("access token", forge.by_ed(r#"{"alg":"EdDSA","kid":"ed","typ":"application/at+jwt"}"#, &plain)),
        ("what else is said", forge.claiming(&json!({ "nbf": NOW, "iat": NOW, "jti": "7", "scope": ["a"] }))),
        ("from now on, as the issuer's clock has it", forge.claiming(&json!({ "nbf": NOW + 30, "iat": NOW + 30 }))),
        ("the longest", forge.claiming(&json!({ "exp": NOW + 24 * 3600 + 30 }))),
    ] {
        let verified = named.verify(&token, NOW_MS).unwrap_or_else(|| panic!("{what}: {token}"));
        assert_eq!(verified.user.as_str(), "ann", "{what}");
    }
    let anybody = IssuerSettings { name: None, ..settings() };
    let any_name = issuer(forge.keys(), anybody);
    for iss in ["-", "https://other.example"] {
        assert!(any_name.verify(&forge.claiming(&json!({ "iss": iss })), NOW_MS).is_some(), "{iss}");
    }
}

#[test]
fn a_token_is_over_at_its_end_and_who_comes_late_has_the_leeway() {
    let forge = Forge::new();
    let issuer = issuer(forge.keys(), settings());
    let ends = |at_ms: u64| {
        let token = forge.claiming(&json!({ "exp": NOW, "iat": NOW - 60 }));
        issuer.verify(&token, at_ms).map(|claims| (claims.expires_ms, claims.issued_ms))
    };
    let issued = NOW_MS - 60_000;
    assert_eq!(ends(NOW_MS - 1), Some((NOW_MS, issued)));
    assert_eq!(ends(NOW_MS), Some((NOW_MS + 30_000, issued)));
    assert_eq!(ends(NOW_MS + 29_999), Some((NOW_MS + 30_000, issued)));
    assert_eq!(ends(NOW_MS + 30_000), None);
}

#[test]
fn a_set_has_each_key_once_and_no_secret() {
    let forge = Forge::new();
    let good = forge.set();
    let key = |at: usize, changes: Value| {
        let mut key = good["keys"][at].clone();
        for (name, value) in changes.as_object().into_iter().flatten() {
            key[name] = value.clone();
        }
        key
    };
    let parse = |keys: Value| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).map(|set| set.kids());
    // Left out, beside one that is good.
    for (what, left_out) in [
        ("encryption", key(1, json!({ "use": "enc" }))),
        ("other operations", key(1, json!({ "key_ops": ["encrypt"] }))),
        ("another algorithm", key(1, json!({ "alg": "ES384" }))),
        ("another curve", key(1, json!({ "crv": "P-384" }))),
        ("a short coordinate", key(1, json!({ "x": "AAAA" }))),
        ("no coordinate", key(1, json!({ "y": null }))),
        ("no base64url", key(1, json!({ "x": "====" }))),
        ("a small modulus", key(2, json!({ "n": forge::text(&[0xff; 128]) }))),
        ("RSA for PSS", key(2, json!({ "alg": "PS256" }))),
        ("no kid", key(2, json!({ "kid": null }))),
        ("an empty kid", key(2, json!({ "kid": "" }))),
        ("a long kid", key(2, json!({ "kid": "x".repeat(257) }))),
        ("another sort", json!({ "kty": "new", "kid": "n" })),
    ] {
        assert_eq!(parse(json!([good["keys"][0], left_out])), Ok(vec!["ed".to_owned()]), "{what}");
        assert!(parse(json!([left_out])).unwrap_err().contains("no key that can be used"), "{what}");
    }
    for (what, set, said) in [
        ("a private key", json!([key(0, json!({ "d": "AAAA" }))]), "is a secret"),
        ("a shared secret", json!([{ "kty": "oct", "kid": "s", "k": "AAAA" }]), "is a secret"),
        ("one name twice", json!([good["keys"][0], key(1, json!({ "kid": "ed" }))]), "two keys are called"),
        ("no sort", json!([{ "kid": "x" }]), "key 1: missing field `kty`"),
        ("nothing", json!([]), "no key that can be used"),
        ("too many", Value::Array(vec![good["keys"][0].clone(); 101]), "more than 100"),
    ] {
        let error = parse(set).unwrap_err();
        assert!(error.contains(said), "{what}: {error}");
    }
    assert!(KeySet::parse(b"nonsense").is_err());
}

#[test]
fn keys_are_read_again_and_what_is_no_set_changes_nothing() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let folder = std::env::temp_dir().join(format!("keepline-jwks-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let keys = folder.join("jwks.json");
    let write = |set: &Value| fs::write(&keys, set.to_string()).unwrap();
    let (old, new) = (Forge::new(), Forge::new());
    let one = |forge: &Forge, kid: &str| {
        let mut key = forge.set()["keys"][0].clone();
        key["kid"] = kid.into();
        key
    };
    let by = |forge: &Forge, kid: &str| {
        let header = json!({ "alg": "EdDSA", "kid": kid }).to_string();
        forge.by_ed(&header, &claims(&json!({})))
    };
    write(&json!({ "keys": [one(&old, "old")] }));
    let settings = IssuerSettings { keys: keys.clone(), ..settings() };
    let issuer = Issuer::load(settings.clone()).unwrap();
    let good = |issuer: &Issuer| {
        [(&old, "old"), (&new, "new")].map(|(forge, kid)| issuer.verify(&by(forge, kid), NOW_MS).is_some())
    };
    assert_eq!(good(&issuer), [true, false]);
    write(&json!({ "keys": [one(&old, "old"), one(&new, "new")] }));
    assert_eq!(good(&issuer), [true, false], "not before it is read");
    issuer.reload(settings.clone()).unwrap();
    assert_eq!(good(&issuer), [true, true], "both, while they are changed");
    fs::write(&keys, "nonsense").unwrap();
    assert!(issuer.reload(settings.clone()).unwrap_err().to_string().contains("is no set of public keys"));
    assert_eq!(good(&issuer), [true, true], "as it was");
    write(&json!({ "keys": [one(&new, "new")] }));
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o664)).unwrap();
    assert!(issuer.reload(settings.clone()).unwrap_err().to_string().contains("chmod go-w"));
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    issuer.reload(settings.clone()).unwrap();
    assert_eq!(good(&issuer), [false, true]);
    assert_eq!(issuer.kids(), ["new"]);
    issuer.reload(IssuerSettings { audience: "other".to_owned(), ..settings.clone() }).unwrap();
    assert_eq!(good(&issuer), [false, false], "and what is said of them");
    fs::remove_dir_all(folder).unwrap();
    assert!(Issuer::load(settings).unwrap_err().to_string().contains("No such file"));
}
