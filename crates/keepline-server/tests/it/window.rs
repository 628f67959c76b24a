//! Window: what a session may hold unacknowledged, and how it goes on from there; holes, other epochs, bad stores.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use keepline::Reason;
use keepline_proto::wire::im::{Im, framed};
use keepline_server::delivery::Sender;

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
    for i in 1..=192 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.hears_nothing().await;
    let session = stage.hub.sessions_of(&"bob".parse().unwrap()).remove(0);
    assert!(session.connection().queued().messages == 0 && !session.is_caught_up());
    bob.ack(PAIR, 100).await;
    for i in 193..=292 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.hears_nothing().await;
    bob.ack(PAIR, 292).await;
    for i in 293..=484 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.ack(PAIR, 408).await;
    for i in 485..=600 {
        assert_eq!(bob.delivery().await.1, i);
    }
    bob.ack(PAIR, 600).await;
    until("he is caught up", || session.is_caught_up()).await;
}

/// The window is 896 KiB too, whatever the conversations; the message that fills it may go over.
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
    for _ in 0..15 {
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

/// Whatever waits for one who does not read, messages, answers and what it asked for by the way: it is 256 messages and
/// 1 MiB at the most, and its age is what ends it. Nobody who reads is closed for asking much at once.
#[tokio::test(start_paused = true)]
async fn what_waits_for_one_client_is_256_messages_and_a_mebibyte_with_everything() {
    // Behind 64 KiB that wait nothing is read, and so nothing answered.
    for (bytes, answers) in [(10, 64), (5_000, 0), (60_000, 0)] {
        let stage = Stage::new(&["ann", "bob"]).await;
        let (mut bob, task) = stage.login_with("bob", "phone", 256).await;
        let session = stage.hub.sessions_of(&"bob".parse().unwrap()).remove(0);
        until("he is caught up", || session.is_caught_up()).await;
        let text = "x".repeat(bytes);
        let say = |i: u64| {
            let sender = Sender { user: "ann".parse().unwrap(), session: None };
            stage.delivery.send(sender, draft(PAIR, &format!("m{i}"), &text))
        };
        // Stored by the call, in memory: bursts that are pushed in one piece.
        let said: Vec<_> = (0..300).map(say).collect();
        for said in said {
            said.await.unwrap();
        }
        stage.told(PAIR, 300).await;
        let window = session.connection().queued();
        let least = if bytes == 10 { 192 } else { 14 };
        assert!((least..=192).contains(&window.messages) && window.bytes <= (896 + 64) << 10, "{window:?}");
        for i in 0..answers {
            bob.say("p.bob.bob", &format!("note {i}")).await;
        }
        let waiting = || session.connection().queued().messages;
        until("the answers wait too", || waiting() == window.messages + answers).await;
        let queued = session.connection().queued();
        assert!(queued.messages <= 256 && queued.bytes <= 1 << 20, "{queued:?}");
        assert!(!session.is_ended(), "{bytes}: not for what was sent at once");
        assert_eq!(task.await.unwrap().reason, Reason::SlowConsumer);
    }
}

/// A client that lost its database comes back with much behind it, and asks in the middle of the first window: it has
/// not taken that when the same comes again.
#[tokio::test(start_paused = true)]
async fn going_back_behind_a_window_that_still_waits_closes_nobody() {
    let stage = Stage::new(&["ann", "bob"]).await;
    for i in 1..=300 {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    let mut bob = stage.login_with("bob", "phone", 256).await.0;
    let session = stage.hub.sessions_of(&"bob".parse().unwrap()).remove(0);
    let epoch = stage.hub.environment().directory.epoch();
    until("a window waits", || session.connection().queued().messages > 150).await;
    let (mut resets, mut last) = (0, 0);
    for round in 1..=5 {
        for _ in 0..20 {
            bob.send(Body::Resume(v1::Resume { conversation: PAIR.to_owned(), epoch: epoch + 1, seq: 3 })).await;
        }
        while resets < 20 * round {
            match bob.next().await {
                Some(Body::Reset(_)) => (resets, last) = (resets + 1, 0),
                Some(Body::Deliver(deliver)) => {
                    assert_eq!(deliver.seq, last + 1, "after {resets} resets");
                    last = deliver.seq;
                }
                other => panic!("{other:?} after {resets} resets"),
            }
        }
    }
    for i in last + 1..=300 {
        assert_eq!(bob.delivery().await.1, i);
        bob.ack(PAIR, i).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_much_at_once_and_reads_is_answered() {
    let stage = Stage::new(&["ann"]).await;
    let mut ann = stage.login("ann", "phone").await;
    let mut questions = Vec::new();
    for _ in 0..300 {
        let question = v1::Frame { magic: 0, body: Some(Body::Terms(v1::Terms::default())) };
        questions.extend_from_slice(&framed(&question, Im::AFTER_LOGIN).unwrap());
    }
    ann.write(&questions).await;
    for i in 0..300 {
        let answer = ann.next().await;
        assert!(matches!(answer, Some(Body::Terms(_))), "{answer:?} after {i}");
    }
}

/// Many conversations of which nothing is left: each takes a place in the window until it is acknowledged.
#[tokio::test(start_paused = true)]
async fn what_is_gone_of_many_conversations_keeps_to_the_window() {
    const GROUPS: usize = 300;
    let stage = Stage::new(&["ann", "bob"]).await;
    for i in 0..GROUPS {
        let group = format!("g{i}");
        stage.group(&group, &["ann", "bob"]).await;
        let conversation = format!("g.{group}");
        stage.say("ann", &conversation, &format!("m{i}")).await.unwrap();
        stage.told(&conversation, 1).await;
        stage.store.trim(&stage.log(&conversation), 1).await.unwrap();
    }
    let mut bob = stage.login("bob", "phone").await;
    let mut told: Vec<String> = Vec::new();
    while told.len() < GROUPS {
        if told.len() == 192 {
            bob.hears_nothing().await;
            for conversation in &told {
                bob.ack(conversation, 1).await;
            }
        }
        match bob.next().await {
            Some(Body::Gap(gap)) => told.push(gap.conversation),
            other => panic!("{other:?} after {}", told.len()),
        }
    }
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
