//! Pings and pongs: answered by the driver alone, ahead of data, and not too many.

use keepline::liveness::{Heartbeat, IdleKind};
use keepline::{Flow, Reason, Settings};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_pings_never_reach_the_handler() {
    let (mut peer, line) = line(Witness::mirror(), watched(), 64 * 1024);
    peer.send(&PING.repeat(1000)).await;
    assert_eq!(peer.receive(5000).await, PONG.repeat(1000));
    assert_eq!(line.seen.of("frame").len(), 0);
    assert_eq!(line.seen.of("beat PongSent").len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_the_work_of_the_handler_is_stuck() {
    let witness = Witness::new(|_, turn| {
        let answer = turn.defer();
        // A worker that never gets done.
        drop(tokio::spawn(async move {
            let _answer = answer;
            std::future::pending::<()>().await;
        }));
        Flow::Continue
    });
    let (mut peer, line) = line(witness, watched(), 4096);
    for _ in 0..30 {
        peer.send(&frame(b"work")).await;
        peer.settle().await;
        tokio::time::sleep(secs(1).to_std()).await;
    }
    assert_eq!(line.seen.of("frame").len(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_is_closed_with_its_reason() {
    let terms = Heartbeat::builder().silence(secs(10)).ping_limit(secs(1), 2).build().unwrap();
    let (mut peer, line) = line(Witness::mirror(), Settings::new(terms), 4096);
    peer.send(&PING.repeat(10)).await;
    // One in good time, two strikes, and the third is one too many.
    assert_eq!(peer.rest().await, PONG.repeat(3));
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::TooManyPings);
}

#[tokio::test(start_paused = true)]
async fn the_gap_between_pings_is_the_interval_and_a_slot() {
    let settings = Settings::new(Heartbeat::client(secs(5), secs(5)).unwrap());
    let (mut peer, line) = line(Witness::mirror(), settings, 4096);
    let mut quiet_since = line.opened;
    for _ in 0..1000 {
        assert_eq!(peer.receive(5).await, PING);
        let gap = quiet_since.elapsed().into();
        assert!(is_on_time(gap, secs(5)), "a gap of {gap}");
        peer.send(PONG).await;
        quiet_since = tokio::time::Instant::now();
    }
    assert_eq!(line.seen.of("beat PingSent").len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_ping_overtakes_waiting_data_but_cuts_no_frame() {
    let terms = Heartbeat::builder().ping(IdleKind::Reader, secs(5)).pong_within(secs(5)).build().unwrap();
    let (mut peer, line) = line(Witness::mirror(), Settings::new(terms), 100);
    let messages: Vec<_> = (0..4_u8).map(|i| frame(&[b'0' + i; 60])).collect();
    for message in &messages {
        line.connection.send(message.clone().into()).unwrap();
    }
    // The pipe takes 100 bytes: the second message is cut when the ping becomes due.
    tokio::time::sleep(millis(5_200).to_std()).await;
    assert_eq!(line.seen.of("beat"), ["PingSent"]);
    let expected = [&messages[0], &messages[1], PING, &messages[2], &messages[3]].concat();
    assert_eq!(peer.receive(expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_pong_does_not_wait_behind_16_kib_of_data() {
    let (mut peer, line) = line(Witness::mirror(), watched(), 1024);
    let message = frame(&[b'x'; 507]);
    for _ in 0..32 {
        line.connection.send(message.clone().into()).unwrap();
    }
    tokio::time::sleep(millis(1).to_std()).await;
    peer.send(PING).await;
    tokio::time::sleep(millis(1).to_std()).await;
    let all = peer.receive(32 * message.len() + 5).await;
    let at = all.windows(5).position(|five| five == PONG).unwrap();
    // What the pipe held already comes first: two messages of 512 bytes.
    assert_eq!(at, 1024);
}
