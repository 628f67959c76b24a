//! `Line`: one connection: the login, frames in and out, and the heartbeat.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use keepline_proto::Reason;
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::wire::im::{Im, framed};
use keepline_proto::wire::{Codec, Decoded, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until, timeout};

use super::ending::Ending;
use crate::history::monotonic;
use crate::options::Options;

/// The first frame of a client: the letters KPL1 in the order of the bytes.
const MAGIC: u32 = u32::from_le_bytes(*b"KPL1");
/// Pings after this much quiet where the server states no terms.
const PING_AFTER: Duration = Duration::from_secs(10);

pub(super) struct Line {
    input: OwnedReadHalf,
    output: OwnedWriteHalf,
    codec: Im,
    /// What has come and is not yet decoded.
    received: Vec<u8>,
    /// What is to be written. It stays small: sends are bounded by `in_flight`, the rest answers what was read.
    unsent: Vec<u8>,
    reading: Reading,
    heartbeat: Heartbeat,
}

/// How much room a read has, in bytes.
const READ: usize = 16 * 1024;

/// Whether what the server says is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    On,
    /// Nothing is read, and silence is not judged: we are the ones who don't listen. Pings go on, so that a server
    /// sees a slow consumer and not a dead one.
    Off,
}

/// When to ping, and when to give up.
struct Heartbeat {
    ping_after: Duration,
    patience: Duration,
    last_read: Instant,
    last_write: Instant,
    /// When the ping was sent that nothing has been read after.
    pinged: Option<Instant>,
}

impl Line {
    /// Connects and logs in.
    pub(super) async fn open(options: &Options) -> Result<(Self, v1::Welcome), Ending> {
        // Twice the patience: to be connected, and to be answered.
        let opened = timeout(options.patience * 2, Self::login(options)).await;
        opened.unwrap_or_else(|_| Err(Ending::Cut("no answer to the login".to_owned())))
    }

    async fn login(options: &Options) -> Result<(Self, v1::Welcome), Ending> {
        let stream = connect(options.server, options.receive_buffer).await.map_err(|error| cut(&error))?;
        let (input, output) = stream.into_split();
        let heartbeat = Heartbeat::new(options.patience);
        let codec = Im::client();
        let (received, unsent, reading) = (Vec::new(), Vec::new(), Reading::On);
        let mut line = Self { input, output, codec, received, unsent, reading, heartbeat };
        let hello = v1::Hello { token: options.token.clone(), device: options.device.clone(), ..Default::default() };
        line.put(&v1::Frame { magic: MAGIC, body: Some(Body::Hello(hello)) });
        match line.next().await? {
            Body::Welcome(welcome) => {
                if let Some(terms) = &welcome.terms {
                    line.set_terms(terms);
                }
                Ok((line, welcome))
            }
            Body::Close(close) => Err(Ending::closed(close)),
            other => Err(Ending::Cut(format!("not a welcome: {other:?}"))),
        }
    }

    /// Puts a frame behind what is to be written; [`next`](Self::next) writes it.
    pub(super) fn say(&mut self, body: Body) {
        self.put(&v1::Frame { magic: 0, body: Some(body) });
    }

    pub(super) fn freeze(&mut self) {
        self.reading = Reading::Off;
    }

    pub(super) fn thaw(&mut self) {
        self.reading = Reading::On;
        self.heartbeat.on_read();
    }

    pub(super) fn set_terms(&mut self, terms: &v1::Terms) {
        if terms.ping_after_ms > 0 {
            self.heartbeat.ping_after = Duration::from_millis(terms.ping_after_ms.into());
        }
    }

