//! Forged: JWTs that look like good ones and are not (row D2). Each differs from a good one in what it is named after.

use base64ct::{Base64, Encoding as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::forge::{ED, Forge, NOW, by_secret, claims, compact, compact_bytes, text};
use super::{LONGEST_JWT, NOW_MS, issuer, settings};

type Row = (String, String);

#[test]
fn d2_no_forged_token_is_taken() {
    let forge = Forge::new();
    let issuer = issuer(forge.keys(), settings());
    assert!(issuer.verify(&forge.claiming(&json!({})), NOW_MS).is_some(), "what all of them are made of is good");
    let rows = [algorithms(&forge), headers(&forge), signatures(&forge), forms(&forge), said(&forge)].concat();
    let taken: Vec<&Row> = rows.iter().filter(|(_, token)| issuer.verify(token, NOW_MS).is_some()).collect();
    println!("{} forged tokens, accepted: {}", rows.len(), taken.len());
    assert!(taken.is_empty(), "{taken:#?}");
    assert!(rows.len() >= 100, "{}", rows.len());
}

fn row(what: impl Into<String>, token: String) -> Row {
    (what.into(), token)
}

/// The algorithm of the token is not that of the key.
fn algorithms(forge: &Forge) -> Vec<Row> {
    let plain = claims(&json!({}));
    let of = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid }).to_string();
    let modulus = forge.rsa_public().n;
    let der = forge.rsa.public_key().as_ref();
    let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", Base64::encode_string(der));
    let set = forge.set().to_string();
    let ed = forge.ed.public_key().as_ref();
    let mut rows = vec![
        row("none, unsigned", compact(&of("none", "ed"), &plain, |_| Vec::new())),
        row("none, signed", forge.by_ed(&of("none", "ed"), &plain)),
        row("None, unsigned", compact(&of("None", "ed"), &plain, |_| Vec::new())),
        row("an empty one", forge.by_ed(&of("", "ed"), &plain)),
        row("eddsa in small letters", forge.by_ed(&of("eddsa", "ed"), &plain)),
        row("RS256 for an Ed25519 key", forge.by_ed(&of("RS256", "ed"), &plain)),
        row("EdDSA for an RSA key", forge.by_ed(&of("EdDSA", "rsa"), &plain)),
        row("EdDSA by the RSA key", forge.by_rsa(&of("EdDSA", "rsa"), &plain)),
        row("ES256 for an RSA key", forge.by_ec(&of("ES256", "rsa"), &plain)),
        row("RS256 for a P-256 key", forge.by_rsa(&of("RS256", "ec"), &plain)),
        row("ES384 for a P-256 key", forge.by_ec(&of("ES384", "ec"), &plain)),
        row("PS256 by the RSA key", forge.by_rsa_pss(&of("PS256", "rsa"), &plain)),
        row("RS384 by the RSA key", forge.by_rsa_384(&of("RS384", "rsa"), &plain)),
        row("PSS called RS256", forge.by_rsa_pss(&of("RS256", "rsa"), &plain)),
        row("SHA-384 called RS256", forge.by_rsa_384(&of("RS256", "rsa"), &plain)),
    ];
    for (what, secret) in
        [("modulus", &modulus[..]), ("DER", der), ("PEM", pem.as_bytes()), ("set", set.as_bytes()), ("Ed25519 key", ed)]
    {
        for kid in ["rsa", "ed", "ec"] {
            rows.push(row(format!("HS256 with the {what} for {kid}"), by_secret(secret, &of("HS256", kid), &plain)));
        }
        rows.push(row(format!("RS256 by HMAC with the {what}"), by_secret(secret, &of("RS256", "rsa"), &plain)));
    }
    rows
}

