//! Counted: a transport that counts its bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::Connect;
use crate::conn::Transport;

/// The bytes of all lines of one chat. With TLS, what is inside of it.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) read: AtomicU64,
    pub(super) written: AtomicU64,
}

/// Makes streams that count.
#[derive(Debug)]
pub(super) struct Counting<C> {
    pub(super) connect: C,
    pub(super) counts: Arc<Counts>,
}

/// A stream that counts.
#[derive(Debug)]
pub(super) struct Counted<Io> {
    io: Io,
    counts: Arc<Counts>,
}

impl<C: Connect> Connect for Counting<C> {
    type Io = Counted<C::Io>;

    async fn connect(&self, endpoint: &str) -> io::Result<Self::Io> {
        let io = self.connect.connect(endpoint).await?;
        Ok(Counted { io, counts: Arc::clone(&self.counts) })
    }
}

impl<Io: Transport> Transport for Counted<Io> {
    fn has_unread(&self) -> bool {
        self.io.has_unread()
    }

    fn unacknowledged(&self) -> Option<usize> {
        self.io.unacknowledged()
    }

    fn abandon(&self) {
        self.io.abandon();
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Counted<Io> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        self.counts.read.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Counted<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = &polled {
            self.counts.written.fetch_add(*count as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
