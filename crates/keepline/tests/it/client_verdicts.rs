//! The verdicts on a client's messages: exact to the byte, and there as soon as they are known.

use std::time::Duration as StdDuration;

use keepline::client::{Client, EchoProtocol, NotSent, Outcome, Verdict};
use keepline::wire::WireError;
use keepline::{OutboxLimits, Reason};
use tokio::time::timeout;

use crate::client_net::{Fate, Marked, ROOM, marked, net, options, read_frame, settle, until, up, write_frame};
use keepline::client::Event;

/// The verdict, which must be there already.
async fn at_once<A: Unpin>(outcome: Outcome<A>) -> Verdict<A> {
    timeout(StdDuration::ZERO, outcome).await.expect("the verdict is there at once")
}

#[tokio::test(start_paused = true)]
async fn a_thousand_in_flight_know_what_became_of_them_when_the_line_ends() {
    const FRAME: usize = 9;
    const MESSAGES: usize = 1000;
    // Bytes that the socket takes, and how many messages the peer answers before it goes.
    for (room, answered) in
        [(1, 0), (FRAME - 1, 0), (FRAME, 0), (FRAME + 1, 0), (500 * FRAME, 0), (ROOM, 0), (ROOM, 300)]
    {
        let mut options = options(&["a"]);
        options.in_flight = MESSAGES;
        let mut limits = OutboxLimits::default();
        limits.messages = MESSAGES;
        options.settings.outbox = limits;
        let (connect, mut net) = net(move |_, _| Fate::Accept(room));
        let (client, mut events) = Client::new(connect, EchoProtocol, options).unwrap();
        up(&mut events).await;
        let mut peer = net.peer().await;
        let outcomes: Vec<_> = (0..MESSAGES).map(|i| client.send(format!("{i:04}").into_bytes())).collect();
        assert_eq!(client.send(b"over".to_vec()).await, Verdict::NotSent(NotSent::Full));
        settle().await;
        for _ in 0..answered {
            let (kind, content) = read_frame(&mut peer).await.unwrap();
            write_frame(&mut peer, kind, &content).await;
        }
        settle().await;
        drop(peer);
        until(&mut events, |event| matches!(event, Event::Down { .. })).await;
        let sent = room.div_ceil(FRAME);
        for (i, outcome) in outcomes.into_iter().enumerate() {
            let expected = match i {
                i if i < answered => Verdict::Answered(format!("{i:04}").into_bytes()),
                i if i < sent => Verdict::MaybeSent(Reason::PeerClosed),
                _ => Verdict::NotSent(NotSent::Ended(Reason::PeerClosed)),
            };
            assert_eq!(at_once(outcome).await, expected, "message {i}, {room} bytes taken");
        }
        // All of the room is there again.
        up(&mut events).await;
        let again: Vec<_> = (0..MESSAGES).map(|_| client.send(b"again".to_vec())).collect();
        settle().await;
        for outcome in again {
            assert!(timeout(StdDuration::ZERO, outcome).await.is_err(), "a place in flight was lost");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_settles_what_has_left_though_the_peer_keeps_the_line() {
    let (client, _events, _net, mut peer) = marked(options(&["a"])).await;
    let sent = client.send(b"sent".to_vec());
    settle().await;
    write_frame(&mut peer, Marked::GOODBYE, &Reason::Draining.code().to_be_bytes()).await;
    settle().await;
    assert_eq!(at_once(sent).await, Verdict::MaybeSent(Reason::Draining));
    assert_eq!(at_once(client.send(b"after".to_vec())).await, Verdict::NotSent(NotSent::NotConnected));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_sent_says_why_at_once() {
    let (connect, mut net) = net(|_, n| if n == 0 { Fate::Accept(ROOM) } else { Fate::Refuse });
    let mut options = options(&["a"]);
    options.in_flight = 1;
    let (client, mut events) = Client::new(connect, EchoProtocol, options).unwrap();
    let refused = |why| Verdict::NotSent(why);
    assert_eq!(at_once(client.send(b"early".to_vec())).await, refused(NotSent::NotConnected));
    up(&mut events).await;
    let error = WireError::TooLarge { length: 1025, limit: 1024 };
    assert_eq!(at_once(client.send(vec![0; 1020])).await, refused(NotSent::Refused(error)));
    let first = client.send(vec![0; 1019]);
    assert_eq!(at_once(client.send(b"more".to_vec())).await, refused(NotSent::Full));
    drop(net.peer().await);
    assert_eq!(first.await, refused(NotSent::Ended(Reason::PeerClosed)));
    assert_eq!(at_once(client.send(b"down".to_vec())).await, refused(NotSent::NotConnected));
    client.close();
    assert_eq!(at_once(client.send(b"late".to_vec())).await, refused(NotSent::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_a_close_is_written_and_its_verdict_comes_with_the_end_of_the_line() {
    let (client, _events, _net, mut peer) = marked(options(&["a"])).await;
    let last = client.send(b"last".to_vec());
    client.close();
    assert_eq!(read_frame(&mut peer).await, Some((3, b"last".to_vec())));
    assert_eq!(read_frame(&mut peer).await, None);
    // The peer keeps its end; the linger is 1 s, and the wheel one slot late.
    let verdict = timeout(StdDuration::from_millis(1101), last).await.expect("no later than the linger");
    assert_eq!(verdict, Verdict::MaybeSent(Reason::Bye));
}

#[tokio::test(start_paused = true)]
async fn late_and_double_answers_are_ignored() {
    let (client, _events, _net, mut peer) = marked(options(&["a"])).await;
    let first = client.send(b"first".to_vec());
    let second = client.send(b"second".to_vec());
    for (id, answer) in [(1, b"B"), (1, b"X"), (9, b"X"), (0, b"A"), (0, b"X")] {
        write_frame(&mut peer, Marked::ANSWER_TO, &[[id], *answer].concat()).await;
    }
    assert_eq!(first.await, Verdict::Answered(b"A".to_vec()));
    assert_eq!(second.await, Verdict::Answered(b"B".to_vec()));
    let third = client.send(b"third".to_vec());
    write_frame(&mut peer, Marked::ANSWER, b"C").await;
    assert_eq!(third.await, Verdict::Answered(b"C".to_vec()), "nothing else is in flight");
    let push = timeout(StdDuration::from_secs(1), client.next_push()).await;
    assert!(push.is_err(), "no answer became a push: {push:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_outcome_keeps_the_order_and_gives_its_place_back() {
    let mut options = options(&["a"]);
    options.in_flight = 2;
    let (client, _events, _net, mut peer) = marked(options).await;
    drop(client.send(b"forgotten".to_vec()));
    let kept = client.send(b"kept".to_vec());
    assert_eq!(at_once(client.send(b"more".to_vec())).await, Verdict::NotSent(NotSent::Full));
    write_frame(&mut peer, Marked::ANSWER, b"1").await;
    write_frame(&mut peer, Marked::ANSWER, b"2").await;
    assert_eq!(kept.await, Verdict::Answered(b"2".to_vec()));
    let next = client.send(b"next".to_vec());
    write_frame(&mut peer, Marked::ANSWER, b"3").await;
    assert_eq!(next.await, Verdict::Answered(b"3".to_vec()));
}
