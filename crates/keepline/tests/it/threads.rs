//! Handles on many threads: nothing that was taken is lost, and each sender's order stays. Real threads, real sockets.

use keepline::wire::echo::{Echo, Frame};
use keepline::{Connection, Reason, SendError};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::*;

const SENDERS: u8 = 8;
const MESSAGES: u32 = 5_000;

/// Sends numbered messages, again where the outbox is full.
async fn send_all(connection: Connection, sender: u8) {
    for number in 0..MESSAGES {
        let message: bytes::Bytes = frame(&[&[sender][..], &number.to_be_bytes()].concat()).into();
        while let Err(error) = connection.send(message.clone()) {
            assert!(matches!(error, SendError::Full { .. }), "{error}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_senders_lose_nothing_and_keep_their_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (ours, _) = listener.accept().await.unwrap();
    let line = line_over(ours, Witness::mirror(), Echo::strict(), watched());
    let senders: Vec<_> = (0..SENDERS).map(|sender| tokio::spawn(send_all(line.connection.clone(), sender))).collect();
    let connection = line.connection.clone();
    let close = tokio::spawn(async move {
        for sender in senders {
            sender.await.unwrap();
        }
        // What is waiting still goes out.
        connection.close(Reason::Draining);
    });
    let mut next = [0; SENDERS as usize];
    let mut peer = BufReader::new(peer);
    let mut message = [0; 10];
    while peer.read_exact(&mut message).await.is_ok() {
        assert_eq!(message[..5], [0, 0, 0, 10, Frame::DATA]);
        let number = u32::from_be_bytes(message[6..].try_into().unwrap());
        let next = &mut next[usize::from(message[5])];
        assert_eq!(number, *next);
        *next += 1;
    }
    assert_eq!(next, [MESSAGES; SENDERS as usize]);
    close.await.unwrap();
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::Draining);
}
