//! Cim accounts: a name and a number, and what cim does wrong with them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use keepline_server::accounts::CimAccounts;
use keepline_server::accounts::cim::{id_of, user_of};
use keepline_server::id::UserId;
use keepline_server::store::memory::Memory;

use super::{PASSWORD, node};
use crate::support::cue::{Cue, Fate};
use crate::support::id;
use crate::support::wall::{START_MS, Wall};

#[tokio::test]
async fn a_name_has_one_number_for_ever() {
    let store = Memory::new();
    let before = CimAccounts::load(store.clone()).await.unwrap();
    let (ann, new) = before.register("ann").await.unwrap();
    assert!(new);
    assert_eq!(before.register("ann").await.unwrap(), (ann, false));
    assert_eq!(before.name_of(ann).as_deref(), Some("ann"));
    assert_eq!(before.name_of(ann + 1), None);
    drop(before);
    let after = CimAccounts::load(store).await.unwrap();
    assert_eq!(after.register("ann").await.unwrap(), (ann, false));
    assert_eq!((after.name_of(ann).as_deref(), after.id_of_name("ann")), (Some("ann"), Some(ann)));
}

#[test]
fn a_user_of_cim_is_one_name_on_our_side() {
    for number in [0, 1, 1_790_000_000_000, -1, i64::MAX, i64::MIN] {
        assert_eq!(id_of(&user_of(number).unwrap()), Some(number));
    }
    for other in ["ann", "cim-", "cim-x", "cim-01", "cim--0", "CIM-1", "cim-9223372036854775808", "cim-1-1"] {
        assert_eq!(id_of(&id(other)), None, "{other}");
    }
}

/// cim: a login is a name, and whoever says a number has it. Here a name of ours cannot be had that way, and a name
/// that is theirs has no password that would let anybody in.
#[tokio::test]
async fn cim_flaw_20_a_name_without_a_password_is_never_an_account_of_ours() {
    let accounts = node(Memory::new()).await;
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    let (number, _) = accounts.cim().register("ann").await.unwrap();
    let theirs = user_of(number).unwrap();
    assert_ne!(theirs, id("ann"));
    assert!(accounts.exists(&theirs));
    assert_eq!(accounts.create(theirs.clone(), PASSWORD).await.unwrap_err().code(), "reserved");
    for password in ["", PASSWORD, "ann"] {
        let refused = accounts.issue(&theirs, password, id("cim")).await.unwrap_err();
        assert_eq!(refused.code(), "bad_credentials");
    }
}

/// cim: a user named `cim-route:5` breaks every group message, because names are keys as they are.
#[tokio::test]
async fn cim_flaw_21_a_name_is_never_a_key() {
    let store = Memory::new();
    let cim = CimAccounts::load(store.clone()).await.unwrap();
    let long = "ä".repeat(128);
    let names = [
        "cim-route:5",
        "login-status",
        "",
        " ",
        "*",
        ">",
        "a.b",
        "../../etc/passwd",
        "\0",
        "x\r\nSET y",
        "用户",
        "cim-1",
        "a.ann",
        "m.all",
        "Ann",
        "ann",
        "x.cim",
        long.as_str(),
    ];
    let mut numbers = HashSet::new();
    for name in names {
        let (number, new) = cim.register(name).await.unwrap();
        assert!(new && numbers.insert(number), "{name:?}");
    }
    let again = CimAccounts::load(store).await.unwrap();
    for name in names {
        let number = again.id_of_name(name).unwrap();
        assert_eq!(again.name_of(number).as_deref(), Some(name));
        assert!(user_of(number).unwrap().as_str().parse::<UserId>().is_ok());
    }
    assert_eq!(cim.register(&"x".repeat(257)).await.unwrap_err().code(), "too_large");
}

/// cim: a number is the current millisecond, so two registrations in one are one user.
#[tokio::test(start_paused = true)]
async fn cim_flaw_21_two_in_one_millisecond_have_two_numbers() {
    let (store, wall) = (Memory::new(), Wall::new());
    let cim = CimAccounts::load_at(store.clone(), Arc::new(wall.clone())).await.unwrap();
    let mut last = 0;
    for round in 0..100 {
        // The clock stands, and then is set back.
        if round == 50 {
            wall.jump(-3_600_000);
        }
        let (number, _) = cim.register(&format!("user {round}")).await.unwrap();
        assert!(number > last, "{number} after {last}");
        last = number;
    }
    assert_eq!(last, i64::try_from(START_MS).unwrap() + 99);
    wall.jump(2 * 3_600_000);
    let (number, _) = cim.register("later").await.unwrap();
    assert_eq!(number, i64::try_from(START_MS).unwrap() + 3_600_000);
}

/// cim: that a user is not there is remembered for ten minutes, and he cannot send meanwhile.
#[tokio::test]
async fn cim_flaw_22_nobody_remembers_that_a_user_was_not_there() {
    let accounts = node(Memory::new()).await;
    let (first, _) = accounts.cim().register("first").await.unwrap();
    // Whatever the next one's number is: it was asked for before.
    let range = first + 1..first + 60_000;
    for number in range.clone() {
        assert!(accounts.cim().name_of(number).is_none() && !accounts.exists(&user_of(number).unwrap()));
    }
    assert!(accounts.cim().id_of_name("second").is_none() && !accounts.exists(&id("ann")));
    let (second, _) = accounts.cim().register("second").await.unwrap();
    assert!(range.contains(&second));
    assert_eq!(accounts.cim().name_of(second).as_deref(), Some("second"));
    assert!(accounts.exists(&user_of(second).unwrap()));
    accounts.create(id("ann"), PASSWORD).await.unwrap();
    assert!(accounts.exists(&id("ann")));
}

/// cim: several routes number with one worker's number, and two of them say the same. Here many nodes with one clock
/// register the same names and others, over a store that loses answers.
#[tokio::test(start_paused = true)]
async fn cim_flaw_29_many_nodes_never_say_a_number_twice() {
    let wall = Wall::new();
    let fates = [Fate::AnswerLost, Fate::Done, Fate::Lost, Fate::Done, Fate::Done].repeat(20);
    let store = Cue::new(Memory::new(), "x.cim", &fates);
    let mut tries = Vec::new();
    for node in 0..4 {
        let cim = CimAccounts::load_at(store.clone(), Arc::new(wall.clone())).await.unwrap();
        let cim = Arc::new(cim);
        for number in 0..20 {
            let cim = cim.clone();
            // One name is wanted on every node, the others on one.
            let name = if number == 0 { "all want it".to_owned() } else { format!("{node} {number}") };
            tries.push(tokio::spawn(async move {
                let (id, new) = cim.register(&name).await.unwrap();
                (name, id, new)
            }));
        }
    }
    let (mut owners, mut new_ones) = (HashMap::new(), 0);
    for attempt in tries {
        let (name, number, new) = attempt.await.unwrap();
        let owner = owners.entry(number).or_insert_with(|| name.clone());
        assert_eq!(*owner, name, "{number} was said twice");
        new_ones += usize::from(new);
    }
    assert_eq!((owners.len(), new_ones), (4 * 19 + 1, 4 * 19 + 1), "each name has one number, and was new once");
}
