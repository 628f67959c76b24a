//! Net: the peers of a client under test, in memory and in virtual time.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::io;
use std::sync::{Arc, Mutex};

use keepline::client::{Client, Connect, Event, Events, Incoming, Options, Protocol};
use keepline::wire::{Codec, WireError, echo};
use keepline::{Duration, Reason, RetryHint, Settings, liveness::Heartbeat};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What becomes of one attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A line whose peer takes this many bytes before it has read any.
    Accept(usize),
    /// A line that the peer closes at once.
    AcceptAndClose,
    Refuse,
    /// No answer ever, as when a SYN is dropped.
    Swallow,
    Panic,
}

/// The other side of a client: its attempts, and the peers of the lines that came of them.
pub(crate) struct Net {
    attempts: Arc<Mutex<Vec<(Instant, String)>>>,
    peers: mpsc::Receiver<DuplexStream>,
}

/// A connector whose attempt `n` to an endpoint, counted from 0, has the fate that the rule gives.
pub(crate) fn net(rule: impl Fn(&str, usize) -> Fate + Send + Sync + 'static) -> (impl Connect, Net) {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let (accepted, peers) = mpsc::channel(64);
    let net = Net { attempts: Arc::clone(&attempts), peers };
    let connect = move |endpoint: String| {
        let count = {
            let mut attempts = attempts.lock().unwrap();
            attempts.push((Instant::now(), endpoint.clone()));
            attempts.len() - 1
        };
        // A client that does not wait must fail a test, not hang it: virtual time stands still in a loop.
        let fate = if count < 100_000 { rule(&endpoint, count) } else { Fate::Swallow };
        let accepted = accepted.clone();
        async move {
            match fate {
                Fate::Accept(room) => {
                    let (ours, theirs) = duplex(room);
                    accepted.try_send(theirs).expect("the test takes its peers");
                    Ok(ours)
                }
                Fate::AcceptAndClose => Ok(duplex(1).0),
                Fate::Refuse => Err(io::ErrorKind::ConnectionRefused.into()),
                Fate::Swallow => std::future::pending().await,
                Fate::Panic => panic!("injected into attempt {count}"),
            }
        }
    };
    (connect, net)
}

impl Net {
    /// The peer of the next line.
    pub(crate) async fn peer(&mut self) -> DuplexStream {
        self.peers.recv().await.expect("the client lives")
    }

    pub(crate) fn attempts(&self) -> Vec<(Instant, String)> {
        self.attempts.lock().unwrap().clone()
    }

    pub(crate) fn times(&self) -> Vec<Instant> {
        self.attempts().into_iter().map(|(at, _)| at).collect()
    }
}

/// Options with the echo client's heartbeat: a ping after 5 s, 5 s for the pong.
pub(crate) fn options(endpoints: &[&str]) -> Options {
    let heartbeat = Heartbeat::client(Duration::from_secs(5), Duration::from_secs(5)).unwrap();
    let mut options = Options::new(endpoints.iter().copied(), Settings::new(heartbeat));
    options.seed = Some(7);
    options
}

/// A client that speaks [`Marked`] to one endpoint, and its line's peer.
pub(crate) async fn marked(options: Options) -> (Client<Marked>, Events, Net, DuplexStream) {
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (client, mut events) = Client::new(connect, Marked, options).unwrap();
    up(&mut events).await;
    let peer = net.peer().await;
    (client, events, net, peer)
}

/// Room for everything that a test writes.
pub(crate) const ROOM: usize = 1 << 20;

/// Waits for the line.
pub(crate) async fn up(events: &mut Events) {
    until(events, |event| matches!(event, Event::Up { .. })).await;
}

/// The first event that is looked for.
pub(crate) async fn until(events: &mut Events, wanted: impl Fn(&Event) -> bool) -> Event {
    for _ in 0..10_000 {
        let event = next(events).await;
        if wanted(&event) {
            return event;
        }
    }
    panic!("the event does not come");
}

/// The next event, in at most two hours: a client that never gets there must fail a test, not hang it.
pub(crate) async fn next(events: &mut Events) -> Event {
    let limit = std::time::Duration::from_secs(7200);
    let event = tokio::time::timeout(limit, events.next()).await.expect("an event comes");
    event.expect("the event comes before the end")
}

/// Lets every task run until it waits: virtual time moves only then.
pub(crate) async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
}

/// One frame off the wire; `None` at the end.
pub(crate) async fn read_frame(peer: &mut DuplexStream) -> Option<(u8, Vec<u8>)> {
    let length = peer.read_u32().await.ok()?;
    let mut frame = vec![0; length as usize - 4];
    peer.read_exact(&mut frame).await.ok()?;
    Some((frame[0], frame.split_off(1)))
}

/// One frame onto the wire.
pub(crate) async fn write_frame(peer: &mut (impl AsyncWrite + Unpin), kind: u8, content: &[u8]) {
    let mut frame = (content.len() as u32 + 5).to_be_bytes().to_vec();
    frame.push(kind);
    frame.extend_from_slice(content);
    peer.write_all(&frame).await.unwrap();
}

/// A protocol on echo frames whose type says what a frame means, so that a peer can say everything.
pub(crate) struct Marked;

impl Marked {
    /// The answer to the oldest message.
    pub(crate) const ANSWER: u8 = 3;
    /// An answer behind the id of its message, in one byte.
    pub(crate) const ANSWER_TO: u8 = 4;
    pub(crate) const PUSH: u8 = 5;
    /// The code of a reason in two bytes, and the seconds of a hint in one, if there is one.
    pub(crate) const GOODBYE: u8 = 6;
    pub(crate) const PANIC: u8 = 7;
}

impl Protocol for Marked {
    type Codec = echo::Echo;
    type Message = Vec<u8>;
    type Answer = Vec<u8>;

    fn codec(&mut self) -> echo::Echo {
        echo::Echo::strict()
    }

    fn encode(&mut self, _: u64, message: Vec<u8>, codec: &mut echo::Echo, out: &mut Vec<u8>) -> Result<(), WireError> {
        codec.encode(echo::Frame::data(&message), out)
    }

    fn on_frame(&mut self, frame: echo::Frame<'_>) -> Incoming<Vec<u8>> {
        match (frame.kind, frame.content) {
            (Self::ANSWER, answer) => Incoming::Answer(answer.to_vec()),
            (Self::ANSWER_TO, [id, answer @ ..]) => Incoming::AnswerTo((*id).into(), answer.to_vec()),
            (Self::PUSH, push) => Incoming::Push(push.to_vec()),
            (Self::GOODBYE, [high, low, hint @ ..]) => {
                let reason = Reason::from_code(u16::from_be_bytes([*high, *low])).unwrap();
                let after = |secs: &u8| Duration::from_secs((*secs).into());
                let hint = hint.first().map(|secs| RetryHint { after: after(secs), spread: Duration::ZERO });
                Incoming::Goodbye(reason, hint)
            }
            (Self::PANIC, _) => panic!("injected into the protocol"),
            _ => Incoming::Ignore,
        }
    }
}
