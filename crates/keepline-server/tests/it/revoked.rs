//! Revoked: a session ends with the token that it was begun with.

use std::sync::Arc;
use std::time::Duration;

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
