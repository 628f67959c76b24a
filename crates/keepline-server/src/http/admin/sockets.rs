//! Sockets: what the kernel counts of each TCP connection of a port: its round trip and its bytes.
//!
//! The kernel keeps these for every connection anyway (`tcp_info`), so that an idle line pays nothing for being watched.
//! It is asked by a netlink socket, `sock_diag(7)`: one question for all connections of the port.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SOCK_DIAG, recv, send, socket_with,
};

/// What the kernel counts of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    /// The smoothed round trip, as RFC 6298 has it.
    pub(super) rtt: Duration,
    /// Bytes that were received: with those of TLS, where that is spoken.
    pub(super) bytes_in: u64,
    /// Bytes that the peer's kernel has acknowledged.
    pub(super) bytes_out: u64,
}

/// By the peer's address, as [`SocketAddr`] has it once IPv4 within IPv6 is taken out.
pub(super) type ByPeer = HashMap<SocketAddr, Traffic>;

/// `SOCK_DIAG_BY_FAMILY` of `linux/sock_diag.h`, in a request and in each of its answers.
const BY_FAMILY: u16 = 20;
/// `NLMSG_ERROR` and `NLMSG_DONE` of `linux/netlink.h`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH`: all that fit, and not one.
const DUMP: u16 = 0x301;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// `1 << (INET_DIAG_INFO - 1)`: with `tcp_info`.
const WITH_INFO: u8 = 1 << 1;
/// `INET_DIAG_INFO`.
const INFO: u16 = 2;
/// `ESTABLISHED` and `CLOSE_WAIT` of the kernel's states.
const LIVE: u32 = 1 << 1 | 1 << 8;
/// The header of each message, and what `inet_diag_msg` has in front of its attributes.
const HEADER: usize = 16;
const MESSAGE: usize = 72;
/// The kernel sends no more at one time to who reads this much.
const BUFFER: usize = 64 << 10;
/// It answers at once; more would be a fault of its own.
const WITHIN: Duration = Duration::from_secs(2);

/// The connections of a port of ours that are open.
///
/// # Errors
/// The kernel's: some sandboxes do not let a process ask.
pub(super) fn of_port(port: u16) -> io::Result<ByPeer> {
    let mut found = ByPeer::new();
    for family in [AddressFamily::INET, AddressFamily::INET6] {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(WITHIN))?;
        send(&socket, &question(family, port), SendFlags::empty())?;
        receive(&socket, port, &mut found)?;
    }
    Ok(found)
}

/// `nlmsghdr` and `inet_diag_req_v2`.
fn question(family: AddressFamily, port: u16) -> [u8; HEADER + 56] {
    let mut bytes = [0; HEADER + 56];
    let length = u32::try_from(bytes.len()).unwrap_or_default();
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    // The numbers of the kernel's families are below 256.
    bytes[16] = u8::try_from(family.as_raw()).unwrap_or_default();
    bytes[17] = TCP;
    bytes[18] = WITH_INFO;
    bytes[20..24].copy_from_slice(&LIVE.to_ne_bytes());
    bytes[24..26].copy_from_slice(&port.to_be_bytes());
    bytes
}

