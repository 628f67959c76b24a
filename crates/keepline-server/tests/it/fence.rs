//! Fence: of two logins of one device the later one lives, and nothing of the earlier one counts any more.

use std::sync::Arc;

use keepline::Reason;
use keepline_server::delivery::{SendError, Sender};
use keepline_server::store::memory::Memory;
use keepline_server::store::{LogName, Store as _};

use crate::stage::*;
use crate::support::cue::{Cue, Fate};

const PAIR: &str = "p.ann.bob";

#[tokio::test(start_paused = true)]
async fn cim_flaw_04_a_late_end_of_the_old_line_leaves_the_new_session() {
    let stage = Stage::new(&["ann"]).await;
    let (mut old, old_task) = stage.login_with("ann", "phone", 4096).await;
    let [fenced] = &stage.hub.sessions_of(&"ann".parse().unwrap())[..] else { panic!("one session") };
    let fenced = Arc::clone(fenced);
    let _new = stage.login("ann", "phone").await;
    let _other = stage.login("ann", "tablet").await;
    assert!(fenced.is_ended());
    let end = old.next().await;
    assert!(matches!(&end, Some(Body::Close(close)) if close.code == u32::from(Reason::Replaced.code())), "{end:?}");
    drop(old);
    assert_eq!(old_task.await.unwrap().reason, Reason::Replaced);
    // The eviction of the old line comes late, and once more.
    stage.hub.logout(&fenced);
    let mut devices: Vec<_> = stage.hub.sessions().iter().map(|it| (it.device.to_string(), it.id)).collect();
    devices.sort();
    assert_eq!(devices.iter().map(|(device, _)| device.as_str()).collect::<Vec<_>>(), ["phone", "tablet"]);
    assert!(devices.iter().all(|(_, id)| *id > fenced.id()), "later sessions have higher numbers");
}

