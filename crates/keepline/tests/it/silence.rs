//! A peer that falls silent, one that says so, and one that only seems to.

use std::sync::Arc;

use keepline::liveness::{Heartbeat, IdleKind};
use keepline::wire::echo::Echo;
use keepline::{Flow, Reason, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_silent_peer_goes_at_its_limit_and_never_before() {
    // Offsets against the wheel's slots, which have their own beginning.
    for offset in [0, 1, 33, 50, 99] {
        tokio::time::sleep(millis(offset).to_std()).await;
        let (mut peer, line) = line(Witness::mirror(), watched(), 4096);
        tokio::time::sleep(secs(3).to_std()).await;
        peer.settle().await;
        line.connection.send(frame(b"news").into()).unwrap();
        tokio::time::sleep(secs(2).to_std()).await;
        let silent_for = line.connection.silent_for();
        assert!(silent_for >= secs(2) && silent_for < millis(2_012), "{silent_for}");
        let (report, took) = line.end().await;
        assert_eq!(report.reason, Reason::Silent);
        assert!(is_on_time(took, secs(13)), "after {took}: 3 s, and 10 s more of silence");
        assert_eq!(report.cause, None);
        // The truth, to a hundredth of a second.
        let silence = took.less(secs(3));
        assert!(report.last_in.less(silence) < millis(10) && silence.less(report.last_in) <= millis(2), "{report}");
        assert!(report.last_out.less(silence).is_zero() && silence.less(report.last_out) <= millis(2), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_something_in_time_stays() {
    let (mut peer, line) = line(Witness::mirror(), watched(), 4096);
    for _ in 0..100 {
        tokio::time::sleep(millis(9_999).to_std()).await;
        peer.settle().await;
    }
    assert!(!line.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_fin_is_reported_at_once_and_as_what_it_is() {
    let (peer, line) = line(Witness::mirror(), watched(), 4096);
    tokio::time::sleep(secs(3).to_std()).await;
    drop(peer);
    let seen = line.seen.clone();
    let (report, took) = line.end().await;
    assert_eq!((report.reason, took), (Reason::PeerClosed, secs(3)));
    assert_eq!(seen.all(), ["open", "close peer_closed"]);
}

/// A line over loopback, and the peer's blocking end.
async fn loopback(witness: Witness, settings: Settings) -> (std::net::TcpStream, Line) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let ours: TcpStream = listener.accept().await.unwrap().0;
    (peer, line_over(ours, witness, Echo::strict(), settings))
}

#[tokio::test]
async fn a_rst_is_a_reset() {
    let (peer, line) = loopback(Witness::mirror(), watched()).await;
    socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::Reset);
}

#[tokio::test(start_paused = true)]
async fn an_overridden_idle_event_keeps_the_line() {
    let mut witness = Witness::mirror();
    witness.on_idle = Some(Flow::Continue);
    let (mut peer, line) = line(witness, watched(), 4096);
    tokio::time::sleep(millis(30_500).to_std()).await;
    let first = "IdleStateEvent(READER_IDLE, first)";
    let again = "IdleStateEvent(READER_IDLE)";
    assert_eq!(line.seen.of("idle"), [first, again, again], "one in each period");
    peer.settle().await;
    tokio::time::sleep(millis(10_300).to_std()).await;
    assert_eq!(line.seen.of("idle"), [first, again, again, first]);
    assert!(!line.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn an_idle_event_may_close_for_another_reason() {
    let mut witness = Witness::mirror();
    witness.on_idle = Some(Flow::Close(Reason::Idle));
    let (mut peer, line) = line(witness, watched(), 4096);
    assert_eq!(peer.rest().await, b"", "in order, not cut off");
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::Idle);
}

#[tokio::test(start_paused = true)]
async fn new_terms_hold_from_the_moment_they_are_set() {
    let shorter = Arc::new(Heartbeat::watch(secs(4)).unwrap());
    let witness = Witness::new(move |_, turn| {
        turn.set_terms(Arc::clone(&shorter));
        Flow::Continue
    });
    let (mut peer, line) = line(witness, watched(), 4096);
    tokio::time::sleep(secs(3).to_std()).await;
    peer.send(&frame(b"shorter")).await;
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::Silent);
    assert!(is_on_time(took, secs(7)), "after {took}: the entry was filed for 10 s");
}

#[tokio::test(start_paused = true)]
async fn a_client_finds_a_server_that_does_not_answer() {
    let settings = Settings::new(Heartbeat::client(secs(5), secs(2)).unwrap());
    let (mut peer, line) = line(Witness::mirror(), settings, 4096);
    assert_eq!(peer.receive(5).await, PING);
    peer.send(PONG).await;
    assert_eq!(peer.receive(5).await, PING);
    let seen = line.seen.clone();
    let (report, took) = line.end().await;
    assert_eq!((report.reason, report.pings_unanswered), (Reason::Silent, 1));
    assert!(took >= secs(12) && took <= secs(12) + millis(500), "after {took}");
    assert_eq!(seen.of("beat").last().map(String::as_str), Some("Suspect"));
}

#[tokio::test(start_paused = true)]
async fn own_writes_do_not_put_the_verdict_off() {
    let settings =
        Settings::new(Heartbeat::builder().ping(IdleKind::All, secs(5)).pong_within(secs(5)).build().unwrap());
    // The peer takes everything and says nothing.
    let (mut peer, mut line) = line(Witness::mirror(), settings, 4096);
    let connection = line.connection.clone();
    let writes = async {
        loop {
            connection.send(frame(b"tick").into()).unwrap();
            tokio::time::sleep(secs(1).to_std()).await;
        }
    };
    let report = tokio::select! {
        () = writes => unreachable!(),
        () = async { while peer.0.read_u8().await.is_ok() {} std::future::pending().await } => unreachable!(),
        report = &mut line.task => report.unwrap(),
    };
    assert_eq!(report.reason, Reason::Silent);
    let took = line.opened.elapsed();
    assert!(
        took <= std::time::Duration::from_millis(15_500),
        "after {took:?}: twice the interval, and the pong's time"
    );
}

/// The runtime's thread is kept for longer than every limit. Real time: a blocked thread is what is tested.
#[tokio::test]
async fn a_stall_of_our_own_evicts_nobody_who_has_spoken() {
    let terms = Heartbeat::builder().silence(secs(1)).stall(millis(500)).build().unwrap();
    let mut lines = Vec::new();
    for _ in 0..20 {
        let (peer, line) = loopback(Witness::mirror(), Settings::new(terms.clone())).await;
        peer.set_nonblocking(true).unwrap();
        lines.push((TcpStream::from_std(peer).unwrap(), line));
    }
    let mut pong = [0; 5];
    for (peer, _) in &mut lines {
        peer.write_all(PING).await.unwrap();
        peer.read_exact(&mut pong).await.unwrap();
    }
    for (peer, _) in &lines {
        // Lies in the kernel during the stall.
        assert_eq!(peer.try_write(PING).unwrap(), PING.len());
    }
    std::thread::sleep(secs(3).to_std());
    for (peer, line) in &mut lines {
        peer.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong, PONG, "{:?}", line.seen.all());
    }
    for (_peer, line) in lines {
        assert_eq!(line.end().await.0.reason, Reason::Silent, "silent from then on");
    }
}
