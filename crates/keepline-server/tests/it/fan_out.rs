//! Fan-out: one message to many, where some are slow.

use keepline::Reason;

use crate::stage::*;

/// C7: members who do not read hold at most a window, are closed for their age, and cost the others nothing.
#[tokio::test(start_paused = true)]
async fn a_slow_member_is_closed_and_gets_everything_on_return() {
    let names: Vec<String> = (0..20).map(|i| format!("u{i}")).collect();
    let users: Vec<&str> = names.iter().map(String::as_str).collect();
    let stage = Stage::new(&users).await;
    stage.group("team", &users).await;
    // Room for a few messages, and nobody who takes them.
    let (slow, slow_task) = stage.login_with("u0", "phone", 256).await;
    let mut others = Vec::new();
    for user in &users[1..] {
        others.push(stage.login(user, "phone").await);
    }
    let start = tokio::time::Instant::now();
    let text = "x".repeat(1000);
    for i in 1..=400_u64 {
        let at = tokio::time::Instant::now();
        stage.say_as("u1", "g.team", &format!("m{i}"), &text).await.unwrap();
        for other in &mut others {
            assert_eq!(other.delivery().await.1, i);
            other.ack("g.team", i).await;
        }
        assert_eq!(at.elapsed().as_millis(), 0, "nobody waits for the slow one");
        if i == 300 {
            let session = stage.hub.sessions_of(&"u0".parse().unwrap()).remove(0);
            let queued = session.connection().queued();
            assert!(queued.messages <= 256 && queued.bytes <= 1 << 20, "{queued:?}");
        }
    }
    assert_eq!(slow_task.await.unwrap().reason, Reason::SlowConsumer);
    assert!((30..32).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(!stage.is_online("u0"));
    drop(slow);
    let mut back = stage.login("u0", "phone").await;
    for i in 1..=400 {
        assert_eq!(back.delivery().await.1, i);
        back.ack("g.team", i).await;
    }
}

/// A peer that takes what it is sent is not slow, however much comes at once: a full window, and its own answers.
#[tokio::test(start_paused = true)]
async fn a_burst_is_not_slowness() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let mut bob = stage.login("bob", "phone").await;
    for i in 0..64 {
        bob.say("p.ann.bob", &format!("b{i}")).await;
    }
    for i in 0..400 {
        stage.say("ann", "all", &format!("a{i}")).await.unwrap();
    }
    let (mut answers, mut deliveries) = (0, 0);
    while answers < 64 || deliveries < 464 {
        match bob.next().await {
            Some(Body::SendAck(_)) => answers += 1,
            Some(Body::Deliver(it)) => {
                deliveries += 1;
                bob.ack(&it.conversation, it.seq).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_message_fits_its_frame_and_a_larger_one_is_refused() {
    let name = |letter: &str| letter.repeat(64);
    let (one, other) = (name("a"), name("b"));
    let stage = Stage::new(&[&one, &other]).await;
    let conversation = format!("p.{one}.{other}");
    let mut peer = stage.login_with(&other, "phone", 1 << 20).await.0;
    let text = "x".repeat(keepline_server::message::LARGEST_BODY);
    stage.say_as(&one, &conversation, "m1", &text).await.unwrap();
    assert_eq!(peer.delivery().await.2.len(), text.len());
    let refused = stage.say_as(&one, &conversation, "m2", &format!("{text}x")).await.unwrap_err();
    assert_eq!(refused.code(), "too_large");
}
