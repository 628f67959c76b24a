//! What the server still knows of sessions: their terms, when they had to be asked, and how they ended.

use std::time::Duration;

use keepline::Reason;

use crate::stage::*;

#[tokio::test(start_paused = true)]
async fn other_terms_than_the_servers_are_known_as_long_as_the_line_lives() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let mut peer = stage.login("ann", "phone").await;
    let _bob = stage.login("bob", "phone").await;
    let line_of = |user: &str| stage.hub.sessions_of(&user.parse().unwrap()).remove(0).connection().id();
    let past = &stage.hub.environment().past;
    let (ann, bob) = (line_of("ann"), line_of("bob"));
    assert_eq!((past.terms(ann), past.terms(bob)), (None, None), "the server's own");
    let wish = |ping_after_ms| v1::Terms { ping_after_ms, silence_ms: 2 * ping_after_ms };
    for (wished, known) in [(30_000, Some(wish(30_000))), (40_000, Some(wish(40_000))), (0, None)] {
        peer.send(Body::Terms(wish(wished))).await;
        assert!(matches!(peer.next().await, Some(Body::Terms(_))));
        assert_eq!((past.terms(ann), past.terms(bob)), (known, None), "{wished}");
    }
    peer.send(Body::Terms(wish(30_000))).await;
    assert!(matches!(peer.next().await, Some(Body::Terms(_))));
    drop(peer);
    until("the line has ended", || past.terms(ann).is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn when_it_was_asked_and_how_it_ended_is_kept_of_a_session() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let (_deaf, task) = stage.login_with("ann", "phone", 1 << 16).await;
    let _bob = stage.login("bob", "phone").await;
    let session = stage.hub.sessions_of(&"ann".parse().unwrap()).remove(0);
    let past = &stage.hub.environment().past;
    assert_eq!((past.asked(session.id()), past.ends(10, |_| true).len()), (vec![], 0));
    // It reads nothing, and so answers no ping.
    assert_eq!(task.await.unwrap().reason, Reason::Silent);
    assert_eq!(past.asked(session.id()).len(), 1);
    let ends = past.ends(10, |_| true);
    let end = ends.iter().find(|end| end.user.as_str() == "ann").expect("it ended");
    assert_eq!((end.session, end.device.as_str(), end.since_ms), (session.id(), "phone", session.info().since_ms));
    assert_eq!((end.report.reason, end.report.pings_unanswered), (Reason::Silent, 1));
    assert!(end.report.last_in >= Duration::from_secs(60).into(), "{:?}", end.report);
    assert_eq!(past.ends(10, |end| end.user.as_str() == "nobody").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_never_logged_in_is_not_among_them() {
    let stage = Stage::new(&["ann"]).await;
    let (mut peer, task) = stage.connect_with(4096);
    peer.send(hello("nonsense", "phone")).await;
    assert_eq!(task.await.unwrap().reason, Reason::AuthFailed);
    assert_eq!(stage.hub.environment().past.ends(10, |_| true).len(), 0);
}