/// The header says what it may not, or not what it must.
fn headers(forge: &Forge) -> Vec<Row> {
    let plain = claims(&json!({}));
    let stranger = Forge::new();
    let jwk = stranger.set()["keys"][0].clone();
    let mut rows = Vec::new();
    for header in [
        r#"{"alg":"EdDSA","kid":"../../../../dev/null"}"#,
        r#"{"alg":"EdDSA","kid":"/proc/self/environ"}"#,
        r#"{"alg":"EdDSA","kid":"ed' OR '1'='1"}"#,
        r#"{"alg":"EdDSA","kid":"ed\u0000"}"#,
        r#"{"alg":"EdDSA","kid":"ed "}"#,
        r#"{"alg":"EdDSA","kid":"ED"}"#,
        r#"{"alg":"EdDSA","kid":"gone"}"#,
        r#"{"alg":"EdDSA","kid":""}"#,
        r#"{"alg":"EdDSA","kid":0}"#,
        r#"{"alg":"EdDSA","kid":null}"#,
        r#"{"alg":"EdDSA","kid":["ed"]}"#,
        r#"{"alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","kid":"gone","kid":"ed"}"#,
        r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#,
        r#"{"kid":"ed"}"#,
        r#"{"alg":null,"kid":"ed"}"#,
        r#"{"alg":["EdDSA"],"kid":"ed"}"#,
        r#"{"alg":"EdDSA","kid":"ed","crit":["exp"],"exp":1}"#,
        r#"{"alg":"EdDSA","kid":"ed","crit":[]}"#,
        r#"{"alg":"EdDSA","kid":"ed","crit":null}"#,
        r#"{"alg":"EdDSA","kid":"ed","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"EdDSA","kid":"ed","b64":false}"#,
        r#"{"alg":"EdDSA","kid":"ed","zip":"DEF"}"#,
        r#"{"alg":"EdDSA","kid":"ed","enc":"A128GCM"}"#,
        r#"{"alg":"EdDSA","kid":"ed","cty":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":"dpop+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":"JOSE"}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":""}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":1}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":null}"#,
        r#"{"alg":"EdDSA","kid":"ed"}x"#,
        r#"[{"alg":"EdDSA","kid":"ed"}]"#,
        "\"EdDSA\"",
        "nonsense",
    ] {
        rows.push(row(format!("the header {header}"), forge.by_ed(header, &plain)));
    }
    // Whatever key one would fall back on, its signature is on one of these.
    for kid in ["gone", ""] {
        let of = |alg: &str| json!({ "alg": alg, "kid": kid }).to_string();
        rows.push(row(format!("ES256 by a key that is not {kid:?}"), forge.by_ec(&of("ES256"), &plain)));
        rows.push(row(format!("RS256 by a key that is not {kid:?}"), forge.by_rsa(&of("RS256"), &plain)));
    }
    for kid in ["ed", "stranger"] {
        let own = json!({ "alg": "EdDSA", "kid": kid, "jwk": jwk }).to_string();
        rows.push(row(format!("a key of its own, called {kid}"), stranger.by_ed(&own, &plain)));
        let far = json!({ "alg": "EdDSA", "kid": kid, "jku": "https://evil.example/jwks.json", "x5u": "file:///x" });
        rows.push(row(format!("a key elsewhere, called {kid}"), stranger.by_ed(&far.to_string(), &plain)));
    }
    rows
}

