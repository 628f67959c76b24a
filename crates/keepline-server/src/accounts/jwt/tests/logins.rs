//! Logins by JWT: who comes into being, and what calls one back.

use serde_json::json;

use super::forge::Forge;
use super::{issuer, settings};
use crate::accounts::jwt::IssuerSettings;
use crate::accounts::{AccountError, Accounts, AuthError, Hashing, Identity, Proof, Revocation};
use crate::clock::{Clock, System};
use crate::store::memory::Memory;

async fn accounts(forge: &Forge, settings: IssuerSettings) -> Accounts {
    let accounts = Accounts::load(Memory::new(), Hashing::cheapest()).await.unwrap();
    accounts.with_issuer(issuer(forge.keys(), settings).into())
}

fn now() -> u64 {
    System.now_ms() / 1000
}

#[tokio::test]
async fn a_user_comes_into_being_with_his_first_token_and_has_no_password() {
    let forge = Forge::new();
    let accounts = accounts(&forge, settings()).await;
    let ann = "ann".parse().unwrap();
    let exp = now() + 600;
    let token = forge.claiming(&json!({ "exp": exp }));
    let (one, other) = tokio::join!(accounts.authenticate(&token), accounts.authenticate(&token));
    let whole = Identity {
        user: "ann".parse().unwrap(),
        device: None,
        proof: Proof::Jwt { issued_ms: 0 },
        expires_ms: exp * 1000,
    };
    assert_eq!((one, other), (Ok(whole.clone()), Ok(whole)), "two at once are one user");
    assert!(accounts.exists(&ann));
    for password in ["", "correct horse"] {
        let issued = accounts.issue(&ann, password, "phone".parse().unwrap()).await;
        assert_eq!(issued, Err(AccountError::BadCredentials), "{password:?}");
        let changed = accounts.change_password(&ann, password, "correct battery").await;
        assert_eq!(changed, Err(AccountError::BadCredentials), "{password:?}");
    }
    assert_eq!(accounts.create(ann, "correct horse").await, Err(AccountError::Taken));
}

#[tokio::test]
async fn who_is_not_known_or_not_theirs_to_name_is_refused() {
    let forge = Forge::new();
    let token = |sub: &str| forge.claiming(&json!({ "sub": sub, "exp": now() + 600 }));
    let known_only = accounts(&forge, IssuerSettings { creates_users: false, ..settings() }).await;
    assert_eq!(known_only.authenticate(&token("ann")).await, Err(AuthError::Refused));
    assert!(!known_only.exists(&"ann".parse().unwrap()), "a refusal makes nobody");
    known_only.create("ann".parse().unwrap(), "correct horse").await.unwrap();
    assert_eq!(known_only.authenticate(&token("ann")).await.unwrap().user.as_str(), "ann");

    let any = accounts(&forge, settings()).await;
    let (id, _) = any.cim().register("bob").await.unwrap();
    for user in [format!("cim-{id}"), "cim-999".to_owned(), "CIM-x".to_owned()] {
        assert_eq!(any.authenticate(&token(&user)).await, Err(AuthError::Refused), "{user}");
    }
    let without = Accounts::load(Memory::new(), Hashing::cheapest()).await.unwrap();
    assert_eq!(without.authenticate(&token("ann")).await, Err(AuthError::Refused), "nobody's are taken by default");
}

#[tokio::test]
async fn what_was_made_before_a_calling_back_is_good_no_more() {
    let forge = Forge::new();
    let accounts = accounts(&forge, settings()).await;
    let ann = "ann".parse().unwrap();
    let token = |iat: u64| forge.claiming(&json!({ "iat": iat, "exp": now() + 600 }));
    let (old, new) = (token(now() - 60), token(now() + 20));
    let silent = forge.claiming(&json!({ "exp": now() + 600 }));
    let shown = accounts.authenticate(&old).await.unwrap();
    assert!(accounts.authenticate(&silent).await.is_ok());
    assert_eq!(accounts.check_again(&ann, shown.proof).await, Ok(()));
    let mut revocations = accounts.revocations();
    accounts.revoke_all(&ann).await.unwrap();
    assert_eq!(revocations.recv().await.unwrap(), Revocation::User(ann.clone()));
    assert_eq!(accounts.check_again(&ann, shown.proof).await, Err(AuthError::Refused));
    assert_eq!(accounts.authenticate(&old).await, Err(AuthError::Refused));
    assert_eq!(accounts.authenticate(&silent).await, Err(AuthError::Refused), "as old as can be");
    assert!(accounts.authenticate(&new).await.is_ok(), "made after it");
}

#[tokio::test]
async fn what_was_shown_before_a_calling_back_is_good_no_more_whatever_the_issuers_clock_says() {
    let forge = Forge::new();
    let accounts = accounts(&forge, settings()).await;
    let ann = "ann".parse().unwrap();
    let ahead = forge.claiming(&json!({ "iat": now() + 20, "exp": now() + 600 }));
    let shown = accounts.authenticate(&ahead).await.unwrap();
    assert_eq!(accounts.check_again(&ann, shown.proof).await, Ok(()));
    accounts.revoke_all(&ann).await.unwrap();
    assert_eq!(accounts.check_again(&ann, shown.proof).await, Err(AuthError::Refused));
}
