//! Revoked: a session ends with the token that it was begun with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keepline::Reason;
use keepline_server::accounts::TokenId;
use keepline_server::clock::{Clock, System};

use crate::stage::*;

async fn ends(peer: &mut Peer) {
    let end = peer.next().await;
    assert!(matches!(&end, Some(Body::Close(close)) if close.reason == "auth_failed"), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_called_back_ends_its_session_and_no_other() {
    let stage = Stage::new(&["ann"]).await;
    let token = stage.token("ann", "phone").await;
    let (mut phone, _task) = stage.connect_with(4096);
    phone.send(hello(&token, "phone")).await;
    assert!(matches!(phone.next().await, Some(Body::Welcome(_))));
    let mut tablet = stage.login("ann", "tablet").await;
    let start = tokio::time::Instant::now();
    stage.accounts.revoke(TokenId::of(&token).unwrap()).await.unwrap();
    ends(&mut phone).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(stage.hub.sessions().len(), 1);
    tablet.hears_nothing().await;
    stage.accounts.revoke_all(&"ann".parse().unwrap()).await.unwrap();
    ends(&mut tablet).await;
    until("nobody is there", || !stage.is_online("ann")).await;
}

/// The token is found good, is called back, and only then the session begins: nobody who looks for its sessions finds
/// one. The session looks itself; where it gets no answer, it does not begin either.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_called_back_as_its_session_begins_lets_nobody_in() {
    for (failing, reason) in [(0, Reason::AuthFailed), (1, Reason::ServerError)] {
        let moody = Moody::new(64);
        let stage = Stage::set(Setting { store: Arc::new(moody.clone()), ..Setting::default() }, &["ann"]).await;
        let token = stage.token("ann", "phone").await;
        let release = moody.hold_lookup();
        let (mut phone, task) = stage.connect_with(4096);
        phone.send(hello(&token, "phone")).await;
        until("the token is looked up", || moody.holds_lookup()).await;
        stage.accounts.revoke(TokenId::of(&token).unwrap()).await.unwrap();
        moody.bad_lookups.store(failing, Ordering::Relaxed);
        drop(release);
        assert!(matches!(phone.next().await, Some(Body::Welcome(_))), "it was good as it was looked up");
        let end = phone.next().await;
        assert!(matches!(&end, Some(Body::Close(close)) if close.reason == reason.name()), "{end:?} for {reason}");
        drop(phone);
        assert_eq!(task.await.unwrap().reason, reason);
        assert!(!stage.is_online("ann"));
    }
}

/// A store that does not answer as a token is called back is asked again.
#[tokio::test(start_paused = true)]
async fn a_session_whose_token_could_not_be_checked_is_looked_at_again() {
    let moody = Moody::new(64);
    let stage = Stage::set(Setting { store: Arc::new(moody.clone()), ..Setting::default() }, &["ann"]).await;
    let token = stage.token("ann", "phone").await;
    let (mut phone, _task) = stage.connect_with(4096);
    phone.send(hello(&token, "phone")).await;
    assert!(matches!(phone.next().await, Some(Body::Welcome(_))));
    let session = stage.hub.sessions_of(&"ann".parse().unwrap()).remove(0);
    until("she is caught up", || session.is_caught_up()).await;
    stage.accounts.revoke(TokenId::of(&token).unwrap()).await.unwrap();
    // Before the watch has a turn: it finds the store in this mood, as it is told by who called it back and by the feed.
    moody.bad_lookups.store(2, Ordering::Relaxed);
    let start = tokio::time::Instant::now();
    ends(&mut phone).await;
    assert_eq!(moody.bad_lookups.load(Ordering::Relaxed), 0, "it was asked, and did not say");
    assert!((1..=10).contains(&start.elapsed().as_secs()), "at the next look: {:?}", start.elapsed());
}

/// A clock of a month ago: what it calls valid is over by the machine's.
struct LastMonth;

impl Clock for LastMonth {
    fn now_ms(&self) -> u64 {
        System.now_ms() - 31 * 24 * 3600 * 1000
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_over_ends_its_session() {
    let setting = Setting { clock: Some(Arc::new(LastMonth)), ..Setting::default() };
    let stage = Stage::set(setting, &["ann"]).await;
    let (mut phone, _task) = stage.connect_with(4096);
    phone.send(hello(&stage.token("ann", "phone").await, "phone")).await;
    assert!(matches!(phone.next().await, Some(Body::Welcome(_))), "by the clock of the accounts it is good");
    ends(&mut phone).await;
}

/// A clock that is set.
#[derive(Default)]
struct Shifted(AtomicU64);

impl Clock for Shifted {
    fn now_ms(&self) -> u64 {
        System.now_ms() - self.0.load(Ordering::Relaxed)
    }
}

/// In real time: a token ends by the machine's clock. The store does not answer for ann's, and bob's ends all the same.
#[tokio::test]
async fn a_store_that_does_not_answer_keeps_no_token_alive_that_is_over() {
    let (moody, clock) = (Moody::new(64), Arc::new(Shifted::default()));
    let setting = Setting { store: Arc::new(moody.clone()), clock: Some(clock.clone()), ..Setting::default() };
    let stage = Stage::set(setting, &["ann", "bob"]).await;
    let issued = stage.accounts.issue(&"ann".parse().unwrap(), PASSWORD, "phone".parse().unwrap()).await.unwrap();
    let (mut phone, _ann) = stage.connect_with(4096);
    phone.send(hello(&issued.text, "phone")).await;
    assert!(matches!(phone.next().await, Some(Body::Welcome(_))));
    let session = stage.hub.sessions_of(&"ann".parse().unwrap()).remove(0);
    eventually("she is caught up", || session.is_caught_up()).await;
    // A token that is made now is good for a second.
    clock.0.store(issued.expires_ms - System.now_ms() - 1000, Ordering::Relaxed);
    let mut other = stage.login("bob", "phone").await;
    stage.accounts.revoke(TokenId::of(&issued.text).unwrap()).await.unwrap();
    // Before the watch has a turn.
    let release = moody.hold_lookup();
    eventually("her token is looked up", || moody.holds_lookup()).await;
    tokio::time::timeout(Duration::from_secs(30), ends(&mut other)).await.expect("his token is over");
    assert!(!session.is_ended(), "nobody has said anything about hers");
    drop(release);
    ends(&mut phone).await;
}

/// A session that its line, a later login or somebody else has ended is on no list.
#[tokio::test(start_paused = true)]
async fn who_has_gone_is_found_by_no_number() {
    let stage = Stage::new(&["ann"]).await;
    let sessions = || stage.hub.sessions().into_iter().map(|session| session.id).collect::<Vec<_>>();
    let phone = stage.login("ann", "phone").await;
    let first = sessions()[0];
    assert!(stage.hub.session(first).is_some());
    let mut again = stage.login("ann", "phone").await;
    let second = sessions()[0];
    assert!(stage.hub.session(first).is_none() && stage.hub.session(second).is_some(), "replaced");
    assert!(!stage.hub.kick(first, Reason::Kicked));
    assert!(stage.hub.kick(second, Reason::Kicked));
    assert!(stage.hub.session(second).is_none(), "kicked");
    assert!(matches!(again.next().await, Some(Body::Close(close)) if close.reason == "kicked"));
    let tablet = stage.login("ann", "tablet").await;
    let third = sessions()[0];
    drop((phone, again, tablet));
    until("its line has ended", || stage.hub.session(third).is_none()).await;
}
