//! Delivery: a message on its way from one user to another, there or away.

use crate::stage::*;

const PAIR: &str = "p.ann.bob";

#[tokio::test(start_paused = true)]
async fn a_message_is_acknowledged_delivered_and_acknowledged_again() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let mut ann = stage.login("ann", "phone").await;
    let mut bob = stage.login("bob", "phone").await;
    ann.say(PAIR, "hello").await;
    // Her own device hears it too; the acknowledgement may come before or after.
    let mut heard = Vec::new();
    for _ in 0..2 {
        heard.push(ann.next().await.unwrap());
    }
    let acked = heard.iter().any(|body| matches!(body, Body::SendAck(ack) if ack.seq == 1 && !ack.duplicate));
    let delivered = heard.iter().any(|body| matches!(body, Body::Deliver(it) if it.seq == 1 && it.sender == "ann"));
    assert!(acked && delivered, "{heard:?}");
    assert_eq!(bob.delivery().await, deliver(PAIR, 1, "hello"));
    bob.ack(PAIR, 1).await;
    ann.ack(PAIR, 1).await;
    until("both caught up", || stage.is_quiet()).await;
    assert_eq!(stage.marks("bob", "phone").await, [(format!("m.{PAIR}"), 1)]);
    bob.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn who_was_away_catches_up_once_and_in_order() {
    let stage = Stage::new(&["ann", "bob"]).await;
    for i in 1..=300 {
        assert_eq!(stage.say("ann", PAIR, &format!("m{i}")).await.unwrap().seq, i);
    }
    let mut bob = stage.login("bob", "phone").await;
    for i in 1..=300 {
        assert_eq!(bob.delivery().await, deliver(PAIR, i, &format!("m{i}")));
        bob.ack(PAIR, i).await;
    }
    drop(bob);
    until("bob is gone", || !stage.is_online("bob")).await;
    stage.say("ann", PAIR, "late").await.unwrap();
    let mut bob = stage.login("bob", "phone").await;
    assert_eq!(bob.delivery().await, deliver(PAIR, 301, "late"));
    // Another device of his has an account of its own.
    let mut tablet = stage.login("bob", "tablet").await;
    assert_eq!(tablet.delivery().await, deliver(PAIR, 1, "m1"));
}

/// What a refusal is called, and whether to try again, on the line.
#[tokio::test(start_paused = true)]
async fn what_is_not_stored_is_refused_by_its_code() {
    let stage = Stage::new(&["ann", "bob", "eve"]).await;
    stage.group("team", &["bob"]).await;
    let mut ann = stage.login_with("ann", "phone", 1 << 20).await.0;
    let id = |byte| bytes::Bytes::from(vec![byte; 16]);
    let send = |conversation: &str, message_id: bytes::Bytes, kind, body: &[u8]| {
        let (conversation, body) = (conversation.to_owned(), bytes::Bytes::copy_from_slice(body));
        Body::Send(v1::Send { conversation, message_id, kind, body })
    };
    assert_eq!(ann.say_and_hear(PAIR, "hello").await, 1);
    let used = bytes::Bytes::copy_from_slice(&crate::stage::id("hello").to_bytes());
    let table = [
        (send("g.team", id(1), 0, b"x"), "not_member"),
        (send("p.bob.eve", id(1), 0, b"x"), "not_member"),
        (send("p.ann.nobody", id(1), 0, b"x"), "unknown_conversation"),
        (send("g.nothing", id(1), 0, b"x"), "unknown_conversation"),
        (send("p.bob.ann", id(1), 0, b"x"), "unknown_conversation"),
        (send(PAIR, id(1), 0, &vec![b'x'; (60 << 10) + 1]), "too_large"),
        (send(PAIR, id(1), 0, b"\xff"), "not_text"),
        (send(PAIR, bytes::Bytes::from_static(b"short"), 0, b"x"), "bad_message_id"),
        (send(PAIR, used.clone(), 0, b"another"), "id_reused"),
        (send(PAIR, used, 1, b"hello"), "id_reused"),
    ];
    for (send, code) in table {
        ann.send(send.clone()).await;
        let refused = loop {
            match ann.next().await {
                Some(Body::SendRefused(refused)) => break refused,
                Some(Body::Deliver(_)) => {}
                other => panic!("{other:?} instead of {code}"),
            }
        };
        assert_eq!((refused.code.as_str(), refused.retry), (code, false), "{send:?}");
    }
    assert_eq!(stage.store.head(&stage.log(PAIR)).await.unwrap().seq, 1, "nothing else was stored");
}

/// The store's word, that it does not know, is asked again with the same number; the sender hears one answer.
#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_asked_again_and_told_as_such_in_the_end() {
    let store = Moody::new(64);
    let stage =
        Stage::set(Setting { store: std::sync::Arc::new(store.clone()), ..Setting::default() }, &["ann", "bob"]).await;
    store.unknown.store(3, std::sync::atomic::Ordering::Relaxed);
    let receipt = stage.say("ann", PAIR, "one").await.unwrap();
    assert_eq!((receipt.seq, receipt.duplicate), (1, true), "stored by the first try");
    store.unknown.store(100, std::sync::atomic::Ordering::Relaxed);
    let error = stage.say("ann", PAIR, "two").await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable(), error.is_unknown()), ("unknown_outcome", true, true));
}

/// A client that sends too fast is read later; nothing is refused, and the order stays.
#[tokio::test(start_paused = true)]
async fn who_sends_too_fast_is_slowed_down_in_order() {
    let setting = Setting { lines: keepline_server::line::LineSettings::default(), ..Setting::default() };
    let stage = Stage::set(setting, &["ann", "bob"]).await;
    let (mut ann, mut bob) = (stage.login("ann", "phone").await, stage.login("bob", "phone").await);
    let start = tokio::time::Instant::now();
    for i in 1..=140 {
        ann.say(PAIR, &format!("m{i}")).await;
    }
    for i in 1..=140 {
        assert_eq!(bob.delivery().await, deliver(PAIR, i, &format!("m{i}")));
        bob.ack(PAIR, i).await;
    }
    let took = start.elapsed().as_millis();
    assert!((1_900..2_500).contains(&took), "100 at once, and 40 at 20 a second: {took} ms");
}
