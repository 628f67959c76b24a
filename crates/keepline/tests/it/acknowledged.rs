//! What a handler can know of the bytes that the peer's kernel has acknowledged.

use std::sync::{Arc, Mutex};

use keepline::wire::echo::{Echo, Frame};
use keepline::{Connection, Driver, Flow, Handler, Plain, Reason, Transport, Turn};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, duplex};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;

use crate::slow_peer::{Buffered, Gate};
use crate::support::*;

/// A line that answers each wake with what it knows.
struct Asked {
    line: Line,
    answers: mpsc::Receiver<Option<bool>>,
}

impl Asked {
    fn over(io: impl Transport) -> Self {
        let (tell, answers) = mpsc::channel(1);
        let witness = Witness::woken(move |turn| {
            tell.try_send(turn.peer_has_all()).unwrap();
            Flow::Continue
        });
        let mut settings = unwatched();
        settings.outbox.bytes = 16 << 20;
        Self { line: line_over(io, witness, Echo::strict(), settings), answers }
    }

    async fn peer_has_all(&mut self) -> Option<bool> {
        self.line.connection.wake();
        self.answers.recv().await.unwrap()
    }
}

/// Ours, and a peer whose kernel takes little for a program that does not read.
async fn tcp_pair() -> (TcpStream, TcpStream) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(1).unwrap();
    socket.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(socket.into()).unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    socket2::SockRef::from(&ours).set_send_buffer_size(256 << 10).unwrap();
    (ours, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn a_peer_that_does_not_read_has_not_all_until_it_has_read() {
    // The first fits into our kernel's queue, the second waits in the outbox too.
    for size in [64 << 10, 4 << 20] {
        let (ours, mut peer) = tcp_pair().await;
        let mut asked = Asked::over(ours);
        assert_eq!(asked.peer_has_all().await, Some(true), "nothing was sent");
        asked.line.connection.send(vec![0; size].into()).unwrap();
        for _ in 0..100 {
            assert_eq!(asked.peer_has_all().await, Some(false), "{size}");
        }
        peer.read_exact(&mut vec![0; size]).await.unwrap();
        while asked.peer_has_all().await != Some(true) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn bytes_that_the_peers_kernel_has_count_though_its_program_reads_nothing() {
    let (ours, _peer) = tcp_pair().await;
    let mut asked = Asked::over(ours);
    asked.line.connection.send(frame(b"hello").into()).unwrap();
    while asked.peer_has_all().await != Some(true) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_was_sent_just_now_counts_from_the_turn_and_from_the_outbox() {
    let (ours, _peer) = tcp_pair().await;
    let (tell, mut told) = mpsc::channel(1);
    let witness = Witness::woken(move |turn| {
        let before = turn.peer_has_all();
        turn.connection().send(frame(b"pushed").into()).unwrap();
        let pushed = turn.peer_has_all();
        tell.try_send((before, pushed)).unwrap();
        Flow::Continue
    });
    let first = line_over(ours, witness, Echo::strict(), unwatched());
    first.connection.wake();
    assert_eq!(told.recv().await, Some((Some(true), Some(false))));

    let (ours, _peer) = tcp_pair().await;
    let (tell, mut told) = mpsc::channel(1);
    let witness = Witness::woken(move |turn| {
        let flow = turn.reply(Frame::data(b"replied"));
        tell.try_send(turn.peer_has_all()).unwrap();
        flow
    });
    let second = line_over(ours, witness, Echo::strict(), unwatched());
    second.connection.wake();
    assert_eq!(told.recv().await, Some(Some(false)));
}

#[tokio::test]
async fn what_the_transport_holds_back_counts() {
    let (_peer, io) = duplex(64);
    let gate = Arc::new(Mutex::new(Gate::default()));
    let mut asked = Asked::over(Buffered { io, gate: Arc::clone(&gate), held: Vec::new() });
    assert_eq!(asked.peer_has_all().await, Some(true));
    asked.line.connection.send(frame(b"hello").into()).unwrap();
    // The first call comes before the write, the second with the frame in the transport.
    for _ in 0..2 {
        assert_eq!(asked.peer_has_all().await, Some(false));
    }
    gate.lock().unwrap().open = true;
    asked.peer_has_all().await;
    assert_eq!(asked.peer_has_all().await, Some(true));
}

#[tokio::test]
async fn only_who_can_tell_does() {
    assert_eq!(Asked::over(duplex(64).0).peer_has_all().await, None, "in memory");
    assert_eq!(Asked::over(UnixStream::pair().unwrap().0).peer_has_all().await, None, "over a Unix socket");
    let (ours, _peer) = tcp_pair().await;
    assert_eq!(Asked::over(Plain::new(ours)).peer_has_all().await, None, "in a wrapper that knows nothing, as for TLS");
    let (ours, _peer) = tcp_pair().await;
    assert_eq!(Asked::over(Box::new(ours)).peer_has_all().await, Some(true), "TCP in a box");
}

/// A line that says what it knows as it begins to end.
struct Last(mpsc::Sender<(Reason, Option<bool>)>);

impl Handler for Last {
    type Codec = Echo;

    fn on_frame(&mut self, _: Frame<'_>, _: &mut Turn<'_, Echo>) -> Flow {
        Flow::Continue
    }

    fn on_closing(&mut self, reason: Reason, turn: &mut Turn<'_, Echo>) {
        self.0.try_send((reason, turn.peer_has_all())).unwrap();
    }
}

/// How a peer ends, and what the line is to know then.
struct Ending {
    what: &'static str,
    sent: usize,
    /// Gives the peer back where it lives on.
    end: fn(TcpStream, &Connection) -> Option<TcpStream>,
    knows: (Reason, Option<bool>),
}

/// A peer's half that is closed.
fn shut(peer: &TcpStream) {
    socket2::SockRef::from(peer).shutdown(std::net::Shutdown::Write).unwrap();
}

#[tokio::test]
async fn a_line_that_ends_is_asked_once_more() {
    let endings = [
        Ending { what: "nothing was sent", sent: 0, end: |_, _| None, knows: (Reason::PeerClosed, Some(true)) },
        Ending {
            what: "its half is closed, its kernel has all",
            sent: 100,
            end: |peer, _| {
                shut(&peer);
                Some(peer)
            },
            knows: (Reason::PeerClosed, Some(true)),
        },
        Ending {
            what: "its half is closed, our kernel has the rest",
            sent: 64 << 10,
            end: |peer, _| {
                shut(&peer);
                Some(peer)
            },
            knows: (Reason::PeerClosed, Some(false)),
        },
        Ending {
            what: "its half is closed, and then it has thrown away what it had not read",
            sent: 100,
            end: |peer, _| {
                shut(&peer);
                None
            },
            knows: (Reason::PeerClosed, None),
        },
        Ending {
            what: "it has thrown away what it had not read",
            sent: 100,
            end: |_, _| None,
            knows: (Reason::Reset, None),
        },
        Ending {
            what: "it is we who end",
            sent: 64 << 10,
            end: |peer, line| {
                line.close(Reason::Kicked);
                Some(peer)
            },
            knows: (Reason::Kicked, Some(false)),
        },
    ];
    for Ending { what, sent, end, knows } in endings {
        let (ours, peer) = tcp_pair().await;
        let (tell, mut told) = mpsc::channel(1);
        let driver = Driver::standalone(ours, Last(tell), Echo::strict(), unwatched());
        let connection = driver.connection();
        let task = tokio::spawn(driver);
        if sent > 0 {
            connection.send(vec![0; sent].into()).unwrap();
            peer.peek(&mut [0]).await.unwrap();
        }
        // No turn of the line lies between the steps of an end: they are seen as one.
        let _peer = end(peer, &connection);
        assert_eq!(told.recv().await, Some(knows), "{what}");
        assert_eq!(task.await.unwrap().reason, knows.0, "{what}");
        assert_eq!(told.recv().await, None, "once only: {what}");
    }
}
