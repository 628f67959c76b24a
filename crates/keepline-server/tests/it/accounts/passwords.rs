//! Passwords: what may be one, who gets a name, and that nobody learns who has an account.

use std::pin::{Pin, pin};
use std::sync::mpsc::SyncSender;

use keepline_server::accounts::{AccountError, Accounts, Hashing};
use keepline_server::conversation::Conversation;
use keepline_server::id::{MessageId, UserId};
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, LogName, Page, Store};
use tokio::runtime::Runtime;

use super::{PASSWORD, node};
use crate::support::cue::{Cue, Fate};
use crate::support::id;

#[tokio::test]
async fn what_may_be_an_account() {
    let accounts = node(Memory::new()).await;
    let long = "x1".repeat(257);
    let table = [
        ("ann", PASSWORD, "ok"),
        ("ann", PASSWORD, "taken"),
        ("Ann", PASSWORD, "ok"),
        ("cim-1790000000000", PASSWORD, "reserved"),
        ("cim-", PASSWORD, "reserved"),
        ("CIM-7", PASSWORD, "reserved"),
        ("cim", PASSWORD, "ok"),
        ("bob", "", "weak_password"),
        ("bob", "1234567", "weak_password"),
        ("bob", "ääääää", "weak_password"),
        ("bob", "aaaaaaaaaaaa", "weak_password"),
        ("bob-the-builder", "Bob-The-Builder", "weak_password"),
        ("bob", long.as_str(), "weak_password"),
        ("bob", &long[..512], "ok"),
    ];
    for (user, password, expected) in table {
        let got = accounts.create(id(user), password).await.map_or_else(|error| error.code(), |()| "ok");
        assert_eq!(got, expected, "{user} {password}");
    }
    assert!(accounts.exists(&id("ann")) && !accounts.exists(&id("carl")));
}

#[tokio::test]
async fn a_stranger_and_a_wrong_password_are_one_error() {
    let accounts = node(Memory::new()).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let long = "x".repeat(100_000);
    let table =
        [("ann", "correct horsf"), ("ann", ""), ("ann", long.as_str()), ("nobody", PASSWORD), ("cim-1", PASSWORD)];
    for (user, password) in table {
        let error = accounts.issue(&id(user), password, id("phone")).await.unwrap_err();
        assert_eq!(error, AccountError::BadCredentials, "{user}");
        let error = accounts.change_password(&id(user), password, "another horse").await.unwrap_err();
        assert_eq!(error, AccountError::BadCredentials, "{user}");
    }
}

/// A runtime with one thread for hashes.
fn one_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap()
}

/// Takes that thread, so that no hash is done before it is let go.
fn hold_the_thread() -> SyncSender<()> {
    let (let_go, held) = std::sync::mpsc::sync_channel::<()>(0);
    drop(tokio::task::spawn_blocking(move || held.recv()));
    let_go
}

/// What a future says at its first poll.
async fn poll_once<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    tokio::select! {
        biased;
        done = &mut future => Some(done),
        () = std::future::ready(()) => None,
    }
}

/// One hash at once and nobody waiting: who comes second is told so if, and only if, he would have hashed.
#[test]
fn an_unknown_user_costs_a_hash_as_a_known_one_does() {
    one_thread().block_on(async {
        let one = Hashing::cheapest().with_limits(1, 0);
        let accounts = Accounts::load(Memory::new(), one).await.unwrap();
        accounts.create(id("ann"), PASSWORD).await.unwrap();
        let ann = id("ann");
        for second in ["ann", "nobody"] {
            let let_go = hold_the_thread();
            let mut first = pin!(accounts.issue(&ann, PASSWORD, id("phone")));
            assert!(poll_once(first.as_mut()).await.is_none(), "a hash without a thread");
            let second = id(second);
            let second = poll_once(pin!(accounts.issue(&second, "another horse", id("phone")))).await;
            assert_eq!(second.map(|issued| issued.unwrap_err()), Some(AccountError::Busy));
            drop(let_go);
            assert!(first.await.is_ok());
        }
        let nobody = accounts.issue(&id("nobody"), PASSWORD, id("phone")).await;
        assert_eq!(nobody.unwrap_err(), AccountError::BadCredentials);
    });
}

/// A client that goes away does not make room for another while its hash still takes a thread.
#[test]
fn work_that_nobody_waits_for_still_counts() {
    one_thread().block_on(async {
        let one = Hashing::cheapest().with_limits(1, 0);
        let accounts = Accounts::load(Memory::new(), one).await.unwrap();
        let ann: UserId = id("ann");
        let let_go = hold_the_thread();
        {
            let gone = pin!(accounts.issue(&ann, PASSWORD, id("phone")));
            assert!(poll_once(gone).await.is_none(), "a hash without a thread");
        }
        let second = poll_once(pin!(accounts.issue(&ann, PASSWORD, id("phone")))).await;
        assert_eq!(second.map(|issued| issued.unwrap_err()), Some(AccountError::Busy));

        drop(let_go);
        // The thread takes its work in order: behind this one the hash is done, and its place is free.
        tokio::task::spawn_blocking(|| {}).await.unwrap();
        assert_eq!(accounts.issue(&ann, PASSWORD, id("phone")).await.unwrap_err(), AccountError::BadCredentials);
    });
}

