//! Place: clients that come from an address of their choice, of the many that loopback has.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::harness::{Im, PATIENCE, hello_of};

/// The password of everybody whom the harness registers.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// An address of loopback that is not 127.0.0.1.
pub(super) const fn place(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 1, 0, number)
}

/// A connection from there.
#[track_caller]
pub(super) fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((from, 0)).into()).expect("loopback has the address");
    socket.connect(&to.into()).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    stream
}

/// The first words of a server to a hello.
#[derive(Debug)]
pub(super) enum Word {
    Welcome(TcpStream),
    /// By its name, with the time to wait in ms.
    Close(String, u64),
    /// The end without a word.
    End,
}

/// Says hello from an address, and hears the answer.
#[track_caller]
pub(super) fn login(from: Ipv4Addr, im: &Im, token: &str, device: &str) -> Word {
    first_word(knock(from, im.server.tcp, token, device))
}

/// Says hello from an address.
#[track_caller]
pub(super) fn knock(from: Ipv4Addr, to: SocketAddr, token: &str, device: &str) -> TcpStream {
    let mut stream = connect(from, to);
    // It may be closed before this is written.
    let _ = stream.write_all(&hello_of(token, device));
    stream
}

/// Hears the answer to a hello.
#[track_caller]
pub(super) fn first_word(mut stream: TcpStream) -> Word {
    let mut length = [0];
    match stream.read(&mut length) {
        Ok(1) => {}
        Ok(_) => return Word::End,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return Word::End,
        Err(error) => panic!("{error}"),
    }
    let mut frame = vec![0; length[0].into()];
    stream.read_exact(&mut frame).expect("a whole frame");
    match frame.get(..2) {
        Some([0x8a, 0x01]) => Word::Welcome(stream),
        Some([0x72, _]) => close(&frame),
        _ => panic!("{frame:x?}"),
    }
}

/// Reads a `Close`: its reason is field 2 of the message within, the time to wait field 3.
#[track_caller]
fn close(frame: &[u8]) -> Word {
    // Before it are the two of the body and the three of a code.
    assert_eq!(frame[5], 0x12, "{frame:x?}");
    let (name, rest) = frame[7..].split_at(frame[6].into());
    let mut wait = 0;
    if let [0x18, digits @ ..] = rest {
        for (i, digit) in digits.iter().enumerate() {
            wait |= u64::from(digit & 0x7f) << (7 * i);
        }
    }
    Word::Close(String::from_utf8(name.to_vec()).expect("a name"), wait)
}

/// An answer of HTTP: its status, `Retry-After` in seconds, its JSON.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) json: Value,
}

/// Posts JSON from an address.
#[track_caller]
pub(super) fn post(from: Ipv4Addr, to: SocketAddr, path: &str, json: &Value) -> Answer {
    let body = json.to_string();
    let head = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    ask(from, to, &format!("POST {path}"), &head, &body)
}

/// Asks by a method and a path, with these lines of headers, each with its end, and this body.
#[track_caller]
pub(super) fn ask(from: Ipv4Addr, to: SocketAddr, what: &str, head: &str, body: &str) -> Answer {
    let mut stream = connect(from, to);
    // Who is turned away may be so before this is written.
    let _ = write!(stream, "{what} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n{head}\r\n{body}");
    answer(&mut stream)
}

/// The one answer that there is on a connection, to its end.
#[track_caller]
pub(super) fn answer(stream: &mut TcpStream) -> Answer {
    let text = until_closed(stream);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of headers: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let header = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("retry-after: ")?.parse().ok());
    Answer { status, retry_after: header, json: serde_json::from_str(body).unwrap_or(Value::Null) }
}

/// All that comes until the peer closes, or resets.
#[track_caller]
pub(super) fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("it does not close: {error}"),
        _ => String::from_utf8(bytes).expect("answers are text"),
    }
}
