//! Window: what a session may hold unacknowledged, and how it goes on from there; holes, other epochs, bad stores.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::stage::*;

const PAIR: &str = "p.ann.bob";

/// B7: a client that reads and never acknowledges gets a window full, and everything else stays in the log.
#[tokio::test(start_paused = true)]
async fn a_window_full_goes_out_and_the_rest_as_it_is_acknowledged() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let mut bob = stage.login("bob", "phone").await;
    for i in 1..=600 {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    for i in 1..=256 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.hears_nothing().await;
    let session = stage.hub.sessions_of(&"bob".parse().unwrap()).remove(0);
    assert!(session.connection().queued().messages == 0 && !session.is_caught_up());
    bob.ack(PAIR, 100).await;
    for i in 257..=356 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.hears_nothing().await;
    bob.ack(PAIR, 356).await;
    for i in 357..=600 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.ack(PAIR, 600).await;
    until("he is caught up", || session.is_caught_up()).await;
}

/// The window is one MiB too, whatever the conversations; the message that fills it may go over.
#[tokio::test(start_paused = true)]
async fn large_messages_fill_the_window_by_their_bytes() {
    let stage = Stage::new(&["ann", "bob", "carl"]).await;
    let large = "x".repeat(60 << 10);
    for i in 0..20 {
        for conversation in ["p.bob.carl", PAIR] {
            stage.say_as("bob", conversation, &format!("{conversation}{i}"), &large).await.unwrap();
        }
    }
    let mut bob = stage.login_with("bob", "phone", 4 << 20).await.0;
    let mut last = std::collections::BTreeMap::new();
    for _ in 0..17 {
        let (conversation, seq, text) = bob.delivery().await;
        assert_eq!(text.len(), large.len());
        last.insert(conversation, seq);
    }
    bob.hears_nothing().await;
    assert!(last.values().all(|seq| *seq > 0) && last.len() == 2, "the conversations take turns: {last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_keeps_its_own_account_goes_on_behind_it() {
    let stage = Stage::new(&["ann", "bob"]).await;
    for i in 1..=6 {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    let epoch = stage.hub.environment().directory.epoch();
    let resume = |epoch, seq| Body::Resume(v1::Resume { conversation: PAIR.to_owned(), epoch, seq });
    let mut bob = stage.login("bob", "phone").await;
    for i in 1..=6 {
        assert_eq!(bob.delivery().await.1, i);
    }
    // On its way already: nothing comes twice.
    bob.send(resume(epoch, 4)).await;
    bob.hears_nothing().await;
    assert_eq!(stage.marks("bob", "phone").await, [(format!("m.{PAIR}"), 4)]);
    // Back, as after the restore of its database.
    bob.send(resume(epoch, 2)).await;
    for i in 3..=6 {
        assert_eq!(bob.delivery().await.1, i);
    }
    // Of another epoch, and ahead of everything: what it is told then is where it goes on.
    for (epoch, seq) in [(epoch + 1, 3), (epoch, 7)] {
        bob.send(resume(epoch, seq)).await;
        let reset =
            v1::Reset { conversation: PAIR.to_owned(), epoch: stage.hub.environment().directory.epoch(), seq: 2 };
        assert_eq!(bob.next().await, Some(Body::Reset(reset)));
        for i in 3..=6 {
            assert_eq!(bob.delivery().await.1, i);
        }
    }
    bob.send(resume(epoch, 6)).await;
    until("he is caught up", || stage.is_quiet()).await;
    stage.say("ann", PAIR, "m7").await.unwrap();
    assert_eq!(bob.delivery().await.1, 7);
}

/// What was pushed and its acknowledgement cross a resume on the way: the acknowledgement is of an account that is no
/// more, and ends nothing.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_crosses_a_resume_ends_nothing() {
    let stage = Stage::new(&["ann", "bob", "carl"]).await;
    let epoch = stage.hub.environment().directory.epoch();
    // Another epoch; and a number behind what was acknowledged.
    for (user, conversation, epoch) in [("bob", PAIR, epoch + 1), ("carl", "p.ann.carl", epoch)] {
        for i in 1..=3 {
            stage.say("ann", conversation, &format!("{conversation}{i}")).await.unwrap();
        }
        let mut peer = stage.login(user, "phone").await;
        for i in 1..=3 {
            assert_eq!(peer.delivery().await.1, i);
        }
        peer.ack(conversation, 1).await;
        peer.send(Body::Resume(v1::Resume { conversation: conversation.to_owned(), epoch, seq: 0 })).await;
        peer.ack(conversation, 3).await;
        let mut last = 0;
        while last < 3 {
            match peer.next().await {
                Some(Body::Reset(reset)) => last = reset.seq,
                Some(Body::Deliver(deliver)) => {
                    assert_eq!(deliver.seq, last + 1, "{user}: it comes again");
                    last = deliver.seq;
                }
                other => panic!("{user}: {other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_announced() {
    let stage = Stage::new(&["ann", "bob"]).await;
    for i in 1..=9 {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    let gap = |from, to| Some(Body::Gap(v1::Gap { conversation: PAIR.to_owned(), from, to }));
    stage.store.trim(&stage.log(PAIR), 4).await.unwrap();
    let mut bob = stage.login("bob", "phone").await;
    assert_eq!(bob.next().await, gap(1, 4));
    for i in 5..=9 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.ack(PAIR, 6).await;
    until("it is noted", || stage.hub.sessions_of(&"bob".parse().unwrap()).len() == 1).await;
    drop(bob);
    until("bob is gone", || !stage.is_online("bob")).await;
    stage.store.trim(&stage.log(PAIR), 9).await.unwrap();
    let mut bob = stage.login("bob", "phone").await;
    assert_eq!(bob.next().await, gap(7, 9), "nothing is left to read, and he is told");
    bob.ack(PAIR, 9).await;
    stage.say("ann", PAIR, "m10").await.unwrap();
    assert_eq!(bob.delivery().await.1, 10);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_can_not_be_acknowledged() {
    let stage = Stage::new(&["ann", "bob", "eve"]).await;
    stage.group("team", &["ann"]).await;
    stage.say("ann", "g.team", "secret").await.unwrap();
    stage.say("ann", PAIR, "hello").await.unwrap();
    for (user, conversation, seq, ends) in
        [("bob", PAIR, 2, true), ("bob", "all", 1, true), ("bob", "no.thing", 1, true), ("eve", "g.team", 1, false)]
    {
        let (mut peer, _task) = stage.login_with(user, "tablet", 4096).await;
        peer.ack(conversation, seq).await;
        let end = async {
            loop {
                match peer.next().await {
                    Some(Body::Deliver(_)) => {}
                    end => return end,
                }
            }
        };
        let end = tokio::time::timeout(std::time::Duration::from_secs(5), end).await;
        let closed = matches!(end, Ok(Some(Body::Close(close))) if close.reason == "protocol_error");
        assert_eq!(closed, ends, "{user} in {conversation}");
        assert_eq!(stage.marks(user, "tablet").await, [], "{user} in {conversation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_says_too_much_at_once_costs_nothing_but_a_look_at_the_logs() {
    let store = Moody::new(8);
    let stage = Stage::set(Setting { store: Arc::new(store), ..Setting::default() }, &["ann", "bob"]).await;
    let mut bob = stage.login("bob", "phone").await;
    stage.say("ann", PAIR, "m1").await.unwrap();
    assert_eq!(bob.delivery().await.1, 1);
    // Nobody else has a turn meanwhile: the feed drops most of these.
    for i in 2..=50 {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    for i in 2..=50 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.ack(PAIR, 50).await;
    until("he is caught up", || stage.is_quiet()).await;
    // What it drops is of a conversation in which nothing more is said.
    stage.say("ann", PAIR, "the last").await.unwrap();
    for i in 1..=50 {
        stage.say("ann", "p.ann.ann", &format!("note {i}")).await.unwrap();
    }
    assert_eq!(bob.delivery().await, deliver(PAIR, 51, "the last"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_can_not_be_read_delays_and_skips_nothing() {
    let store = Moody::new(64);
    let stage = Stage::set(Setting { store: Arc::new(store.clone()), ..Setting::default() }, &["ann", "bob"]).await;
    for i in 1..=5 {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    store.bad_reads.store(5, Ordering::Relaxed);
    let mut bob = stage.login("bob", "phone").await;
    for i in 1..=5 {
        assert_eq!(bob.delivery().await.1, i);
    }
    store.deaf.store(true, Ordering::Relaxed);
    stage.say("ann", PAIR, "m6").await.unwrap();
    store.deaf.store(false, Ordering::Relaxed);
    store.bad_reads.store(5, Ordering::Relaxed);
    let start = tokio::time::Instant::now();
    stage.say("ann", PAIR, "m7").await.unwrap();
    for i in 6..=7 {
        assert_eq!(bob.delivery().await.1, i);
    }
    assert!((600..700).contains(&start.elapsed().as_millis()), "20 ms, doubled five times: {:?}", start.elapsed());
    // Marks that stay unreadable end the line, so that the client comes back by its own back-off.
    store.bad_reads.store(100, Ordering::Relaxed);
    let (mut bob, task) = stage.login_with("bob", "phone", 4096).await;
    assert!(matches!(bob.next().await, Some(Body::Close(close)) if close.reason == "server_error"));
    drop(bob);
    let _ = task.await.unwrap();
    until("he is gone", || !stage.is_online("bob")).await;
}
