//! Patience: how long a client may keep us from writing. A reader of a few bytes a second makes progress for ever, which
//! the kernel's own time-out of what is unacknowledged does not end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes that are taken in a second win a second: as fast as a large frame of a line must arrive.
const TAKEN_PER_SECOND: u64 = 16 << 10;

/// A stream whose writes may wait for so long in all. What is taken gives time back, but no more than there was.
#[derive(Debug)]
pub(super) struct Patience<S> {
    stream: S,
    most: Duration,
    left: Duration,
    waiting: Option<Waiting>,
}

/// A write that waits, since when, and its end.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> Patience<S> {
    pub(super) const fn new(stream: S, most: Duration) -> Self {
        Self { stream, most, left: most, waiting: None }
    }

    /// Notes what became of a write; its error once it has waited too long.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: fn(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        let Poll::Ready(written) = written else {
            let waiting = self.waiting.get_or_insert_with(|| {
                let since = Instant::now();
                Waiting { since, end: Box::pin(sleep_until(since + self.left)) }
            });
            return waiting.end.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        };
        if let Some(Waiting { since, .. }) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        if let Ok(taken) = &written {
            let won = Duration::from_secs_f64(bytes(taken) as f64 / TAKEN_PER_SECOND as f64);
            self.left = (self.left + won).min(self.most);
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written, |written| *written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written, |written| *written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, flushed, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, shut, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Writes so much to a reader who takes so many bytes each second, and says how that ended and when.
    async fn write_to(reads: usize, size: usize) -> (io::Result<()>, Duration) {
        let (ours, mut theirs) = duplex(8 << 10);
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; reads];
            while theirs.read_exact(&mut buffer).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let (mut stream, begin) = (Patience::new(ours, PATIENCE), Instant::now());
        let ended = stream.write_all(&vec![7; size]).await;
        reader.abort();
        (ended, begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_of_a_few_bytes_a_second_is_given_up_and_a_slow_one_is_not() {
        // Bytes a second, how many there are, and whether they are all taken.
        for (reads, size, whole) in
            [(32, 100 << 10, false), (1 << 10, 1 << 20, false), (20 << 10, 10 << 20, true), (1 << 10, 24 << 10, true)]
        {
            let (ended, took) = write_to(reads, size).await;
            match ended {
                Ok(()) => assert!(whole, "{reads} bytes a second, in {took:?}"),
                Err(error) => {
                    assert!(!whole && error.kind() == io::ErrorKind::TimedOut, "{reads}: {error}");
                    assert!((29..40).contains(&took.as_secs()), "{reads} bytes a second: {took:?}");
                }
            }
        }
    }
}
