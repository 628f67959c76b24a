//! Bytes that the kernel holds count before a verdict, though the runtime has not told of them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use keepline::liveness::IdleSettings;
use keepline::wire::echo::Echo;
use keepline::{Reason, Transport};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use crate::support::*;

/// A stream whose bytes are there, says the kernel, but no read ever brings them.
struct Slow(DuplexStream, Arc<AtomicBool>);

impl Transport for Slow {
    fn has_unread(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Slow {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Slow {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
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
async fn unread_bytes_are_life_for_the_verdict_and_for_the_events() {
    let (_peer, ours) = duplex(64);
    let unread = Arc::new(AtomicBool::new(true));
    let mut settings = watched();
    settings.idle_events = Some(IdleSettings::new().reader(secs(4)));
    let line = line_over(Slow(ours, Arc::clone(&unread)), Witness::mirror(), Echo::strict(), settings);
    tokio::time::sleep(secs(60).to_std()).await;
    assert_eq!(line.seen.all(), ["open"]);
    unread.store(false, Ordering::Relaxed);
    let seen = line.seen.clone();
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::Silent);
    assert!(took >= secs(60) && took <= secs(70) + SLOT, "after {took}");
    assert_eq!(seen.of("idle")[0], "IdleStateEvent(READER_IDLE, first)");
}
