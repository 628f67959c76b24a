//! Lines whose handler is called because another task asked for it.

use std::sync::Arc;

use keepline::liveness::Heartbeat;
use keepline::wire::echo::Frame;
use keepline::{Flow, Reason};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn all_that_ask_before_the_turn_are_one_call() {
    let (_peer, line) = line(Witness::mirror(), unwatched(), 64);
    let other = line.connection.clone();
    for round in 1..=3 {
        line.connection.wake();
        line.connection.wake();
        other.wake();
        tokio::time::sleep(millis(1).to_std()).await;
        assert_eq!(line.seen.of("wake").len(), round);
    }
    assert_eq!(line.seen.all()[..2], ["open", "wake"], "the first asked before the line had opened");
    tokio::time::sleep(secs(60).to_std()).await;
    assert_eq!(line.seen.of("wake").len(), 3, "no call that nobody asked for");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_leaves_before_what_the_call_says() {
    let witness = Witness::woken(|turn| turn.reply(Frame::data(b"woken")));
    let (mut peer, line) = line(witness, unwatched(), 16);
    for _ in 0..3 {
        line.connection.send(frame(&[1; 95]).into()).unwrap();
        line.connection.wake();
        assert_eq!(peer.receive(110).await, [frame(&[1; 95]), frame(b"woken")].concat());
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_wakes_its_own_line_is_called_again() {
    let mut left = 3;
    let witness = Witness::woken(move |turn| {
        left -= 1;
        if left > 0 {
            turn.connection().wake();
        }
        turn.reply(Frame::data(b"again"))
    });
    let (mut peer, line) = line(witness, unwatched(), 64);
    line.connection.wake();
    for _ in 0..3 {
        assert_eq!(peer.receive(10).await, frame(b"again"));
    }
    assert_eq!(line.seen.of("wake").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_paused_line_is_called_and_the_answer_is_obeyed() {
    let mut witness = Witness::woken(|_| Flow::Close(Reason::Kicked));
    witness.on_open = Flow::Pause;
    let (mut peer, line) = line(witness, watched(), 64);
    tokio::time::sleep(secs(60).to_std()).await;
    line.connection.wake();
    assert_eq!(peer.rest().await, b"");
    drop(peer);
    let seen = line.seen.clone();
    assert_eq!(line.end().await.0.reason, Reason::Kicked);
    assert_eq!(seen.all(), ["open", "wake", "close kicked"]);
}

#[tokio::test(start_paused = true)]
async fn new_terms_can_be_brought_to_a_line_from_outside() {
    let terms = Arc::new(Heartbeat::watch(secs(3)).unwrap());
    let witness = Witness::woken(move |turn| {
        turn.set_terms(Arc::clone(&terms));
        Flow::Continue
    });
    let (_peer, line) = line(witness, unwatched(), 64);
    tokio::time::sleep(secs(60).to_std()).await;
    line.connection.wake();
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::Silent);
    assert!(is_on_time(took, secs(63)), "after {took}");
}

#[tokio::test(start_paused = true)]
async fn the_call_comes_before_a_close_of_the_same_moment_and_never_after_it() {
    for wake_first in [true, false] {
        let witness = Witness::woken(|turn| turn.reply(Frame::data(b"last")));
        let (mut peer, line) = line(witness, unwatched(), 64);
        if wake_first {
            line.connection.wake();
        }
        line.connection.close(Reason::Kicked);
        if wake_first {
            assert_eq!(peer.rest().await, frame(b"last"));
        } else {
            assert_eq!(peer.rest().await, b"");
            assert!(!line.connection.is_ended(), "it waits for the peer's end");
            line.connection.wake();
            tokio::time::sleep(millis(1).to_std()).await;
        }
        drop(peer);
        let (seen, connection) = (line.seen.clone(), line.connection.clone());
        assert_eq!(line.end().await.0.reason, Reason::Kicked);
        connection.wake();
        assert_eq!(seen.of("wake").len(), usize::from(wake_first));
    }
}
