//! Stream: a line's bytes, over TLS or as they are, in one type.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use keepline::Transport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A line over TLS. It is a few KiB, and lives in a `Box` for that.
pub(crate) struct Secured(Box<TlsStream<TcpStream>>);

impl Secured {
    pub(crate) fn new(stream: TlsStream<TcpStream>) -> Self {
        Self(Box::new(stream))
    }
}

impl Transport for Secured {
    fn has_unread(&self) -> bool {
        self.0.get_ref().0.has_unread()
    }

    fn unacknowledged(&self) -> Option<usize> {
        let (socket, session) = self.0.get_ref();
        // Records that the session still holds are on their way too: one byte says so, as nobody counts them.
        Some(socket.unacknowledged()? + usize::from(session.wants_write()))
    }

    fn abandon(&self) {
        self.0.get_ref().0.abandon();
    }
}

impl AsyncRead for Secured {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Secured {
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
