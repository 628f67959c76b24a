//! Nodes: many who change the same accounts at once, in one process and in several.

use std::collections::BTreeSet;
use std::sync::Arc;

use keepline_server::accounts::{AccountError, AuthError, Revocation};
use keepline_server::id::{MessageId, UserId};
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, FEED, LogName, Page, Store};
use proptest::prelude::*;

use super::{PASSWORD, node};
use crate::support::cue::{Cue, Fate};
use crate::support::id;

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Done), Just(Fate::AnswerLost), Just(Fate::Lost)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whoever is told that he has a name can enter with his own password, and nobody else is told so.
    #[test]
    fn a_name_is_one_users(
        wants in prop::collection::vec((0..2_usize, 0..3_u8), 1..16),
        fates in prop::collection::vec(fate(), 0..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let store = Cue::new(Memory::new(), "a.", &fates);
            let nodes = [Arc::new(node(store.clone()).await), Arc::new(node(store).await)];
            let tries: Vec<_> = wants.iter().enumerate().map(|(number, (at, name))| {
                let (node, user) = (nodes[*at].clone(), id::<UserId>(&format!("user-{name}")));
                tokio::spawn(async move {
                    let password = format!("the password {number}");
                    let made = node.create(user.clone(), &password).await;
                    (user, password, made)
                })
            }).collect();
            // Of a name of which it was not said what became of it, all tries may have been lost.
            let (mut names, mut unsaid) = (BTreeSet::new(), BTreeSet::new());
            for attempt in tries {
                let (user, password, made) = attempt.await.unwrap();
                let enters = nodes[0].issue(&user, &password, id("phone")).await;
                match made {
                    Ok(()) => assert!(enters.is_ok(), "{user} was told that he has the name"),
                    Err(AccountError::Taken) => {
                        assert_eq!(enters.as_ref().unwrap_err(), &AccountError::BadCredentials);
                    }
                    Err(AccountError::UnknownOutcome) => drop(unsaid.insert(user.clone())),
                    Err(other) => panic!("{other}"),
                }
                assert!(enters.is_err() || names.insert(user.clone()), "{user} is there twice");
            }
            let wanted: BTreeSet<UserId> = wants.iter().map(|(_, name)| id(&format!("user-{name}"))).collect();
            let nobodys: Vec<_> = wanted.difference(&names).filter(|name| !unsaid.contains(*name)).collect();
            assert!(nobodys.is_empty(), "{nobodys:?}");
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_at_once_one_gets_the_name() {
    let store = Memory::new();
    let nodes = [Arc::new(node(store.clone()).await), Arc::new(node(store).await)];
    let tries: Vec<_> = (0..50)
        .map(|number| {
            let node = nodes[number % 2].clone();
            tokio::spawn(async move { node.create(id("ann"), &format!("the password {number}")).await })
        })
        .collect();
    let mut winners = 0;
    for attempt in tries {
        match attempt.await.unwrap() {
            Ok(()) => winners += 1,
            Err(error) => assert_eq!(error, AccountError::Taken),
        }
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn another_node_knows_what_this_one_did() {
    let store = Memory::new();
    let (here, there) = (node(store.clone()).await, node(store).await);
    let mut revocations = there.revocations();
    here.create(id("ann"), PASSWORD).await.unwrap();
    let token = here.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    assert_eq!(there.authenticate(&token.text).await.unwrap().user, id("ann"));
    here.revoke(token.id).await.unwrap();
    assert_eq!(revocations.recv().await.unwrap(), Revocation::Token { id: token.id, user: id("ann") });
    assert_eq!(there.authenticate(&token.text).await, Err(AuthError::Refused));

    let token = here.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    assert!(there.authenticate(&token.text).await.is_ok());
    here.revoke_all(&id("ann")).await.unwrap();
    assert_eq!(revocations.recv().await.unwrap(), Revocation::User(id("ann")));
    assert_eq!(there.authenticate(&token.text).await, Err(AuthError::Refused));
}

/// A token is shown to a node that has not heard yet of the account, nor of what became of it since.
#[tokio::test]
async fn a_token_may_be_faster_than_the_feed() {
    let store = Memory::new();
    let (here, there) = (node(store.clone()).await, node(Cue::silent(store)).await);
    here.create(id("ann"), PASSWORD).await.unwrap();
    let old = here.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    assert_eq!(there.authenticate(&old.text).await.unwrap().user, id("ann"));
    here.revoke_all(&id("ann")).await.unwrap();
    let new = here.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    assert!(there.authenticate(&new.text).await.is_ok());
    assert_eq!(there.authenticate(&old.text).await, Err(AuthError::Refused), "known by the newer one");
}

/// Who falls behind the feed says that he missed something, and reads the accounts again.
#[tokio::test]
async fn a_node_that_fell_behind_catches_up() {
    let store = Memory::new();
    let (here, there) = (node(store.clone()).await, node(store.clone()).await);
    here.create(id("ann"), PASSWORD).await.unwrap();
    let token = here.issue(&id("ann"), PASSWORD, id("phone")).await.unwrap();
    assert!(there.authenticate(&token.text).await.is_ok());
    let mut revocations = there.revocations();
    // Nothing of this waits, so that the other node is not run meanwhile and its feed overflows.
    drop(store.append(copy_of(&store, "a.ann", "a.late", &[]).await));
    let log = format!("t.{}", token.id);
    // Field 6 says that it was called back.
    drop(store.append(copy_of(&store, &log, &log, &[6 << 3, 1]).await));
    for number in 0..=FEED {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let append =
            Append { log: LogName::new("m.all"), expected: Expected::Any, id: MessageId::new(bytes), body: "x".into() };
        drop(store.append(append));
    }
    while revocations.recv().await.unwrap() != Revocation::Missed {}
    assert_eq!(there.check(token.id).await, Err(AuthError::Refused));
    while !there.exists(&id("late")) {
        tokio::task::yield_now().await;
    }
}

/// What appends the last record of one log to another, with some more bytes behind it.
async fn copy_of(store: &Memory, from: &str, to: &str, more: &[u8]) -> Append {
    let last = Page { records: 1, bytes: 1024 };
    let record = store.read_back(&LogName::new(from), u64::MAX, last).await.unwrap().remove(0);
    let body = [&record.body[..], more].concat();
    Append { log: LogName::new(to), expected: Expected::Any, id: MessageId::new([9; 16]), body: body.into() }
}
