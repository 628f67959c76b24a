//! A client and a peer that falls silent: found without any call, at the pong's deadline.

use std::time::Duration as StdDuration;

use keepline::client::{Event, Verdict};
use keepline::{Beat, Reason};
use tokio::time::{Instant, timeout};

use crate::client_net::{Marked, marked, options, read_frame, up, write_frame};

/// One slot of the wheel, and one for the slot that the ping was late by.
const LATE: StdDuration = StdDuration::from_millis(201);

#[tokio::test(start_paused = true)]
async fn a_black_hole_is_found_at_the_pong_deadline_and_left_for_a_new_socket() {
    let (client, mut events, mut net, mut dead) = marked(options(&["a"])).await;
    let start = Instant::now();
    let outcomes = [client.send(b"one".to_vec()), client.send(b"two".to_vec())];
    // From here on nothing is called: the events come by themselves.
    let mut seen = Vec::new();
    let report = loop {
        match events.next().await.unwrap() {
            Event::Down { report, next_try } => {
                assert!(next_try.is_some());
                break report;
            }
            event => seen.push(event),
        }
    };
    assert!(matches!(seen[..], [Event::Beat(Beat::PingSent), Event::Suspect]), "{seen:?}");
    let limit = StdDuration::from_secs(10);
    assert!((limit..=limit + LATE).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!((report.reason, report.pings_unanswered), (Reason::Silent, 1));
    for outcome in outcomes {
        let verdict = timeout(StdDuration::ZERO, outcome).await.expect("the verdict is there at once");
        assert_eq!(verdict, Verdict::MaybeSent(Reason::Silent));
    }
    // The old peer is still there to be written to; the new line is another socket.
    up(&mut events).await;
    let mut fresh = net.peer().await;
    let answer = client.send(b"three".to_vec());
    assert_eq!(read_frame(&mut fresh).await, Some((3, b"three".to_vec())));
    write_frame(&mut fresh, Marked::ANSWER, b"3").await;
    assert_eq!(answer.await, Verdict::Answered(b"3".to_vec()));
    assert_eq!(net.attempts().len(), 2);
    let mut last = None;
    while let Some(frame) = read_frame(&mut dead).await {
        last = Some(frame.0);
    }
    assert_eq!(last, Some(1), "the ping was the last that the old line wrote");
}

#[tokio::test(start_paused = true)]
async fn a_late_pong_takes_the_suspicion_back() {
    let (_client, mut events, _net, mut peer) = marked(options(&["a"])).await;
    assert_eq!(read_frame(&mut peer).await, Some((1, Vec::new())));
    tokio::time::sleep(StdDuration::from_secs(4)).await;
    write_frame(&mut peer, 2, b"").await;
    let expected = ["PingSent", "Suspect", "PongReceived", "PingSent"];
    for expected in expected {
        let event = format!("{:?}", events.next().await.unwrap());
        assert!(event.contains(expected), "{event} instead of {expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_announced_is_no_silence() {
    let (_client, mut events, _net, peer) = marked(options(&["a"])).await;
    let start = Instant::now();
    drop(peer);
    let Some(Event::Down { report, .. }) = events.next().await else { panic!("no end") };
    assert_eq!((report.reason, start.elapsed()), (Reason::PeerClosed, StdDuration::ZERO));
}
