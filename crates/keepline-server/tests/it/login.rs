//! Login: who is let in, on which terms, and until when one may hesitate.

use std::sync::Arc;
use std::time::Duration;

use keepline::Reason;
use keepline_proto::wire::im::v1::hello::Role;

use crate::stage::*;

fn close(reason: Reason) -> Option<Body> {
    let (code, reason) = (reason.code().into(), reason.name().to_owned());
    Some(Body::Close(v1::Close { code, reason, retry_after_ms: 0 }))
}

#[tokio::test(start_paused = true)]
async fn a_welcome_says_what_holds() {
    let stage = Stage::new(&["ann"]).await;
    let (mut peer, _) = stage.connect_with(4096);
    let Body::Hello(hello) = hello(&stage.token("ann", "phone").await, "phone") else { unreachable!() };
    let wish = v1::Terms { ping_after_ms: 1, silence_ms: 40_000 };
    peer.send(Body::Hello(v1::Hello { wish: Some(wish), ..hello })).await;
    let Some(Body::Welcome(welcome)) = peer.next().await else { panic!("no welcome") };
    let session = stage.hub.sessions().remove(0);
    assert_eq!((welcome.session, welcome.user.as_str()), (session.id.get(), "ann"));
    assert_eq!(welcome.epoch, stage.hub.environment().directory.epoch());
    assert_eq!(welcome.terms, Some(v1::Terms { ping_after_ms: 5_000, silence_ms: 40_000 }), "within the limits");
    assert_eq!((welcome.node.as_str(), welcome.durability.as_str()), ("keepline", "memory"));
    peer.send(Body::Terms(v1::Terms { ping_after_ms: 30_000, silence_ms: 0 })).await;
    assert_eq!(peer.next().await, Some(Body::Terms(v1::Terms { ping_after_ms: 30_000, silence_ms: 60_000 })));
}

#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_hears_why() {
    let stage = Stage::new(&["ann"]).await;
    let phone = stage.token("ann", "phone").await;
    let probe = Body::Hello(v1::Hello { role: 7, ..v1::Hello::default() });
    let table = [
        (hello("nonsense", "phone"), Reason::AuthFailed),
        (hello("", "phone"), Reason::AuthFailed),
        (hello(&phone, "tablet"), Reason::AuthFailed),
        (hello(&phone, "no name"), Reason::ProtocolError),
        (probe, Reason::ProtocolError),
    ];
    for (hello, reason) in table {
        let (mut peer, task) = stage.connect_with(4096);
        peer.send(hello.clone()).await;
        assert_eq!(peer.next().await, close(reason), "{hello:?}");
        drop(peer);
        assert_eq!(task.await.unwrap().reason, reason);
        assert!(!stage.is_online("ann"));
    }
    // The token names the device by itself.
    let (mut peer, _task) = stage.connect_with(4096);
    peer.send(hello(&phone, "")).await;
    assert!(matches!(peer.next().await, Some(Body::Welcome(_))));
}

#[tokio::test(start_paused = true)]
async fn cim_flaw_15_who_never_logs_in_is_closed_at_the_deadline_whatever_he_sends() {
    let stage = Stage::new(&["ann"]).await;
    let start = tokio::time::Instant::now();
    let (mut silent, silent_task) = stage.connect_with(4096);
    let (mut slow, slow_task) = stage.connect_with(4096);
    slow.write(b"\x20\x7d").await;
    let (mut probe, probe_task) = stage.connect_with(4096);
    probe.send(Body::Hello(v1::Hello { role: Role::Probe.into(), ..v1::Hello::default() })).await;
    let Some(Body::Welcome(welcome)) = probe.next().await else { panic!("no welcome") };
    assert_eq!((welcome.session, welcome.user.as_str()), (0, ""), "a probe is nobody");
    for _ in 0..9 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        slow.write(b"\x80").await;
        probe.ping().await;
    }
    assert_eq!((silent.next().await, slow.next().await), (None, None), "nothing is said before the dialect is known");
    assert_eq!(probe.next().await, close(Reason::HandshakeTimeout));
    drop((silent, slow, probe));
    for task in [silent_task, slow_task, probe_task] {
        let report = task.await.unwrap();
        assert!(matches!(report.reason, Reason::HandshakeTimeout | Reason::ProtocolError), "{report:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

/// Of a store that does not answer: who knocks and goes leaves nothing behind that waits for it.
#[tokio::test(start_paused = true)]
async fn a_line_that_ends_takes_the_question_about_its_token_with_it() {
    let moody = Moody::new(64);
    let stage = Stage::set(Setting { store: Arc::new(moody.clone()), ..Setting::default() }, &["ann"]).await;
    let token = stage.token("ann", "phone").await;
    let release = moody.hold_lookup();
    let (mut peer, task) = stage.connect_with(4096);
    peer.send(hello(&token, "phone")).await;
    until("the token is looked up", || moody.holds_lookup()).await;
    assert_eq!(peer.next().await, close(Reason::HandshakeTimeout));
    drop(peer);
    assert_eq!(task.await.unwrap().reason, Reason::HandshakeTimeout);
    until("nobody waits for the answer", || release.is_closed()).await;
}

#[tokio::test(start_paused = true)]
async fn presence_follows_an_eviction_at_once() {
    let stage = Stage::new(&["ann"]).await;
    let (peer, task) = stage.login_with("ann", "phone", 4096).await;
    let start = tokio::time::Instant::now();
    assert!(stage.is_online("ann"));
    let report = task.await.unwrap();
    assert_eq!(report.reason, Reason::Silent);
    assert!((60..62).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(!stage.is_online("ann") && stage.hub.sessions().is_empty());
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn frames_that_only_a_server_sends_end_the_line_and_unknown_ones_are_skipped() {
    let stage = Stage::new(&["ann"]).await;
    let mut peer = stage.login("ann", "phone").await;
    // Field 100, bytes.
    peer.write(b"\x04\xa2\x06\x01x").await;
    assert_eq!(peer.say_and_hear("p.ann.ann", "note").await, 1);
    peer.send(Body::Gap(v1::Gap::default())).await;
    let ends = async {
        loop {
            match peer.next().await {
                Some(Body::Deliver(_)) => {}
                end => return end,
            }
        }
    };
    assert_eq!(ends.await, close(Reason::ProtocolError));
}