    /// The next frame that is no heartbeat. Writes, answers pings and pings meanwhile. May be dropped at any time: what
    /// was read or written so far is kept.
    pub(super) async fn next(&mut self) -> Result<Body, Ending> {
        loop {
            if self.reading == Reading::On
                && let Some(body) = self.decode()?
            {
                return Ok(body);
            }
            let deadline = self.heartbeat.deadline(self.reading);
            // Else tokio reads 64 bytes at a time.
            self.received.reserve(READ);
            tokio::select! {
                read = self.input.read_buf(&mut self.received), if self.reading == Reading::On => match read {
                    Ok(0) => return Err(Ending::Cut("closed by the server".to_owned())),
                    Ok(_) => self.heartbeat.on_read(),
                    Err(error) => return Err(cut(&error)),
                },
                written = self.output.write(&self.unsent), if !self.unsent.is_empty() => match written {
                    Ok(bytes) => {
                        self.unsent.drain(..bytes);
                        self.heartbeat.last_write = Instant::now();
                    }
                    Err(error) => return Err(cut(&error)),
                },
                () = sleep_until(deadline) => self.on_deadline()?,
            }
        }
    }

    /// Says goodbye, as far as the socket takes it at once.
    pub(super) async fn farewell(&mut self) {
        self.codec.farewell(Reason::Bye, &mut self.unsent);
        let _ = timeout(Duration::from_millis(100), self.output.write_all(&self.unsent)).await;
    }

    fn put(&mut self, frame: &v1::Frame) {
        // A message over the limit can't be sent by anybody: the test that asks for it is wrong.
        let bytes = framed(frame, Im::AFTER_LOGIN).expect("a frame within the limit");
        self.unsent.extend_from_slice(&bytes);
    }

    fn decode(&mut self) -> Result<Option<Body>, Ending> {
        loop {
            let malformed = |error: &dyn std::fmt::Display| Ending::Cut(format!("not understood: {error}"));
            let (bytes, message) = match self.codec.decode(&self.received).map_err(|error| malformed(&error))? {
                Decoded::Partial { .. } => return Ok(None),
                Decoded::Skip { bytes, .. } => (bytes, None),
                Decoded::Frame { bytes, message } => match message {
                    Message::Data(frame) => (bytes, frame.v1().map_err(|error| malformed(&error))?.body),
                    Message::Ping(nonce) => {
                        self.codec.pong(nonce, &mut self.unsent);
                        (bytes, None)
                    }
                    Message::Pong(_) => (bytes, None),
                },
            };
            self.received.drain(..bytes);
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    fn on_deadline(&mut self) -> Result<(), Ending> {
        let now = Instant::now();
        if self.reading == Reading::On {
            if self.heartbeat.pinged.is_some_and(|at| at + self.heartbeat.patience <= now) {
                return self.judge_silence();
            }
            self.heartbeat.pinged.get_or_insert(now);
        }
        // While the socket takes nothing, a second ping says no more than the first.
        if self.unsent.is_empty() {
            self.codec.ping(Some(1), &mut self.unsent);
        }
        self.heartbeat.last_write = now;
        Ok(())
    }

    /// Looks once more before it gives the line up: we may be the ones who were late.
    fn judge_silence(&mut self) -> Result<(), Ending> {
        match self.input.try_read_buf(&mut self.received) {
            Ok(1..) => {
                self.heartbeat.on_read();
                Ok(())
            }
            Ok(_) => Err(Ending::Cut("closed by the server".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Ending::Cut("silent".to_owned())),
            Err(error) => Err(cut(&error)),
        }
    }
}

impl Heartbeat {
    fn new(patience: Duration) -> Self {
        let now = Instant::now();
        Self { ping_after: PING_AFTER, patience, last_read: now, last_write: now, pinged: None }
    }

    fn on_read(&mut self) {
        self.last_read = Instant::now();
        self.pinged = None;
    }

    /// The next time to look.
    fn deadline(&self, reading: Reading) -> Instant {
        let quiet = match (reading, self.pinged) {
            (Reading::On, None) => self.last_read.min(self.last_write),
            (Reading::On, Some(_)) | (Reading::Off, _) => self.last_write,
        };
        let ping = quiet + self.ping_after;
        self.pinged.filter(|_| reading == Reading::On).map_or(ping, |at| ping.min(at + self.patience))
    }
}

/// The time of the core's backoff.
pub(super) fn now() -> keepline_proto::Instant {
    keepline_proto::Instant::from_nanos(monotonic())
}

async fn connect(to: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn cut(error: &io::Error) -> Ending {
    Ending::Cut(error.to_string())
}
