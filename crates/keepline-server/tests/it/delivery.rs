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
