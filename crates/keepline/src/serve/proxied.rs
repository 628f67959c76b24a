//! Proxied: a TCP listener behind proxies that say whom they speak for, by the PROXY protocol.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use keepline_proto::Duration;
use proxy_header::{Error, ParseConfig, Protocol, ProxyHeader};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Listener;

/// From accept to the end of the header. A proxy sends it before anything else, and in one piece.
const WITHIN: Duration = Duration::from_secs(5);
/// Connections whose header is not there yet, at one time. More wait in the backlog.
const PENDING: usize = 1024;
/// The longest header: addresses take 232 bytes at most, the rest is extensions.
const LONGEST: usize = 4096;
/// Looked at, at one time.
const AT_ONCE: usize = 256;

/// A TCP listener behind proxies that speak the [PROXY protocol](https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt),
/// version 1 or 2 (feature `proxy`).
///
/// A connection from a trusted address begins with the header, and has the address that this names: for the limits of
/// an address, for the service, in lists. A header that says that the proxy speaks for itself, as for a check of health
/// (`LOCAL`, `UNKNOWN`), leaves it the proxy's own. What does not begin with a header, or ends none within 5 s or 4 KiB,
/// is closed, with a line in the log: whoever could leave the header out would be the proxy. No more than 1,024
/// connections wait for theirs at one time, and nobody else waits for them.
///
/// From any other address a header is bytes like others, which the codec will not understand.
///
/// The deadlines of a line count from its header's end.
pub struct Proxied {
    listener: TcpListener,
    trusts: Box<dyn Fn(IpAddr) -> bool + Send>,
    pending: JoinSet<Announced>,
}

/// A connection whose header has been read, or why it has none.
type Announced = (SocketAddr, io::Result<(TcpStream, SocketAddr)>);

impl Proxied {
    /// Wraps a listener; `trusts` says of an address, an IPv4 one never within IPv6, whether a proxy is there.
    pub fn new(listener: TcpListener, trusts: impl Fn(IpAddr) -> bool + Send + 'static) -> Self {
        Self { listener, trusts: Box::new(trusts), pending: JoinSet::new() }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// A connection whose header came, if there is one.
    fn poll_announced(&mut self, cx: &mut Context<'_>) -> Poll<(TcpStream, SocketAddr)> {
        loop {
            match self.pending.poll_join_next(cx) {
                Poll::Ready(Some(Ok((_, Ok(announced))))) => return Poll::Ready(announced),
                Poll::Ready(Some(Ok((proxy, Err(error))))) => {
                    tracing::warn!(%proxy, %error, "a proxy's connection without a PROXY header is closed");
                }
                Poll::Ready(Some(Err(_))) => tracing::error!("panic over a PROXY header"),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Listener for Proxied {
    type Io = TcpStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, Option<SocketAddr>)>> {
        loop {
            if let Poll::Ready((stream, peer)) = self.poll_announced(cx) {
                return Poll::Ready(Ok((stream, Some(peer))));
            }
            if self.pending.len() >= PENDING {
                // Whichever header comes, or does not in time, wakes us.
                return Poll::Pending;
            }
            let (stream, from) = match std::task::ready!(Listener::poll_accept(&mut self.listener, cx))? {
                (stream, Some(from)) if (self.trusts)(from.ip()) => (stream, from),
                stranger => return Poll::Ready(Ok(stranger)),
            };
            self.pending.spawn(async move {
                let announced = tokio::time::timeout(WITHIN.to_std(), announced(stream, from)).await;
                (from, announced.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
            });
        }
    }
}

impl fmt::Debug for Proxied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxied").field("listener", &self.listener).field("pending", &self.pending.len()).finish()
    }
}

/// Reads the header and not a byte of what is behind it, and finds out who the peer is.
async fn announced(mut stream: TcpStream, proxy: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    let mut header = Vec::new();
    loop {
        let known = header.len();
        header.resize(known + AT_ONCE, 0);
        let seen = stream.peek(&mut header[known..]).await?;
        header.truncate(known + seen);
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (length, peer) = match parse(&header)? {
            Some((length, peer)) => (length, Some(peer)),
            // All of it belongs to the header then.
            None => (header.len(), None),
        };
        stream.read_exact(&mut header[known..length]).await?;
        if let Some(peer) = peer {
            return Ok((stream, peer.unwrap_or(proxy)));
        }
    }
}

/// How long the header is and whom it names, if anybody; nothing as long as it is not there as a whole.
fn parse(bytes: &[u8]) -> io::Result<Option<(usize, Option<SocketAddr>)>> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    match ProxyHeader::parse(bytes, config) {
        Ok((header, length)) => match header.proxied_address() {
            Some(address) if address.protocol != Protocol::Stream => Err(invalid("its PROXY header is not of TCP")),
            address => Ok(Some((length, address.map(|address| canonical(address.source))))),
        },
        Err(Error::BufferTooShort) if bytes.len() < LONGEST => Ok(None),
        Err(Error::BufferTooShort) => Err(invalid("its PROXY header is longer than 4096 bytes")),
        Err(_) => Err(invalid("it begins with something else than a PROXY header")),
    }
}

/// As a listener says where somebody comes from.
fn canonical(mut address: SocketAddr) -> SocketAddr {
    address.set_ip(address.ip().to_canonical());
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    /// A header of version 2: command, family, and what is behind its length.
    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, body].concat()
    }

