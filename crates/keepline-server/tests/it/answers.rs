//! Answers: row B6: how many of them one line is owed, and how many wait for a client who does not read.

use std::sync::Arc;
use std::time::Duration;

use keepline::Reason;

use crate::stage::*;

const PAIR: &str = "p.ann.bob";
/// As many are owed to one line.
const OWED: u64 = 64;
/// As many wait for one client.
const WAITING: usize = 256;

/// A store that does not answer: what is read of a client's sends ends with the answers that he is owed, and each that
/// goes out has one more read.
#[tokio::test(start_paused = true)]
async fn b6_a_line_is_read_no_further_than_the_answers_it_is_owed() {
    let moody = Moody::new(1024);
    let stage = Stage::set(Setting { store: Arc::new(moody.clone()), ..Setting::default() }, &["ann", "bob"]).await;
    let mut ann = stage.login("ann", "phone").await;
    let stored = async || stage.store.head(&stage.log(PAIR)).await.unwrap().seq;
    moody.hold_answers();
    for i in 1..=100 {
        ann.say(PAIR, &format!("m{i}")).await;
    }
    let mut answered = 0;
    for more in [0, 1, 20] {
        moody.answers.add_permits(more);
        for _ in 0..more {
            // Beside what was stored, which she is told too.
            while !matches!(ann.next().await, Some(Body::SendAck(_))) {}
        }
        answered += more as u64;
        until("what may be read is read", || {
            stage.hub.environment().directory.head(&PAIR.parse().unwrap()) >= OWED + answered
        })
        .await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(stored().await, OWED + answered, "of 100, with {answered} answered");
    }
}

/// Refusals are answers, and who does not read them has no more waiting than anybody: then his line ends.
#[tokio::test(start_paused = true)]
async fn b6_refusals_that_nobody_reads_are_bounded_and_end_their_line() {
    let stage = Stage::new(&["ann"]).await;
    let (mut ann, line) = stage.login_with("ann", "phone", 1024).await;
    let session = stage.hub.sessions_of(&"ann".parse().unwrap()).remove(0);
    let mut most = 0;
    for i in 0..10 * WAITING {
        ann.say("g.none", &format!("m{i}")).await;
        most = most.max(session.connection().queued().messages);
        if line.is_finished() {
            break;
        }
    }
    assert!((WAITING / 2..=WAITING).contains(&most), "{most} refusals waited");
    assert_eq!(line.await.unwrap().reason, Reason::SlowConsumer);
}
