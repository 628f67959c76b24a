//! A server of mirrors, seen from plain sockets.

use std::sync::Arc;

use keepline::serve::{Limits, Server};
use keepline::wire::echo::{Echo, Frame};
use keepline::{Duration, Flow, Handler, Settings, Turn, liveness::Heartbeat};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::serve_support::*;
use crate::support::*;

struct Mirror;

impl Handler for Mirror {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        turn.reply(frame)
    }
}

#[tokio::test]
async fn a_ping_is_answered_and_data_comes_back_in_one_turn() {
    let settings = Settings::new(Heartbeat::watch(Duration::from_secs(10)).unwrap());
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let address = server.local_addr().unwrap();
    let handle = server.handle();
    let running = tokio::spawn(server.run(|_| (Mirror, Echo::strict())));
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(b"\0\0\0\x05\x01\0\0\0\x07\x09hi\0\0").await.unwrap();
    let mut answer = [0; 12];
    peer.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"\0\0\0\x05\x02\0\0\0\x07\x09hi");
    assert_eq!(handle.snapshot().len(), 1);
    peer.write_all(b"\0\x05\x01").await.unwrap();
    peer.read_exact(&mut answer[..5]).await.unwrap();
    handle.drain(Duration::ZERO);
    assert_eq!(peer.read(&mut answer).await.unwrap(), 0);
    running.await.unwrap();
    assert_eq!(handle.lines(), 0);
}

#[tokio::test]
async fn an_observer_hears_from_where_a_line_comes() {
    let server = server(unwatched(), Limits::default());
    let (one, two) = (joined(server.address).await, joined(server.address).await);
    let addresses = [&one, &two].map(|peer| Some(peer.local_addr().unwrap()));
    assert_eq!(*server.books.opened.lock().unwrap(), addresses);

    let mut settings = unwatched();
    settings.observer = Some(Arc::clone(&server.books) as _);
    let (mut peer, _line) = line(Witness::mirror(), settings, 64);
    peer.settle().await;
    assert_eq!(server.books.opened.lock().unwrap()[2..], [None], "a line of no server");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_their_sentence() {
    let mut settings = Settings::new(Heartbeat::watch(Duration::from_secs(10)).unwrap());
    settings.outbox.messages = 0;
    let expected = settings.check().unwrap_err().to_string();
    let error = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (std::io::ErrorKind::InvalidInput, expected));
}