fn receive(socket: &OwnedFd, port: u16, found: &mut ByPeer) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (count, _) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = &buffer[..count];
        while let Some((kind, body, behind)) = next(rest, HEADER) {
            match kind {
                DONE => return Ok(()),
                ERROR => {
                    let code = body.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
                    return Err(io::Error::from_raw_os_error(-code));
                }
                BY_FAMILY => found.extend(connection(body, port)),
                _ => {}
            }
            rest = behind;
        }
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A message or an attribute: its kind, what is in it, and what comes behind it. Both have their length first, the header
/// within it, and begin at a multiple of four.
fn next(bytes: &[u8], header: usize) -> Option<(u16, &[u8], &[u8])> {
    let (length, kind) = if header == HEADER {
        let length = u32::from_ne_bytes(*bytes.first_chunk()?);
        (usize::try_from(length).ok()?, u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?))
    } else {
        let length = u16::from_ne_bytes(*bytes.first_chunk()?);
        (length.into(), u16::from_ne_bytes(*bytes.get(2..)?.first_chunk()?))
    };
    let body = bytes.get(header..length)?;
    Some((kind, body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// `inet_diag_msg` with its attributes; `None` for another port's.
fn connection(message: &[u8], port: u16) -> Option<(SocketAddr, Traffic)> {
    let port_at = |at: usize| message.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
    if port_at(4)? != port {
        return None;
    }
    let address: [u8; 16] = *message.get(24..)?.first_chunk()?;
    let address = if message.first() == u8::try_from(AddressFamily::INET.as_raw()).ok().as_ref() {
        IpAddr::V4(Ipv4Addr::from(*address.first_chunk::<4>()?))
    } else {
        IpAddr::V6(Ipv6Addr::from(address))
    };
    let mut rest = message.get(MESSAGE..)?;
    while let Some((kind, body, behind)) = next(rest, 4) {
        if kind == INFO {
            return Some((SocketAddr::new(address.to_canonical(), port_at(6)?), traffic(body)?));
        }
        rest = behind;
    }
    None
}

/// `tcp_info` of `linux/tcp.h`, which only grows at its end: `tcpi_rtt`, `tcpi_bytes_acked`, `tcpi_bytes_received`.
fn traffic(info: &[u8]) -> Option<Traffic> {
    let number = |at: usize| info.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes));
    let micros = u32::from_ne_bytes(*info.get(68..)?.first_chunk()?);
    Some(Traffic { rtt: Duration::from_micros(micros.into()), bytes_in: number(128)?, bytes_out: number(120)? })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_was_sent_is_what_the_kernel_counts_in_both_families() {
        for listen in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
            let listener = TcpListener::bind(listen).unwrap();
            let port = listener.local_addr().unwrap().port();
            let host = if listen.starts_with("[::1]") { "[::1]" } else { "127.0.0.1" };
            let mut client = TcpStream::connect(format!("{host}:{port}")).unwrap();
            let (mut server, peer) = listener.accept().unwrap();
            client.write_all(&[1; 700]).unwrap();
            server.read_exact(&mut [0; 700]).unwrap();
            server.write_all(&[2; 300]).unwrap();
            client.read_exact(&mut [0; 300]).unwrap();
            let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
            let by = Instant::now() + Duration::from_secs(30);
            // What was read on the same machine may be acknowledged a moment later.
            let seen = loop {
                let seen = of_port(port).unwrap()[&peer];
                if seen.bytes_out == 300 || Instant::now() > by {
                    break seen;
                }
            };
            assert_eq!((seen.bytes_in, seen.bytes_out), (700, 300), "{listen}: {seen:?}");
            assert!(seen.rtt > Duration::ZERO && seen.rtt < Duration::from_secs(5), "{listen}: {seen:?}");
            drop(client);
            assert_eq!(of_port(port).unwrap().len(), 1, "the peer has ended its half, and ours is open");
            drop(server);
            assert_eq!(of_port(port).unwrap(), ByPeer::new());
        }
    }

    #[test]
    fn bytes_that_are_no_answer_are_none() {
        let mut message = vec![0; HEADER];
        message[0] = 200;
        assert_eq!(next(&message, HEADER), None, "a length beyond the end");
        message[0] = 4;
        assert_eq!(next(&message, HEADER), None, "a length within the header");
        for length in 0..MESSAGE + 4 {
            assert_eq!(connection(&vec![0; length], 0), None, "{length}");
        }
        assert_eq!(traffic(&[1; 135]), None);
        let all_ones = u64::from_ne_bytes([1; 8]);
        assert_eq!(traffic(&[1; 136]).map(|traffic| traffic.bytes_in), Some(all_ones));
    }
}