#[tokio::test]
async fn another_password_ends_the_old_one_and_every_token() {
    let accounts = node(Memory::new()).await;
    let ann = id("ann");
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let token = accounts.issue(&ann, PASSWORD, id("phone")).await.unwrap();
    assert_eq!(accounts.change_password(&ann, PASSWORD, "short").await.unwrap_err().code(), "weak_password");
    accounts.change_password(&ann, PASSWORD, "another horse").await.unwrap();
    assert_eq!(accounts.authenticate(&token.text).await.unwrap_err().code(), "auth_failed");
    assert_eq!(accounts.issue(&ann, PASSWORD, id("phone")).await.unwrap_err(), AccountError::BadCredentials);
    assert!(accounts.issue(&ann, "another horse", id("phone")).await.is_ok());
}

/// Who changes it first has said that the old one is no longer good.
#[tokio::test]
async fn of_two_who_change_a_password_at_once_one_does() {
    let accounts = node(Memory::new()).await;
    let ann: UserId = id("ann");
    accounts.create(ann.clone(), PASSWORD).await.unwrap();
    let news = ["another horse", "third horse"];
    let (first, second) = tokio::join!(
        accounts.change_password(&ann, PASSWORD, news[0]),
        accounts.change_password(&ann, PASSWORD, news[1]),
    );
    let done = [first, second];
    assert_eq!(done.iter().filter(|done| **done == Err(AccountError::BadCredentials)).count(), 1, "{done:?}");
    for (done, new) in done.iter().zip(news) {
        assert_eq!(accounts.issue(&ann, new, id("phone")).await.is_ok(), done.is_ok(), "{new}");
    }
}

/// What is stored of a password is argon2id's, at OWASP's cost, with a salt of its own.
#[tokio::test]
async fn a_password_is_stored_as_argon2id() {
    let store = Memory::new();
    let accounts = Accounts::load(store.clone(), Hashing::default()).await.unwrap();
    let mut stored = Vec::new();
    for user in ["ann", "bob"] {
        accounts.create(id(user), PASSWORD).await.unwrap();
        let log = LogName::new(&format!("a.{user}"));
        let record = store.read(&log, 0, Page { records: 1, bytes: 1024 }).await.unwrap().remove(0);
        let text = String::from_utf8_lossy(&record.body).into_owned();
        assert!(text.contains("$argon2id$v=19$m=19456,t=2,p=1$") && !text.contains(PASSWORD), "{text:?}");
        stored.push(record.body);
    }
    assert_ne!(stored[0], stored[1]);
}

#[tokio::test]
async fn a_lost_answer_makes_one_account_and_a_lost_request_is_made_again() {
    use Fate::{AnswerLost, Done, Lost, Refused};
    let table: [(&[Fate], &str); 7] = [
        (&[AnswerLost], "ok"),
        (&[AnswerLost, AnswerLost, Lost], "ok"),
        (&[Lost, Lost, Done], "ok"),
        (&[Refused], "storage_full"),
        // A refusal says nothing about the try before it.
        (&[AnswerLost, Refused, Done], "ok"),
        (&[Lost; 6], "unknown_outcome"),
        (&[Lost, Refused, Refused, Refused, Refused, Refused], "unknown_outcome"),
    ];
    for (fates, expected) in table {
        let store = Cue::new(Memory::new(), "a.", fates);
        let accounts = node(store.clone()).await;
        let got = accounts.create(id("ann"), PASSWORD).await.map_or_else(|error| error.code(), |()| "ok");
        assert_eq!(got, expected, "{fates:?}");
        assert!(store.is_over(), "{fates:?}");
        let head = store.head(&LogName::new("a.ann")).await.unwrap();
        // Its name, and then what of the messages to everyone are its.
        assert_eq!(head.seq, if expected == "ok" { 2 } else { 0 }, "{fates:?}");
        assert_eq!(accounts.exists(&id("ann")), expected == "ok", "{fates:?}");
    }
}

#[tokio::test]
async fn accounts_outlast_the_process_and_damage_costs_one() {
    let store = Cue::new(Memory::new(), "-", &[]);
    let append = |log: LogName, body: &'static [u8]| {
        store.append(Append { log, expected: Expected::Any, id: MessageId::new([1; 16]), body: body.into() })
    };
    let before = node(store.clone()).await;
    assert_eq!(before.everyone_since(&id("ann")), None);
    before.create(id("ann"), PASSWORD).await.unwrap();
    let _ = append(Conversation::Everyone.log(), b"hello").await.unwrap();
    for user in ["bob", "carl", "dora"] {
        before.create(id(user), PASSWORD).await.unwrap();
    }
    let token = before.issue(&id("bob"), PASSWORD, id("phone")).await.unwrap();
    drop(before);
    // What was written is no account; and what was written cannot be read.
    let _ = append(LogName::new("a.carl"), b"\xff\xff").await.unwrap();
    store.damage("a.dora");

    let after = node(store.clone()).await;
    assert_eq!(after.everyone_since(&id("ann")), Some(0));
    assert_eq!(after.everyone_since(&id("bob")), Some(1));
    assert_eq!(after.authenticate(&token.text).await.unwrap().user, id("bob"));
    for damaged in ["carl", "dora"] {
        assert!(!after.exists(&id(damaged)));
        assert_eq!(after.create(id(damaged), PASSWORD).await.unwrap_err(), AccountError::Taken);
        assert_eq!(after.issue(&id(damaged), PASSWORD, id("phone")).await.unwrap_err().code(), "unavailable");
    }
}
