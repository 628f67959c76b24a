//! A peer that takes less than it is sent: back-pressure first, then the slow-consumer rule.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use keepline::wire::echo::Echo;
use keepline::{Driver, Duration, Flow, Queued, Reason, SendError, Settings, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

use crate::support::*;

fn limits(bytes: usize, messages: usize, age: Duration) -> Settings {
    let mut settings = watched();
    settings.outbox.bytes = bytes;
    settings.outbox.messages = messages;
    settings.outbox.age = age;
    settings
}

#[tokio::test(start_paused = true)]
async fn a_push_over_the_limit_of_bytes_or_messages_closes_the_line() {
    for settings in [limits(10_000, 1000, secs(30)), limits(1 << 20, 20, secs(30))] {
        let (_peer, line) = line(Witness::mirror(), settings, 64);
        let message: bytes::Bytes = frame(&[0; 495]).into();
        let results: Vec<_> = (0..21).map(|_| line.connection.push(message.clone())).collect();
        let (last, before) = results.split_last().unwrap();
        assert!(before.iter().all(Result::is_ok), "{before:?}");
        assert!(matches!(last, Err(SendError::Full { waiting: 10_000 })), "{last:?}");
        let connection = line.connection.clone();
        let (report, took) = line.end().await;
        assert_eq!((report.reason, took), (Reason::SlowConsumer, secs(0)), "at once, whatever is waiting");
        assert_eq!(connection.send(message), Err(SendError::Ended));
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_over_the_limit_leaves_the_line_and_its_messages() {
    let (mut peer, line) = line(Witness::mirror(), limits(1000, 1000, secs(30)), 64);
    let message: bytes::Bytes = frame(&[7; 495]).into();
    let results: Vec<_> = (0..3).map(|_| line.connection.send(message.clone())).collect();
    assert_eq!(results, [Ok(()), Ok(()), Err(SendError::Full { waiting: 1000 })]);
    assert_eq!(peer.receive(1000).await, [&message[..], &message[..]].concat());
    assert_eq!(line.connection.send(message.clone()), Ok(()), "there is room again");
    assert_eq!(peer.receive(500).await, message);
}

#[tokio::test(start_paused = true)]
async fn what_waits_can_be_looked_at() {
    let (mut peer, line) = line(Witness::mirror(), limits(1 << 20, 256, secs(30)), 64);
    assert_eq!(line.connection.queued(), Queued::default());
    for _ in 0..3 {
        line.connection.send(frame(&[1; 295]).into()).unwrap();
        tokio::time::sleep(secs(1).to_std()).await;
    }
    let queued = line.connection.queued();
    assert_eq!((queued.messages, queued.bytes), (3, 900 - 64), "the pipe holds the rest");
    assert_eq!(queued.oldest, Some(secs(3)));
    peer.receive(300).await;
    tokio::time::sleep(secs(1).to_std()).await;
    let queued = line.connection.queued();
    assert_eq!((queued.messages, queued.bytes, queued.oldest), (2, 600 - 64, Some(secs(3))));
    peer.receive(600).await;
    assert_eq!(line.connection.queued(), Queued::default());
}

#[tokio::test(start_paused = true)]
async fn what_waits_too_long_closes_the_line_and_no_other() {
    let (mut slow, slow_line) = line(Witness::mirror(), limits(1 << 20, 256, secs(5)), 64);
    let (mut quick, quick_line) = line(Witness::mirror(), limits(1 << 20, 256, secs(5)), 64);
    let members = [slow_line.connection.clone(), quick_line.connection.clone()];
    let message: bytes::Bytes = frame(&[1; 95]).into();
    let fan_out = async {
        loop {
            for member in &members {
                let _ = member.push(message.clone());
            }
            tokio::time::sleep(millis(500).to_std()).await;
        }
    };
    let reads = async {
        loop {
            quick.receive(100).await;
            quick.send(PING).await;
            quick.receive(5).await;
        }
    };
    // Says that it lives all the time; only it does not read.
    let pings = async {
        loop {
            slow.send(PING).await;
            tokio::time::sleep(secs(1).to_std()).await;
        }
    };
    let (report, took) = tokio::select! {
        () = async { tokio::join!(fan_out, reads, pings); } => unreachable!(),
        ended = slow_line.end() => ended,
    };
    assert_eq!(report.reason, Reason::SlowConsumer);
    assert!(is_on_time(took, secs(5)), "after {took}: the first message got stuck at once");
    assert!(!quick_line.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_asks_is_not_read_from_nor_called_silent() {
    let mut settings = limits(1 << 20, 256, Duration::MAX);
    settings.outbox.high_water = 16 * 1024;
    let (peer, line) = line(Witness::mirror(), settings, 4096);
    let (mut reads, mut writes) = tokio::io::split(peer.0);
    let request = frame(&[5; 95]);
    let mut asked = 0;
    // Asks until nothing is taken from it any more.
    while tokio::time::timeout(secs(1).to_std(), writes.write_all(&request)).await.is_ok() {
        asked += 1;
        assert!(asked < 10_000, "a megabyte of requests, and not one answer read");
    }
    let seen = line.seen.of("frame").len();
    // High water, one read of the thread's buffer and the two pipes.
    assert!((160..1000).contains(&seen), "{seen} answers for a peer that reads none");
    tokio::time::sleep(secs(100).to_std()).await;
    assert!(!line.task.is_finished(), "we do not read: its silence says nothing");
    assert_eq!(line.seen.of("frame").len(), seen);
    // The request that timed out is partly written; what was asked before it is answered in full.
    let mut answers = vec![0; asked * 100];
    reads.read_exact(&mut answers).await.unwrap();
    assert_eq!(answers, request.repeat(asked));
    let (report, _) = line.end().await;
    assert!(matches!(report.reason, Reason::Silent | Reason::FrameTimeout), "{report}: judged again");
}

#[tokio::test(start_paused = true)]
async fn one_large_answer_makes_no_slow_consumer_of_a_peer_that_reads() {
    let (peer, ours) = duplex(64 << 10);
    let codec = Echo::strict().with_limit(8 << 20).unwrap();
    let line = line_over(ours, Witness::mirror(), codec, watched());
    let (mut reads, mut writes) = tokio::io::split(peer);
    let large = frame(&vec![7; 2 << 20]);
    let mut answer = vec![0; large.len()];
    let (sent, read) = tokio::join!(writes.write_all(&large), reads.read_exact(&mut answer));
    sent.unwrap();
    read.unwrap();
    assert!(answer == large, "all of it, as it was");
    assert!(!line.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_on_its_way_takes_no_room_from_messages() {
    let (peer, ours) = duplex(64 << 10);
    let codec = Echo::strict().with_limit(8 << 20).unwrap();
    let line = line_over(ours, Witness::mirror(), codec, limits(1 << 20, 256, secs(30)));
    let (mut reads, mut writes) = tokio::io::split(peer);
    let (large, message) = (frame(&vec![7; 2 << 20]), frame(&vec![8; (1 << 19) - 5]));
    writes.write_all(&large).await.unwrap();
    while line.connection.queued().bytes == 0 {
        tokio::task::yield_now().await;
    }
    assert!(line.connection.queued().bytes > 1 << 20, "the answer is over the limit by itself");
    let results = [(); 3].map(|()| line.connection.send(message.clone().into()).is_ok());
    assert_eq!(results, [true, true, false], "as much as without the answer");
    let expected = [&large[..], &message, &message].concat();
    let mut all = vec![0; expected.len()];
    reads.read_exact(&mut all).await.unwrap();
    assert!(all == expected, "in order, and nobody was too slow");
    assert!(!line.task.is_finished());
}

/// Takes what it is given into a buffer of its own, as TLS does, and passes it on when it is flushed and let.
pub(crate) struct Buffered {
    pub(crate) io: DuplexStream,
    pub(crate) gate: Arc<Mutex<Gate>>,
    pub(crate) held: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) open: bool,
    pub(crate) waker: Option<Waker>,
}

impl Transport for Buffered {
    /// What it holds itself is not counted, on purpose: the line knows that it has not been flushed.
    fn unacknowledged(&self) -> Option<usize> {
        Some(0)
    }
}

impl AsyncRead for Buffered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Buffered {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.held.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = Arc::clone(&self.gate);
        let mut gate = gate.lock().unwrap();
        if !gate.open {
            gate.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        assert!(Pin::new(&mut self.io).poll_write(cx, &held).is_ready(), "the pipe has room");
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_transport_holds_leaves_as_soon_as_it_can() {
    let (peer, ours) = duplex(4096);
    let (mut peer, gate) = (Peer(peer), Arc::new(Mutex::new(Gate::default())));
    let io = Buffered { io: ours, gate: Arc::clone(&gate), held: Vec::new() };
    let _line = line_over(io, Witness::mirror(), Echo::strict(), watched());
    peer.send(&frame(b"hello")).await;
    tokio::time::sleep(secs(1).to_std()).await;
    let waker = {
        let mut gate = gate.lock().unwrap();
        gate.open = true;
        gate.waker.take()
    };
    waker.expect("the line has asked to flush").wake();
    let answer = tokio::time::timeout(millis(1).to_std(), peer.receive(10)).await;
    assert_eq!(answer.expect("no other turn comes to flush"), frame(b"hello"));
}

#[tokio::test(start_paused = true)]
async fn a_line_reads_again_once_the_peer_has_taken_all() {
    let mut settings = limits(1 << 20, 256, secs(5));
    settings.outbox.high_water = 1024;
    let (mut peer, line) = line(Witness::mirror(), settings, 4096);
    let requests = frame(&[5; 995]).repeat(6);
    peer.send(&requests).await;
    tokio::time::sleep(millis(1).to_std()).await;
    // The line is paused: nobody reads this yet.
    peer.send(PING).await;
    tokio::time::sleep(millis(1).to_std()).await;
    assert_eq!(peer.receive(6005).await, [&requests, PONG].concat());
    assert!(line.opened.elapsed() < secs(1).to_std(), "at once, not at the next look at the clocks");
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_our_own_makes_nobody_a_slow_consumer_but_forgives_once() {
    let (mut peer, line) = line(Witness::mirror(), limits(1 << 20, 256, secs(5)), 64);
    line.connection.send(frame(&[1; 295]).into()).unwrap();
    tokio::time::sleep(secs(1).to_std()).await;
    // The clock leaps without a turn of the wheel, as when the process was stopped; the peer has read meanwhile, but
    // only what the pipe held.
    tokio::time::advance(secs(60).to_std()).await;
    peer.receive(64).await;
    tokio::time::sleep(secs(4).to_std()).await;
    assert!(!line.task.is_finished());
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::SlowConsumer);
    assert!(is_on_time(took, secs(66)), "after {took}: the full age from the stall's end");
}

/// Polled by hand, so that the wheel and the peer both come before the line's next turn.
#[tokio::test(start_paused = true)]
async fn room_made_before_the_verdict_counts() {
    let (peer, ours) = duplex(64);
    let mut peer = Peer(peer);
    let settings = limits(1 << 20, 256, secs(5));
    let mut driver = pin!(Driver::standalone(ours, Witness::mirror(), Echo::strict(), settings));
    let cx = &mut Context::from_waker(Waker::noop());
    driver.connection().send(frame(&[1; 95]).into()).unwrap();
    assert!(driver.as_mut().poll(cx).is_pending());
    tokio::time::sleep(millis(5_200).to_std()).await;
    peer.receive(64).await;
    assert!(driver.as_mut().poll(cx).is_pending(), "the rest has left in time");
    peer.receive(36).await;
    tokio::time::sleep(secs(1).to_std()).await;
    assert!(driver.as_mut().poll(cx).is_pending());
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_a_peer_that_takes_all_of_it() {
    let (mut peer, line) = line(Witness::new(|_, _| Flow::Continue), limits(1 << 20, 256, secs(5)), 64);
    for _ in 0..20 {
        line.connection.send(frame(&[1; 295]).into()).unwrap();
        peer.receive(300).await;
        tokio::time::sleep(secs(1).to_std()).await;
        peer.settle().await;
    }
    assert!(!line.task.is_finished(), "a message long gone is not too old");
}
