//! The end of a cim line: what its peer's kernel has then, counts as delivered if the line ends in order; nothing else.
//!
//! Real sockets, and time that stands still: the looks that come some time after a push never come.

use std::net::{Shutdown, TcpStream as Socket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use keepline::{Driver, Reason, Report};
use keepline_proto::wire::dialect::Dialect;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::cim::{Town, pair, said, town, user};
use crate::stage::*;

/// While this lives, paused time does not go on by itself, although everybody waits.
struct Still(#[expect(dead_code, reason = "dropped is all it has to be")] mpsc::SyncSender<()>);

impl Still {
    fn stand() -> Self {
        let (stands, moves) = mpsc::sync_channel(0);
        // tokio's clock waits for whoever blocks.
        drop(spawn_blocking(move || moves.recv()));
        Self(stands)
    }
}

/// Waits in real time, which the clock of the runtime knows nothing of.
async fn really(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never came to be: {what}");
        spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
    }
}

/// A logged-in client of cim, with its socket a second time.
async fn enter(town: &Town) -> (Peer, Socket, JoinHandle<Report>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(listener.local_addr().unwrap()).await.unwrap();
    let (line, codec) = town.stage.lines.line(None);
    let (accepted, _) = listener.accept().await.unwrap();
    let task = tokio::spawn(Driver::standalone(accepted, line, codec, town.stage.lines.server_settings()));
    let stream = stream.into_std().unwrap();
    let socket = stream.try_clone().unwrap();
    let mut peer = Peer::new(tokio::net::TcpStream::from_std(stream).unwrap(), Dialect::Cim21);
    peer.login_of_cim(Dialect::Cim21, town.zs, "zs").await;
    really("he is online", || town.stage.is_online(&user(town.zs))).await;
    (peer, socket, task)
}

/// What a client does with what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    All,
    Nothing,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its half, in order; it would still read.
    Half,
    /// Altogether.
    Whole,
    /// Its half first, and at once the rest.
    Both,
}

#[tokio::test(start_paused = true)]
async fn what_the_peer_has_as_its_line_ends_in_order_is_delivered() {
    // So many messages of so many bytes, how they are taken, how it ends; the reason, and whether they count.
    let table = [
        (1, 100, Reads::All, End::Whole, Reason::PeerClosed, true),
        (1, 100, Reads::All, End::Half, Reason::PeerClosed, true),
        (3, 20_000, Reads::All, End::Whole, Reason::PeerClosed, true),
        // Its kernel has it, and it may still read.
        (1, 100, Reads::Nothing, End::Half, Reason::PeerClosed, true),
        // Our kernel has most of it.
        (3, 20_000, Reads::Nothing, End::Half, Reason::PeerClosed, false),
        // Its kernel threw away what was not read.
        (1, 100, Reads::Nothing, End::Whole, Reason::Reset, false),
        (1, 100, Reads::Nothing, End::Both, Reason::PeerClosed, false),
    ];
    for (messages, bytes, reads, end, reason, delivered) in table {
        let row = format!("{messages} of {bytes} bytes, {reads:?} read, {end:?} closed");
        let town = town().await;
        let _still = Still::stand();
        let (mut peer, socket, task) = enter(&town).await;
        really("he is caught up", || town.stage.is_quiet()).await;
        let (conversation, text) = (pair(town.zs, town.ls), "x".repeat(bytes));
        for i in 1..=messages {
            town.stage.say_as(&user(town.ls), &conversation, &format!("m{i}"), &text).await.unwrap();
        }
        if reads == Reads::All {
            for _ in 0..messages {
                peer.next_of_cim().await.unwrap();
            }
        }
        let session = town.stage.hub.sessions_of(&user(town.zs).parse().unwrap()).remove(0);
        really("it is with the kernels", || session.connection().queued().messages == 0).await;
        let mut byte = [0];
        really("it has come", || reads == Reads::All || socket.peek(&mut byte).is_ok()).await;
        assert!(session.on_the_way().is_some(), "{row}: nobody has looked yet");
        // No turn of the server lies between these.
        if end != End::Whole {
            socket.shutdown(Shutdown::Write).unwrap();
        }
        let stays = (end == End::Half).then_some((peer, socket));
        assert_eq!(task.await.unwrap().reason, reason, "{row}");
        let expected = delivered.then(|| (format!("m.{conversation}"), messages));
        assert_eq!(town.stage.marks(&user(town.zs), "cim").await, Vec::from_iter(expected), "{row}");
        drop(stays);
        assert_eq!(heard_again(&town).await, if delivered { 0 } else { messages }, "{row}: how much comes again");
    }
}

/// How many messages come at the next login, before one that is said then.
async fn heard_again(town: &Town) -> u64 {
    let (mut peer, _socket, _task) = enter(town).await;
    town.stage.say(&user(town.ls), &pair(town.zs, town.ls), "next").await.unwrap();
    let mut again = 0;
    loop {
        for text in said(Dialect::Cim21, &peer.next_of_cim().await.unwrap(), town.zs).1 {
            if text == "next" {
                return again;
            }
            again += 1;
        }
    }
}
