//! Tokens: what is none, when one is over, what calls one back, and that nothing shows it.

use keepline_server::accounts::{AuthError, Proof, Revocation, TOKEN_LIFE_MS, TokenId};
use keepline_server::store::memory::Memory;
use keepline_server::store::{LogName, Page, Store};

use super::{PASSWORD, node, node_at};
use crate::support::cue::Cue;
use crate::support::id;
use crate::support::wall::{START_MS, Wall};

#[tokio::test]
async fn a_token_says_who_and_on_which_device() {
    let accounts = node(Memory::new()).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let phone = accounts.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    let desk = accounts.issue(&id("ann"), PASSWORD, id("desk")).await.unwrap();
    assert_ne!(phone.text, desk.text);
    for (token, device) in [(&phone, "phone"), (&desk, "desk")] {
        // Twice: from the store, and from what is at hand.
        for _ in 0..2 {
            let identity = accounts.authenticate(&token.text).await.unwrap();
            assert_eq!((identity.user, identity.device), (id("ann"), Some(id(device))));
            assert_eq!((identity.proof, identity.expires_ms), (Proof::Token(token.id), token.expires_ms));
        }
    }
}

#[tokio::test]
async fn what_is_no_token_lets_nobody_in() {
    let accounts = node(Memory::new()).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let good = accounts.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap().text;
    assert_eq!((good.len(), &good[..3]), (46, "kl_"));
    let mut forged = vec![
        String::new(),
        "kl_".to_owned(),
        good[3..].to_owned(),
        good.to_uppercase(),
        good.replacen("kl_", "KL_", 1),
        format!("{good}A"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}\0"),
        format!("{good}="),
        good[..45].to_owned(),
        "kl_".to_owned() + &"A".repeat(43),
        "kl_".to_owned() + &"A".repeat(1 << 20),
        TokenId::of(&good).unwrap().to_string(),
        format!("kl_{}", TokenId::of(&good).unwrap()),
        "kl_../../../../../../../../../../../../../../etc".to_owned(),
        "kl_äääääääääääääääääääää.".to_owned(),
        "Bearer ".to_owned() + &good,
        "ann".to_owned(),
        PASSWORD.to_owned(),
    ];
    // Each character of the random part, another.
    forged.extend((3..46).map(|at| {
        let other = if &good[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &good[..at], &good[at + 1..])
    }));
    assert!(forged.len() >= 40);
    for token in forged {
        assert_eq!(accounts.authenticate(&token).await, Err(AuthError::Refused), "{token:?}");
    }
    assert!(accounts.authenticate(&good).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_over_after_thirty_days() {
    let wall = Wall::new();
    let accounts = node_at(Memory::new(), &wall).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let token = accounts.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    assert_eq!(token.expires_ms, START_MS + TOKEN_LIFE_MS);
    wall.jump(i64::try_from(TOKEN_LIFE_MS).unwrap() - 1);
    assert!(accounts.authenticate(&token.text).await.is_ok());
    wall.jump(1);
    assert_eq!(accounts.authenticate(&token.text).await, Err(AuthError::Refused));
    assert_eq!(accounts.check(token.id).await, Err(AuthError::Refused));
}

#[tokio::test]
async fn what_is_called_back_is_refused_and_told() {
    let accounts = node(Memory::new()).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let mut revocations = accounts.revocations();
    let mut tokens = Vec::new();
    for device in ["a", "b", "c"] {
        let token = accounts.issue(&id("ann"), PASSWORD, id(device)).await.unwrap();
        assert!(accounts.authenticate(&token.text).await.is_ok());
        tokens.push(token);
    }
    accounts.revoke(tokens[0].id).await.unwrap();
    assert_eq!(revocations.recv().await.unwrap(), Revocation::Token { id: tokens[0].id, user: id("ann") });
    assert_eq!(accounts.authenticate(&tokens[0].text).await, Err(AuthError::Refused));
    assert!(accounts.authenticate(&tokens[1].text).await.is_ok());

    accounts.revoke_all(&id("ann")).await.unwrap();
    while revocations.recv().await.unwrap() != Revocation::User(id("ann")) {}
    for token in &tokens {
        assert_eq!(accounts.authenticate(&token.text).await, Err(AuthError::Refused));
    }
    let new = accounts.issue(&id("ann"), PASSWORD, id("a")).await.unwrap();
    assert!(accounts.authenticate(&new.text).await.is_ok(), "one of afterwards is good");

    let unknown = TokenId::of(&("kl_".to_owned() + &"A".repeat(43))).unwrap();
    accounts.revoke(unknown).await.unwrap();
    assert_eq!(accounts.revoke_all(&id("nobody")).await.unwrap_err().code(), "bad_credentials");
}

/// Of a token that is read while it is called back, nothing stays at hand.
#[tokio::test]
async fn a_token_called_back_while_it_is_read_is_not_kept() {
    let store = Cue::new(Memory::new(), "-", &[]);
    let accounts = node(store.clone()).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let token = accounts.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    let open = store.hold_a_read();
    let (read, revoked) = tokio::join!(accounts.authenticate(&token.text), async {
        let revoked = accounts.revoke(token.id).await;
        drop(open);
        revoked
    });
    assert!(revoked.is_ok());
    assert_eq!(read.unwrap().user, id("ann"), "it was good when it was read");
    assert_eq!(accounts.authenticate(&token.text).await, Err(AuthError::Refused));
}

/// D8 of `reliability.md`: neither the token nor the password is in anything that could be written into a log.
#[tokio::test]
async fn nothing_shows_a_secret() {
    let store = Memory::new();
    let accounts = node(store.clone()).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let mut revocations = accounts.revocations();
    let token = accounts.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    let identity = accounts.authenticate(&token.text).await.unwrap();
    accounts.revoke(token.id).await.unwrap();
    let revoked = revocations.recv().await.unwrap();
    let refused = accounts.authenticate(&token.text).await.unwrap_err();
    let wrong = accounts.issue(&id("ann"), "canary canary", id("phone")).await.unwrap_err();
    let shown = format!("{accounts:?} {token:?} {identity:?} {revoked:?} {refused:?} {refused} {wrong:?} {wrong}");
    // The hash alone does no harm; its whole would still be a name for the token that joins what should not be.
    let hash = token.id.to_string();
    let page = Page { records: 100, bytes: 1 << 20 };
    let mut stored = Vec::new();
    for (log, _) in store.logs("", None, 100).await.unwrap() {
        stored.extend_from_slice(log.as_str().as_bytes());
        stored.extend(store.read(&log, 0, page).await.unwrap().into_iter().flat_map(|record| record.body));
    }
    for secret in [&token.text[3..], PASSWORD, "canary"] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is stored");
    }
    assert!(!shown.contains(&hash) && !shown.contains("argon2id"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_drops_what_is_over_and_nothing_else() {
    let (store, wall) = (Memory::new(), Wall::new());
    let accounts = node_at(store.clone(), &wall).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let old = accounts.issue(&id("ann"), PASSWORD, id("old")).await.unwrap();
    let lost = accounts.issue(&id("ann"), PASSWORD, id("lost")).await.unwrap();
    wall.jump(i64::try_from(TOKEN_LIFE_MS).unwrap() - 1);
    let new = accounts.issue(&id("ann"), PASSWORD, id("new")).await.unwrap();
    accounts.revoke(lost.id).await.unwrap();
    assert_eq!(accounts.sweep().await.unwrap(), 1);
    wall.jump(1);
    assert_eq!(accounts.sweep().await.unwrap(), 1);
    assert_eq!(accounts.sweep().await.unwrap(), 0);
    assert!(accounts.authenticate(&new.text).await.is_ok());
    let left = async || store.logs("t.", None, 9).await.unwrap().into_iter().map(|(log, _)| log).collect::<Vec<_>>();
    let log = LogName::new(&format!("t.{}", new.id));
    assert_eq!(left().await, std::slice::from_ref(&log));
    // One called back at once stays for a day: who made it may say so again, late.
    accounts.revoke(new.id).await.unwrap();
    assert_eq!(accounts.sweep().await.unwrap(), 0);
    wall.jump(24 * 3_600_000 - 2);
    assert_eq!(accounts.sweep().await.unwrap(), 0);
    assert_eq!(left().await, [log]);
    wall.jump(1);
    assert_eq!(accounts.sweep().await.unwrap(), 1);
    assert_eq!(left().await, []);
    for token in [&old, &lost, &new] {
        assert!(accounts.authenticate(&token.text).await.is_err());
        assert_eq!(accounts.revoke(token.id).await, Ok(()), "nothing happens");
    }
}
