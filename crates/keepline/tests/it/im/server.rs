//! Server: the other end of a chat's line, frame by frame.

use std::time::Duration as StdDuration;

use keepline::im::{Chat, Event, Events, Options, Token};
use keepline::wire::dialect::Dialect;
use keepline::wire::im::v1::{self, frame::Body};
use keepline::wire::im::{Accepts, Im, framed};
use keepline::wire::{Codec, Decoded, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::client_net::{Fate, Net, ROOM, net};

/// Longer than anything that a test waits for.
const PATIENCE: StdDuration = StdDuration::from_secs(7200);

/// The server's end of one line.
pub(super) struct Server {
    io: DuplexStream,
    codec: Im,
    buffer: Vec<u8>,
    /// Pings that were read and answered.
    pub(super) pings: usize,
}

/// What the server has heard.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Body(Body),
    End,
}

impl Server {
    /// The end of the next line.
    pub(super) async fn accept(net: &mut Net) -> Self {
        let io = net.peer().await;
        Self { io, codec: Im::server(Accepts { cim: false }), buffer: Vec::new(), pings: 0 }
    }

    /// The next line, let in.
    pub(super) async fn welcome(net: &mut Net, epoch: u64) -> Self {
        let mut server = Self::accept(net).await;
        let Said::Body(Body::Hello(_)) = server.next().await else { panic!("not a hello") };
        server.say(Body::Welcome(welcome(epoch))).await;
        server
    }

    pub(super) async fn say(&mut self, body: Body) {
        let frame = framed(&v1::Frame { magic: 0, body: Some(body) }, Im::AFTER_LOGIN).unwrap();
        // A line that has ended is for the test to find out.
        let _ = self.io.write_all(&frame).await;
    }

    pub(super) async fn deliver(&mut self, conversation: &str, seq: u64) {
        self.say(Body::Deliver(v1::Deliver {
            conversation: conversation.to_owned(),
            seq,
            sender: "ben".to_owned(),
            message_id: vec![1; 16].into(),
            body: seq.to_string().into(),
            ..v1::Deliver::default()
        }))
        .await;
    }

    pub(super) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.io.write_all(bytes).await;
    }

    /// The next frame; pings are answered.
    pub(super) async fn next(&mut self) -> Said {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("a frame comes, or the end")
    }

    /// The next message that is sent: its id and its text.
    pub(super) async fn sent(&mut self) -> (Vec<u8>, String) {
        match self.next().await {
            Said::Body(Body::Send(send)) => (send.message_id.to_vec(), String::from_utf8(send.body.to_vec()).unwrap()),
            other => panic!("{other:?} instead of a message"),
        }
    }

    /// Whether so much time passes without a frame; pings are answered.
    pub(super) async fn hears_nothing_for(&mut self, time: StdDuration) -> bool {
        tokio::time::timeout(time, self.read()).await.is_err()
    }

    async fn read(&mut self) -> Said {
        loop {
            let (bytes, said) = match self.codec.decode(&self.buffer).unwrap() {
                Decoded::Partial { .. } => match self.io.read_buf(&mut self.buffer).await {
                    Ok(1..) => continue,
                    Ok(0) | Err(_) => return Said::End,
                },
                Decoded::Frame { bytes, message: Message::Data(frame) } => {
                    assert_eq!(frame.dialect, Dialect::V1);
                    (bytes, frame.v1().unwrap().body)
                }
                Decoded::Frame { bytes, message: Message::Ping(nonce) } => {
                    self.pings += 1;
                    let mut pong = Vec::new();
                    self.codec.pong(nonce, &mut pong);
                    self.raw(&pong).await;
                    (bytes, None)
                }
                Decoded::Frame { bytes, message: Message::Pong(_) } | Decoded::Skip { bytes, .. } => (bytes, None),
            };
            self.buffer.drain(..bytes);
            if let Some(body) = said {
                return Said::Body(body);
            }
        }
    }
}

pub(super) fn welcome(epoch: u64) -> v1::Welcome {
    v1::Welcome { session: 1, epoch, user: "ann".to_owned(), node: "n1".to_owned(), ..v1::Welcome::default() }
}

pub(super) fn options() -> Options {
    let mut options = Options::new(["a"], Token::new("t-1"), "phone");
    options.seed = Some(7);
    options
}

/// A chat whose every attempt is answered.
pub(super) fn chat(options: Options) -> (Chat, Events, Net) {
    let (connect, net) = net(|_, _| Fate::Accept(ROOM));
    let (chat, events) = Chat::start_over(connect, options).unwrap();
    (chat, events, net)
}

/// The next event that is wanted; the rest is dropped.
pub(super) async fn next<T>(events: &mut Events, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = events.next().await.expect("not the end");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    // Of all events together: a client that tries for ever tells of it for ever.
    tokio::time::timeout(PATIENCE, found).await.expect("the event comes")
}

/// The numbers of the next messages, in the order in which they come; 0 for a gap or a reset.
pub(super) async fn numbers(events: &mut Events, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let number = |event: &Event| match event {
            Event::Message(message) => Some(message.seq),
            Event::Gap(_) | Event::Reset(_) => Some(0),
            _ => None,
        };
        numbers.push(next(events, number).await);
    }
    numbers
}
