//! Frames that come in pieces, together, too large or too slowly.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use keepline::wire::echo::Echo;
use keepline::{Cause, Flow, Reason, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

use crate::support::*;

/// Three frames, two of them data, and what a mirror answers.
fn exchange() -> (Vec<u8>, Vec<u8>) {
    let sent = [frame(b"one"), PING.to_vec(), frame(b"three")].concat();
    let answered = [frame(b"one"), PONG.to_vec(), frame(b"three")].concat();
    (sent, answered)
}

#[tokio::test(start_paused = true)]
async fn a_cut_at_any_byte_changes_nothing() {
    let (sent, answered) = exchange();
    for cut in 0..=sent.len() {
        let (mut peer, line) = line(Witness::mirror(), watched(), 4096);
        peer.send(&sent[..cut]).await;
        // Everyone is idle before the clock moves on: the first piece has been read by itself.
        tokio::time::sleep(millis(1).to_std()).await;
        peer.send(&sent[cut..]).await;
        assert_eq!(peer.receive(answered.len()).await, answered, "cut at {cut}");
        assert_eq!(line.seen.of("frame"), ["one", "three"], "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_at_a_time_changes_nothing() {
    let (sent, answered) = exchange();
    let (mut peer, _line) = line(Witness::mirror(), watched(), 4096);
    for byte in sent {
        peer.send(&[byte]).await;
        tokio::time::sleep(millis(1).to_std()).await;
    }
    assert_eq!(peer.receive(answered.len()).await, answered);
}

/// Counts the writes that reach the stream.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl Transport for Counted {}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn all_answers_of_a_turn_leave_in_one_write() {
    let (peer, ours) = duplex(64 * 1024);
    let (mut peer, writes) = (Peer(peer), Arc::new(AtomicUsize::new(0)));
    let _line = line_over(Counted(ours, Arc::clone(&writes)), Witness::mirror(), Echo::strict(), watched());
    let sent = [frame(b"hello"), PING.to_vec()].concat().repeat(500);
    peer.send(&sent).await;
    let answered = peer.receive(sent.len()).await;
    assert_eq!(answered, [frame(b"hello"), PONG.to_vec()].concat().repeat(500));
    assert_eq!(writes.load(Ordering::Relaxed), 1, "1000 answers");
}

#[tokio::test(start_paused = true)]
async fn an_impossible_length_closes_within_one_read() {
    let cases = [(0xffff_ffff_u32, Reason::TooLarge), (1025, Reason::TooLarge), (4, Reason::ProtocolError)];
    for (length, reason) in cases {
        let (mut peer, line) = line(Witness::mirror(), watched(), 4096);
        // Only the length: nothing of the frame itself.
        peer.send(&length.to_be_bytes()).await;
        assert_eq!(peer.rest().await, b"");
        drop(peer);
        let (report, took) = line.end().await;
        assert_eq!(report.reason, reason, "{length:x}");
        assert!(matches!(report.cause, Some(Cause::Wire(_))), "{report:?}");
        assert_eq!(took, millis(0), "at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_dribbled_byte_by_byte_has_ten_seconds() {
    let (peer, line) = line(Witness::mirror(), watched(), 4096);
    let (mut reads, mut writes) = tokio::io::split(peer.0);
    let dribble = async {
        for byte in frame(&[b'x'; 100]) {
            writes.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(millis(400).to_std()).await;
        }
    };
    tokio::select! {
        () = dribble => unreachable!("42 s of a frame"),
        end = reads.read_u8() => assert!(end.is_err(), "nothing was answered"),
    }
    let took = line.opened.elapsed().into();
    assert!(is_on_time(took, secs(10)), "after {took}: from the frame's first byte, which came at once");
    drop((reads, writes));
    assert_eq!(line.end().await.0.reason, Reason::FrameTimeout);
}

#[tokio::test(start_paused = true)]
async fn a_large_frame_at_a_steady_rate_outlives_the_silence_limit() {
    let (peer, ours) = duplex(64 * 1024);
    let mut peer = Peer(peer);
    let codec = Echo::strict().with_limit(2 << 20).unwrap();
    let witness = Witness::new(|frame, _| {
        assert!(frame.content.len() == 1 << 20 && frame.content.iter().all(|byte| *byte == 7));
        Flow::Continue
    });
    let line = line_over(ours, witness, codec, watched());
    let bytes = frame(&vec![7; 1 << 20]);
    for piece in bytes.chunks(bytes.len() / 20) {
        peer.send(piece).await;
        tokio::time::sleep(secs(1).to_std()).await;
    }
    peer.settle().await;
    assert_eq!(line.seen.of("frame").len(), 1, "20 s of one frame");
}

#[tokio::test(start_paused = true)]
async fn the_least_rate_is_enough_and_counts_the_first_piece() {
    const RATE: usize = 16 * 1024;
    for (piece, expected) in [(RATE, None), (RATE - 1, Some(Reason::FrameTimeout))] {
        let (peer, ours) = duplex(64 * 1024);
        let mut peer = Peer(peer);
        let codec = Echo::strict().with_limit(1 << 20).unwrap();
        let mut line = line_over(ours, Witness::mirror(), codec, watched());
        let bytes = frame(&vec![7; 20 * RATE]);
        let pieces = async {
            for piece in bytes.chunks(piece).take(15) {
                peer.send(piece).await;
                tokio::time::sleep(secs(1).to_std()).await;
            }
        };
        let reason = tokio::select! {
            biased;
            () = pieces => None,
            report = &mut line.task => Some(report.unwrap().reason),
        };
        assert_eq!(reason, expected, "{piece} bytes a second");
    }
}
