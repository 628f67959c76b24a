//! Transport: a byte stream, with the little more that a driver can use where the kernel offers it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Any `AsyncRead + AsyncWrite` can carry a line; wrap one that is not listed here in [`Plain`].
///
/// A stream that is large (TLS: over 1 KiB) belongs into a `Box`, else it sits in every idle line's future.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Whether the kernel holds bytes, or the end, that the runtime has not told us of yet. Asked once before a verdict
    /// of silence, as a busy runtime hears of bytes late. `false` where that can't be known.
    fn has_unread(&self) -> bool {
        false
    }

    /// Bytes written that the peer's machine has not acknowledged, those included that the transport itself still
    /// holds; `None`, the default, where that can't be known. See [`Turn::peer_has_all`](super::Turn::peer_has_all).
    ///
    /// TCP on Linux asks the kernel (`SIOCOUTQ`), and can't tell once the connection was reset. A `Box` asks what is in it. Nothing else here can tell: in memory and
    /// over a Unix socket there is no such acknowledgement, and a stream in [`Plain`], TLS as a rule, is not known well
    /// enough. A transport of your own over TLS may answer with its socket's count and its own unwritten records: what
    /// the peer's kernel has acknowledged then is ciphertext, no less on its way to the peer's program than plain text.
    fn unacknowledged(&self) -> Option<usize> {
        None
    }

    /// Asks that closing drops unsent bytes at once (RST) rather than keeps them in the kernel for a peer that does not
    /// read.
    fn abandon(&self) {}
}

impl Transport for TcpStream {
    fn has_unread(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        socket2::SockRef::from(self).peek(&mut byte).is_ok()
    }

    fn unacknowledged(&self) -> Option<usize> {
        let count = keepline_outq::unacknowledged(self).ok()?;
        // A connection that was reset has no peer any more, and what its kernel had acknowledged may never have been
        // read: the count says nothing then. Asked behind the count, so that no reset slips in between.
        self.peer_addr().is_ok().then_some(count)
    }

    fn abandon(&self) {
        // A failure only means that the kernel keeps the bytes a while.
        let _ = socket2::SockRef::from(self).set_linger(Some(std::time::Duration::ZERO));
    }
}

impl Transport for UnixStream {
    fn has_unread(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        socket2::SockRef::from(self).peek(&mut byte).is_ok()
    }
}

impl Transport for DuplexStream {}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn has_unread(&self) -> bool {
        (**self).has_unread()
    }

    fn unacknowledged(&self) -> Option<usize> {
        (**self).unacknowledged()
    }

    fn abandon(&self) {
        (**self).abandon();
    }
}

/// Carries a line over a stream of which nothing more is known.
#[derive(Debug)]
pub struct Plain<T>(T);

impl<T> Plain<T> {
    /// Wraps a stream.
    pub const fn new(stream: T) -> Self {
        Self(stream)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for Plain<T> {}

impl<T: AsyncRead + Unpin> AsyncRead for Plain<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Plain<T> {
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
