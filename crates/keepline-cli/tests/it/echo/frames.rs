//! The server, byte for byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::Server;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    stream.set_nodelay(true).expect("no delay");
    stream
}

fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("an answer");
    bytes
}

#[test]
fn p07_echo_comes_back_without_a_ping() {
    let server = Server::start("");
    let mut stream = connect(&server);
    for kind in [0, 3, 4, 9, 255] {
        let frame = [&[0, 0, 0, 17, kind][..], b"client msg 0"].concat();
        stream.write_all(&frame).unwrap();
        assert_eq!(read(&mut stream, 17), frame, "type {kind}");
    }
    drop(stream);
    let counts = server.stop().closed();
    assert_eq!((&counts["echoes"], &counts["pings"]), (&5.into(), &0.into()));
}

#[test]
fn pings_in_pieces_and_in_one_piece_are_answered_each() {
    let server = Server::start("");
    let mut stream = connect(&server);
    for byte in b"\0\0\0\x05\x01" {
        stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(read(&mut stream, 5), b"\0\0\0\x05\x02");
    stream.write_all(b"\0\0\0\x05\x01\0\0\0\x07\x01xy\0\0\0\x06\x03z").unwrap();
    assert_eq!(read(&mut stream, 16), b"\0\0\0\x05\x02\0\0\0\x05\x02\0\0\0\x06\x03z");
    drop(stream);
    assert_eq!(server.stop().closed()["pongs"], 3);
}

#[test]
fn a_bad_length_closes_the_line_or_is_skipped_as_netty_does() {
    for (flag, length, answered) in
        [("", 3, false), ("", 1025, false), ("--netty-compatible", 3, true), ("--netty-compatible", 4, true)]
    {
        let server = Server::start(flag);
        let mut stream = connect(&server);
        stream.write_all(&u32::to_be_bytes(length)).unwrap();
        if answered {
            stream.write_all(b"\0\0\0\x05\x01").unwrap();
            assert_eq!(read(&mut stream, 5), b"\0\0\0\x05\x02", "{flag} length {length}");
            let skipped = server.process.event("skipped");
            assert!(skipped["error"].as_str().unwrap().contains(&length.to_string()), "{skipped}");
        } else {
            assert_eq!(stream.read(&mut [0; 5]).unwrap(), 0, "{flag} length {length}");
            let down = server.process.event("down");
            let reason = if length > 1024 { "too_large" } else { "protocol_error" };
            assert_eq!((&down["reason"], &down["side"]), (&reason.into(), &"server".into()), "{down}");
        }
    }
}