#[tokio::test(start_paused = true)]
async fn what_the_old_session_still_asks_for_is_not_done() {
    let stage = Stage::new(&["ann", "bob"]).await;
    stage.say("bob", PAIR, "one").await.unwrap();
    let mut old = stage.login("ann", "phone").await;
    assert_eq!(old.delivery().await, deliver(PAIR, 1, "one"));
    let fenced = stage.hub.sessions_of(&"ann".parse().unwrap()).remove(0);
    let mut new = stage.login("ann", "phone").await;
    let sender = Sender { user: "ann".parse().unwrap(), session: Some(Arc::clone(&fenced)) };
    let sent = stage.delivery.send(sender, draft(PAIR, "late", "late")).await;
    assert_eq!(sent, Err(SendError::Fenced));
    assert_eq!(fenced.ack(&PAIR.parse().unwrap(), 1), Ok(()));
    fenced.read(&PAIR.parse().unwrap(), 1);
    assert_eq!(stage.marks("ann", "phone").await, [], "the old one's acknowledgement is not noted");
    assert_eq!(stage.store.marks("r.ann").await.unwrap(), []);
    assert_eq!(new.delivery().await, deliver(PAIR, 1, "one"), "so the new one gets it again");
    new.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_fenced_session_hears_no_acknowledgement() {
    let store = Moody::new(64);
    let stage = Stage::set(Setting { store: Arc::new(store.clone()), ..Setting::default() }, &["ann", "bob"]).await;
    let mut old = stage.login("ann", "phone").await;
    store.hold_answers();
    old.say(PAIR, "hello").await;
    assert_eq!(old.delivery().await, deliver(PAIR, 1, "hello"), "it is stored, and not answered");
    let mut new = stage.login("ann", "phone").await;
    assert_eq!(new.delivery().await, deliver(PAIR, 1, "hello"));
    store.answers.add_permits(2);
    assert!(matches!(old.next().await, Some(Body::Close(_))), "no acknowledgement comes before the end");
    assert_eq!(old.next().await, None);
    // The new session asks again, and is answered.
    new.say(PAIR, "hello").await;
    let answer = new.next().await;
    assert!(matches!(&answer, Some(Body::SendAck(ack)) if ack.seq == 1 && ack.duplicate), "{answer:?}");
}

/// The store does not know what became of a send, and its session is fenced before it is asked again: what was stored is
/// what the first request stored.
#[tokio::test(start_paused = true)]
async fn a_send_of_unknown_outcome_is_not_repeated_by_a_fenced_session() {
    for (fate, fenced, answer, stored) in [
        (Fate::Lost, false, Ok(1), 1),
        (Fate::Lost, true, Err(SendError::UnknownOutcome), 0),
        (Fate::AnswerLost, false, Ok(1), 1),
        (Fate::AnswerLost, true, Err(SendError::UnknownOutcome), 1),
    ] {
        let store = Cue::new(Memory::new(), "m.", &[fate]);
        let stage = Stage::set(Setting { store: store.clone(), ..Setting::default() }, &["ann", "bob"]).await;
        let _old = stage.login("ann", "phone").await;
        let session = stage.hub.sessions_of(&"ann".parse().unwrap()).remove(0);
        let sender = Sender { user: "ann".parse().unwrap(), session: Some(session) };
        let sending = tokio::spawn(stage.delivery.send(sender, draft(PAIR, "late", "late")));
        assert!(store.is_over(), "asked once, before the future was polled");
        let _new = if fenced { Some(stage.login("ann", "phone").await) } else { None };
        let sent = sending.await.unwrap();
        assert_eq!(sent.map(|receipt| receipt.seq), answer, "{fate:?}, fenced: {fenced}");
        let log = LogName::new(&format!("m.{PAIR}"));
        assert_eq!(store.memory.head(&log).await.unwrap().seq, stored, "{fate:?}, fenced: {fenced}");
    }
}

/// D1: many logins of one device at one time, from several threads: one lives, and it is the latest.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_logins_at_once_one_lives() {
    let stage = Arc::new(Stage::new(&["ann", "bob"]).await);
    let token = stage.token("ann", "phone").await;
    let barrier = Arc::new(tokio::sync::Barrier::new(50));
    let logins: Vec<_> = (0..50)
        .map(|_| {
            let (stage, token, barrier) = (Arc::clone(&stage), token.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let (mut peer, _) = stage.connect_with(4096);
                barrier.wait().await;
                peer.send(hello(&token, "phone")).await;
                let Some(Body::Welcome(welcome)) = peer.next().await else { panic!("no welcome") };
                (welcome.session, peer)
            })
        })
        .collect();
    let mut peers = Vec::new();
    for login in logins {
        peers.push(login.await.unwrap());
    }
    peers.sort_by_key(|(session, _)| *session);
    let (latest, mut living) = peers.pop().unwrap();
    for (session, mut peer) in peers {
        let end = peer.next().await;
        assert!(matches!(&end, Some(Body::Close(close)) if close.reason == "replaced"), "{session}: {end:?}");
    }
    let live: Vec<u64> = stage.hub.sessions().iter().map(|session| session.id.get()).collect();
    assert_eq!(live, [latest]);
    stage.say("bob", PAIR, "hello").await.unwrap();
    assert_eq!(living.delivery().await, deliver(PAIR, 1, "hello"));
}

/// Between the later login and the turn in which the earlier line closes, its answers come all the same.
#[tokio::test(start_paused = true)]
async fn a_fenced_session_hears_no_acknowledgement_while_its_line_is_still_open() {
    let store = Moody::new(64);
    let stage = Stage::set(Setting { store: Arc::new(store.clone()), ..Setting::default() }, &["ann", "bob"]).await;
    let mut old = stage.login("ann", "phone").await;
    store.hold_answers();
    old.say(PAIR, "hello").await;
    assert_eq!(old.delivery().await, deliver(PAIR, 1, "hello"), "it is stored, and not answered");
    stage.hub.logout(&stage.hub.sessions_of(&"ann".parse().unwrap())[0]);
    store.answers.add_permits(2);
    stage.say("bob", PAIR, "not for her").await.unwrap();
    old.hears_nothing().await;
}

/// The switch that the sabotage of the fault run uses: without a fence these tests must fail.
#[tokio::test(start_paused = true)]
async fn without_a_fence_both_live() {
    let stage = Stage::set(Setting { fenced: false, ..Setting::default() }, &["ann", "bob"]).await;
    let _old = stage.login("ann", "phone").await;
    let first = stage.hub.sessions_of(&"ann".parse().unwrap()).remove(0);
    let _new = stage.login("ann", "phone").await;
    assert!(!first.is_ended());
    let sender = Sender { user: "ann".parse().unwrap(), session: Some(first) };
    assert!(stage.delivery.send(sender, draft(PAIR, "late", "late")).await.is_ok());
}
