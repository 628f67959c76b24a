//! What the kernel says of connections whose peers read, do not read, or are gone.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use keepline_outq::unacknowledged;

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (ours, listener.accept().unwrap().0)
}

/// Writes until the socket takes no more: both kernels' buffers are full then.
fn fill(ours: &mut TcpStream) -> usize {
    ours.set_nonblocking(true).unwrap();
    let mut written = 0;
    loop {
        match ours.write(&[7; 64 << 10]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return written,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_new_connection_owes_nothing() {
    let (ours, peer) = pair();
    assert_eq!((unacknowledged(&ours).unwrap(), unacknowledged(&peer).unwrap()), (0, 0));
}

#[test]
fn what_the_peers_kernel_has_no_room_for_is_counted_until_the_peer_reads() {
    let (mut ours, mut peer) = pair();
    let written = fill(&mut ours);
    let waiting = unacknowledged(&ours).unwrap();
    assert!((1..=written).contains(&waiting), "{waiting} of {written}");
    peer.read_exact(&mut vec![0; written]).unwrap();
    while unacknowledged(&ours).unwrap() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn what_a_reset_destroyed_stays_counted() {
    let (mut ours, peer) = pair();
    fill(&mut ours);
    // Closed with unread bytes: the peer's kernel answers with a reset.
    drop(peer);
    while ours.take_error().unwrap().is_none() {
        std::thread::yield_now();
    }
    assert_ne!(unacknowledged(&ours).unwrap(), 0);
}

#[test]
fn what_is_no_connection_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(unacknowledged(&listener).unwrap_err().kind(), ErrorKind::InvalidInput);
    let file = std::fs::File::open("/proc/self/status").unwrap();
    assert!(unacknowledged(&file).is_err());
}
