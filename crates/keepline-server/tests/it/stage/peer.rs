//! Peer: the client's end of a line in memory, frame by frame.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::v1::{self, frame::Body, hello::Role};
use keepline_proto::wire::im::{Im, cim, framed};
use keepline_proto::wire::{Codec, Decoded, Message};
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::id;

/// How long a peer waits for a frame: longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(120);

/// The client's end of a line.
pub(crate) struct Peer {
    io: Box<dyn Stream>,
    codec: Im,
    buffer: BytesMut,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Peer {
    pub(crate) fn new(io: impl Stream + 'static, dialect: Dialect) -> Self {
        Self { io: Box::new(io), codec: Im::client_of(dialect), buffer: BytesMut::new() }
    }

    pub(crate) async fn send(&mut self, body: Body) {
        let magic = if matches!(body, Body::Hello(_)) { Dialect::MAGIC } else { 0 };
        let frame = framed(&v1::Frame { magic, body: Some(body) }, Im::AFTER_LOGIN).unwrap();
        // A line that has ended is for the test to find out.
        let _ = self.io.write_all(&frame).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.io.write_all(bytes).await;
    }

    /// The next frame that is no heartbeat; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Body> {
        let frame = self.frame().await?;
        v1::Frame::decode(&frame[..]).unwrap().body
    }

    /// The next frame of cim that is no pong; `None` at the end.
    pub(crate) async fn next_of_cim(&mut self) -> Option<cim::Frame> {
        let frame = self.frame().await?;
        Some(cim::Frame::decode(&frame[..]).unwrap())
    }

    /// The next frame that is no heartbeat, without its length; `None` at the end. Pings are answered.
    pub(crate) async fn frame(&mut self) -> Option<Vec<u8>> {
        // Counted over all heartbeats: in paused time these come at once, for ever.
        tokio::time::timeout(PATIENCE, self.read_frame()).await.expect("a frame comes, or the end")
    }

    async fn read_frame(&mut self) -> Option<Vec<u8>> {
        loop {
            let (bytes, message) = match self.codec.decode(&self.buffer).unwrap() {
                Decoded::Frame { bytes, message: Message::Data(frame) } => (bytes, Message::Data(frame.body.to_vec())),
                Decoded::Frame { bytes, message: Message::Ping(nonce) } => (bytes, Message::Ping(nonce)),
                Decoded::Frame { bytes, message: Message::Pong(nonce) } => (bytes, Message::Pong(nonce)),
                Decoded::Skip { .. } => panic!("the codec skips nothing"),
                Decoded::Partial { .. } => {
                    if self.io.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                        return None;
                    }
                    continue;
                }
            };
            self.buffer.advance(bytes);
            match message {
                Message::Data(frame) => return Some(frame),
                Message::Ping(nonce) => {
                    let mut pong = Vec::new();
                    self.codec.pong(nonce, &mut pong);
                    self.write(&pong).await;
                }
                Message::Pong(_) => {}
            }
        }
    }

    pub(crate) async fn login_of_cim(&mut self, dialect: Dialect, id: i64, name: &str) {
        let command = i32::from(dialect == Dialect::Cim1);
        let login = cim::Frame { text: name.to_owned(), id, command, ..cim::Frame::default() };
        self.write(&framed(&login, Im::BEFORE_LOGIN).unwrap()).await;
    }

    pub(crate) async fn ping(&mut self) {
        let mut ping = Vec::new();
        self.codec.ping(Some(1), &mut ping);
        self.write(&ping).await;
    }

    /// The next delivery: conversation, number, text.
    pub(crate) async fn delivery(&mut self) -> (String, u64, String) {
        match self.next().await {
            Some(Body::Deliver(deliver)) => {
                (deliver.conversation, deliver.seq, String::from_utf8_lossy(&deliver.body).into_owned())
            }
            other => panic!("{other:?} instead of a delivery"),
        }
    }

    pub(crate) async fn ack(&mut self, conversation: &str, seq: u64) {
        self.send(Body::DeliverAck(v1::DeliverAck { conversation: conversation.to_owned(), seq })).await;
    }

    pub(crate) async fn say(&mut self, conversation: &str, text: &str) {
        let message_id = id(text).to_bytes().to_vec().into();
        let body = text.to_owned().into();
        self.send(Body::Send(v1::Send { conversation: conversation.to_owned(), message_id, kind: 0, body })).await;
    }

    /// Says something; the number that it gets. Deliveries in front of the answer are dropped.
    pub(crate) async fn say_and_hear(&mut self, conversation: &str, text: &str) -> u64 {
        self.say(conversation, text).await;
        loop {
            match self.next().await {
                Some(Body::SendAck(ack)) => return ack.seq,
                Some(Body::Deliver(_)) => {}
                other => panic!("{other:?} instead of an acknowledgement"),
            }
        }
    }

    /// Nothing comes for 20 s of paused time.
    pub(crate) async fn hears_nothing(&mut self) {
        let waited = tokio::time::timeout(Duration::from_secs(20), self.next()).await;
        assert!(waited.is_err(), "{waited:?} instead of nothing");
    }
}

pub(crate) fn hello(token: &str, device: &str) -> Body {
    let (token, device) = (token.to_owned(), device.to_owned());
    Body::Hello(v1::Hello { role: Role::Session.into(), token, device, wish: None })
}

pub(crate) fn deliver(conversation: &str, seq: u64, text: &str) -> (String, u64, String) {
    (conversation.to_owned(), seq, text.to_owned())
}
