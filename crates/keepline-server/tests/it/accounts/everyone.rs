//! Everyone: which messages to everyone are a new account's, whatever is said while it is being made.
//!
//! A test holds one answer of the store, looks at what is there by then, and lets go.

use std::sync::Arc;

use keepline_server::accounts::{AccountError, Accounts, cim};
use keepline_server::conversation::Conversation;
use keepline_server::id::MessageId;
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, LogName, Outcome, Store};

use super::{PASSWORD, node};
use crate::support::cue::{Cue, Fate};
use crate::support::id;

async fn say(store: &Cue, seq: u8) {
    let log = Conversation::Everyone.log();
    let append = Append { log, expected: Expected::Any, id: MessageId::new([seq; 16]), body: "hello".into() };
    assert_eq!(store.append(append).await.unwrap(), Outcome::Appended(seq.into()));
}

/// A store in which one message was said to everyone, and its accounts.
async fn scene(fates: &[Fate]) -> (Arc<Cue>, Arc<Accounts>) {
    let store = Cue::new(Memory::new(), "a.", fates);
    say(&store, 1).await;
    let accounts = Arc::new(node(store.clone()).await);
    (store, accounts)
}

#[tokio::test]
async fn what_was_said_before_the_account_was_there_is_not_its() {
    let (store, accounts) = scene(&[]).await;
    let open = store.hold_a_head();
    let making = tokio::spawn({
        let accounts = Arc::clone(&accounts);
        async move { accounts.create(id("bob"), PASSWORD).await }
    });
    while !store.is_waited_for() {
        tokio::task::yield_now().await;
    }
    // How far the others are is looked at when the name has been taken: whoever spoke before did so when there was no bob.
    assert_eq!(store.memory.head(&LogName::new("a.bob")).await.unwrap().seq, 1);
    assert!(!accounts.exists(&id("bob")), "and nobody writes to him yet");
    assert_eq!(accounts.create(id("bob"), "another password").await, Err(AccountError::Taken));
    open.send(()).unwrap();
    making.await.unwrap().unwrap();
    assert_eq!(accounts.everyone_since(&id("bob")), Some(1));
    assert_eq!(node(store).await.everyone_since(&id("bob")), Some(1), "as it is stored");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_a_crash_left_half_made_is_whole_at_its_first_login() {
    // The name is taken; then nothing is heard any more.
    let (store, accounts) = scene(&[&[Fate::Done][..], &[Fate::Lost; 6]].concat()).await;
    assert_eq!(accounts.create(id("bob"), PASSWORD).await, Err(AccountError::UnknownOutcome));
    let after = node(store.clone()).await;
    assert!(store.is_over() && !accounts.exists(&id("bob")) && !after.exists(&id("bob")));
    say(&store, 2).await;
    let token = after.issue(&id("bob"), PASSWORD, id("phone")).await.unwrap();
    assert_eq!((after.everyone_since(&id("bob")), after.authenticate(&token.text).await.is_ok()), (Some(2), true));
}

#[tokio::test(start_paused = true)]
async fn cims_names_are_taken_before_one_looks_too() {
    let store = Cue::new(Memory::new(), "n.", &[&[Fate::Done][..], &[Fate::Lost; 6]].concat());
    say(&store, 1).await;
    let accounts = node(store.clone()).await;
    assert_eq!(accounts.cim().register("zs").await, Err(AccountError::UnknownOutcome));
    assert_eq!(accounts.cim().id_of_name("zs"), None, "half made is not there");
    say(&store, 2).await;
    let (number, _) = accounts.cim().register("zs").await.unwrap();
    assert_eq!(accounts.everyone_since(&cim::user_of(number).unwrap()), Some(2));
    assert_eq!(node(store).await.cim().register("zs").await, Ok((number, false)));
}