/// The signature is not the key's, or not of this.
fn signatures(forge: &Forge) -> Vec<Row> {
    let plain = claims(&json!({}));
    let stranger = Forge::new();
    let good = forge.claiming(&json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let ec = json!({ "alg": "ES256", "kid": "ec" }).to_string();
    let bob = claims(&json!({ "sub": "bob" }));
    let der = {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap();
        compact(&ec, &plain, |signed| key.sign(&random, signed).unwrap().as_ref().to_vec())
    };
    vec![
        row("another Ed25519 key", stranger.by_ed(ED, &plain)),
        row("another P-256 key", stranger.by_ec(&ec, &plain)),
        row("none at all", format!("{signed}.")),
        row("of zeros", compact(ED, &plain, |_| vec![0; 64])),
        row("P-256, of zeros", compact(&ec, &plain, |_| vec![0; 64])),
        row("P-256, in DER", der),
        row("RSA, of zeros", compact(r#"{"alg":"RS256","kid":"rsa"}"#, &plain, |_| vec![0; 256])),
        row("too short", format!("{signed}.{}", &signature[..signature.len() - 2])),
        row("too long", compact(ED, &plain, |signed| [forge.ed.sign(signed).as_ref(), &[0]].concat())),
        row("another bit", compact(ED, &plain, |signed| flipped(forge.ed.sign(signed).as_ref()))),
        row("of other claims", format!("{header}.{}.{signature}", text(bob.as_bytes()))),
        row(
            "of another header",
            format!("{}.{}.{signature}", text(br#"{"alg":"EdDSA","kid":"ed"}"#), text(plain.as_bytes())),
        ),
        row("of the claims alone", compact(ED, &plain, |_| forge.ed.sign(plain.as_bytes()).as_ref().to_vec())),
    ]
}

fn flipped(signature: &[u8]) -> Vec<u8> {
    let mut bytes = signature.to_vec();
    bytes[7] ^= 1;
    bytes
}

/// It is not written as a JWT is.
fn forms(forge: &Forge) -> Vec<Row> {
    let good = forge.claiming(&json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let sign = |bytes: &[u8]| forge.ed.sign(bytes).as_ref().to_vec();
    // Of the last character of 64 bytes two bits count; with another bit set it would be another text of the same bytes.
    let last = char::from(signature.as_bytes()[signature.len() - 1] + 1);
    let unused_bits = format!("{signed}.{}{last}", &signature[..signature.len() - 1]);
    let padded = format!("{signed}={}", "=");
    let long = "x".repeat(LONGEST_JWT);
    vec![
        row("nothing", String::new()),
        row("dots", "..".to_owned()),
        row("two parts", signed.to_owned()),
        row("one part", header.to_owned()),
        row("four parts", format!("{good}.{signature}")),
        row("five parts, as encrypted", format!("{header}.{payload}.{signature}.{signature}.{signature}")),
        row("no header", format!(".{payload}.{signature}")),
        row("no payload", format!("{header}..{signature}")),
        row("padding behind", format!("{good}==")),
        row("padding that is signed", format!("{padded}.{}", text(&sign(padded.as_bytes())))),
        row("unused bits", unused_bits),
        row("a character of base64 alone", good.replacen('.', "+.", 1)),
        row("a blank in front", format!(" {good}")),
        row("a blank behind", format!("{good} ")),
        row("a line end behind", format!("{good}\n")),
        row("a line end inside", good.replacen('.', ".\n", 1)),
        row("a NUL behind", format!("{good}\0")),
        row("bytes behind", format!("{good}AAAA")),
        row("not ASCII", good.replacen('e', "\u{435}", 1)),
        row("with Bearer", format!("Bearer {good}")),
        row(
            "JSON, not compact",
            json!({ "payload": payload, "protected": header, "signature": signature }).to_string(),
        ),
        row("a good one inside", forge.by_ed(ED, &json!(good).to_string())),
        row("too long, and good", forge.claiming(&json!({ "x": long }))),
        row("a payload that is no UTF-8", compact_bytes(ED.as_bytes(), b"{\"sub\":\"\xff\xfe\"}", sign)),
        row("a user that is no UTF-8", compact_bytes(ED.as_bytes(), &not_utf8(), sign)),
        row("a header that is no UTF-8", compact_bytes(b"{\"alg\":\"EdDSA\",\"kid\":\"\xff\"}", b"{}", sign)),
        row("bytes behind the claims", forge.by_ed(ED, &format!("{} x", claims(&json!({}))))),
        row("claims in a list", forge.by_ed(ED, &format!("[{}]", claims(&json!({}))))),
        row("claims with a byte order mark", forge.by_ed(ED, &format!("\u{feff}{}", claims(&json!({}))))),
        row("no claims", forge.by_ed(ED, "{}")),
        row("null", forge.by_ed(ED, "null")),
    ]
}

/// Good claims, but for one byte of the user's name.
fn not_utf8() -> Vec<u8> {
    let mut bytes = claims(&json!({})).into_bytes();
    let at = bytes.windows(3).position(|three| three == b"ann").unwrap();
    bytes[at] = 0xff;
    bytes
}

/// It is signed as it should be, and says what it may not, or not what it must.
fn said(forge: &Forge) -> Vec<Row> {
    let long = "x".repeat(65);
    let exp = NOW + 600;
    let wrong: Vec<(&str, Vec<Value>)> = vec![
        ("exp", vec![json!("-"), json!(null), json!(exp.to_string()), json!(true), json!([exp]), json!({ "at": exp })]),
        ("exp", vec![json!(exp as f64 + 0.5), json!(exp as f64), json!(1e300), json!(-1), json!(0), json!(u64::MAX)]),
        ("exp", vec![json!(NOW - 30), json!(NOW - 86_400), json!(NOW + 24 * 3600 + 31), json!(exp * 1000)]),
        ("aud", vec![json!("-"), json!(null), json!(["chat"]), json!(["chat", "other"]), json!([]), json!(1)]),
        (
            "aud",
            vec![json!("other"), json!(""), json!("chat2"), json!("cha"), json!("Chat"), json!("chat "), json!({})],
        ),
        ("sub", vec![json!("-"), json!(null), json!(7), json!(["ann"]), json!(""), json!("../ann"), json!("ann.bob")]),
        ("sub", vec![json!("ann\u{0}"), json!("\u{e4}nn"), json!("ann bob"), json!("ann\n"), json!("*"), json!(long)]),
        ("nbf", vec![json!(NOW + 31), json!("0"), json!(null), json!(0.5), json!(u64::MAX), json!([0])]),
        ("iat", vec![json!(NOW + 31), json!("0"), json!(null), json!(0.5), json!(-1)]),
        ("iss", vec![json!("-"), json!(null), json!("https://id.example/"), json!(["https://id.example"]), json!(1)]),
    ];
    let mut rows: Vec<Row> = Vec::new();
    for (name, value) in wrong.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value))) {
        rows.push(row(format!("{name} is {value}"), forge.claiming(&json!({ *name: value }))));
    }
    for twice in ["\"exp\":1", "\"aud\":\"chat\"", "\"sub\":\"bob\"", "\"nbf\":0,\"nbf\":0"] {
        let both = claims(&json!({})).replacen('{', &format!("{{{twice},"), 1);
        rows.push(row(format!("twice: {both}"), forge.by_ed(ED, &both)));
    }
    let huge = claims(&json!({})).replace(&exp.to_string(), "1e999");
    rows.push(row("exp is 1e999", forge.by_ed(ED, &huge)));
    let huge = claims(&json!({})).replace(&exp.to_string(), "99999999999999999999999");
    rows.push(row("exp has 23 digits", forge.by_ed(ED, &huge)));
    rows
}