    fn v4_body(extensions: usize) -> Vec<u8> {
        let mut body = vec![192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x67, 0x2b, 0xcb];
        body.resize(12 + extensions, 4);
        body
    }

    #[test]
    fn a_header_names_the_client_and_how_long_it_is_itself() {
        let six =
            [&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 16], &[0x12, 0x67, 0, 80]].concat();
        let (four, named) = (Some("192.0.2.1:4711"), Some("[2001:db8::1]:4711"));
        let table = [
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 11211\r\n".to_vec(), four),
            (b"PROXY TCP6 2001:db8::1 :: 4711 80\r\n".to_vec(), named),
            (b"PROXY TCP6 ::ffff:192.0.2.1 :: 4711 80\r\n".to_vec(), four),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n".to_vec(), None),
            (v2(0x21, 0x11, &v4_body(0)), four),
            (v2(0x21, 0x11, &v4_body(500)), four),
            (v2(0x21, 0x21, &six), named),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x20, 0x11, &v4_body(0)), None),
            (v2(0x21, 0x00, &[]), None),
        ];
        for (header, peer) in table {
            let peer = peer.map(|peer| peer.parse().unwrap());
            let text = String::from_utf8_lossy(&header).into_owned();
            for length in 0..header.len() {
                assert_eq!(parse(&header[..length]).unwrap(), None, "{length} bytes of {text:?}");
            }
            let with_more = [&header, &b"hello"[..]].concat();
            assert_eq!(parse(&with_more).unwrap(), Some((header.len(), peer)), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_known_before_its_end() {
        let table: [(&[u8], &str); 8] = [
            (b"\0\0\0\x05hello", "something else"),
            (b"\x16\x03\x01\x02\0", "something else"),
            (b"GET / HTTP/1.1\r\n", "something else"),
            (b"PROXY TCP4 192.0.2.256 10.0.0.1 4711 11211\r\n", "something else"),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 112110\r\n", "something else"),
            (b"PROXY TCP4 2001:db8::1 ::1 4711 80\r\n", "something else"),
            (&v2(0x31, 0x11, &v4_body(0)), "something else"),
            (&v2(0x21, 0x12, &v4_body(0)), "not of TCP"),
        ];
        for (bytes, expected) in table {
            let error = parse(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{:?}: {error}", String::from_utf8_lossy(bytes));
        }
        let endless = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 107]].concat();
        assert!(parse(&endless).is_err(), "version 1 has 107 bytes at most");
        let long = v2(0x21, 0x11, &v4_body(usize::from(u16::MAX) - 12));
        assert_eq!(parse(&long[..LONGEST - 1]).unwrap(), None);
        assert!(parse(&long[..LONGEST]).unwrap_err().to_string().contains("4096"));
    }
}
