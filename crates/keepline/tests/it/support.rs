//! A handler that writes down what happens, and the peer's end of a line.

use std::fmt;
use std::sync::{Arc, Mutex};

use keepline::liveness::{Heartbeat, IdleEvent};
use keepline::wire::echo::{Echo, Frame};
use keepline::{Beat, Connection, Driver, Duration, Flow, Handler, Report, Settings, Transport, Turn};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) const PING: &[u8] = b"\0\0\0\x05\x01";
pub(crate) const PONG: &[u8] = b"\0\0\0\x05\x02";
/// The most that a verdict may be late by: a slot of the wheel and a tick of tokio's timer.
pub(crate) const SLOT: Duration = Duration::from_millis(102);

pub(crate) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A data frame as it lies on the wire.
pub(crate) fn frame(content: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(content.len() + 5).unwrap().to_be_bytes().to_vec();
    bytes.push(Frame::DATA);
    bytes.extend_from_slice(content);
    bytes
}

/// Never judges a line.
pub(crate) fn unwatched() -> Settings {
    Settings::new(Heartbeat::off())
}

/// Closes a line that is silent for 10 s.
pub(crate) fn watched() -> Settings {
    Settings::new(Heartbeat::watch(secs(10)).unwrap())
}

/// What a handler was told, in order.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn add(&self, what: impl fmt::Display) {
        self.0.lock().unwrap().push(what.to_string());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Those that begin with `kind`, without it.
    pub(crate) fn of(&self, kind: &str) -> Vec<String> {
        self.all().iter().filter_map(|entry| entry.strip_prefix(kind)).map(|rest| rest.trim().to_owned()).collect()
    }
}

type React = Box<dyn FnMut(Frame<'_>, &mut Turn<'_, Echo>) -> Flow + Send>;
type OnWake = Box<dyn FnMut(&mut Turn<'_, Echo>) -> Flow + Send>;

/// Writes down everything; what it answers to frames and idle events is the test's to say.
pub(crate) struct Witness {
    pub(crate) seen: Seen,
    pub(crate) react: React,
    /// The answer to idle events; the default's if none.
    pub(crate) on_idle: Option<Flow>,
    pub(crate) on_open: Flow,
    pub(crate) on_wake: OnWake,
}

impl Witness {
    pub(crate) fn new(react: impl FnMut(Frame<'_>, &mut Turn<'_, Echo>) -> Flow + Send + 'static) -> Self {
        Self {
            seen: Seen::default(),
            react: Box::new(react),
            on_idle: None,
            on_open: Flow::Continue,
            on_wake: Box::new(|_| Flow::Continue),
        }
    }

    /// Sends every frame back.
    pub(crate) fn mirror() -> Self {
        Self::new(|frame, turn| turn.reply(frame))
    }

    /// A mirror that does this when it is woken.
    pub(crate) fn woken(on_wake: impl FnMut(&mut Turn<'_, Echo>) -> Flow + Send + 'static) -> Self {
        Self { on_wake: Box::new(on_wake), ..Self::mirror() }
    }
}

impl Handler for Witness {
    type Codec = Echo;

    fn on_open(&mut self, _: &mut Turn<'_, Echo>) -> Flow {
        self.seen.add("open");
        self.on_open
    }

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        self.seen.add(format_args!("frame {}", String::from_utf8_lossy(frame.content)));
        (self.react)(frame, turn)
    }

    fn on_idle(&mut self, event: IdleEvent, default: Flow, _: &mut Turn<'_, Echo>) -> Flow {
        self.seen.add(format_args!("idle {event}"));
        self.on_idle.unwrap_or(default)
    }

    fn on_wake(&mut self, turn: &mut Turn<'_, Echo>) -> Flow {
        self.seen.add("wake");
        (self.on_wake)(turn)
    }

    fn on_beat(&mut self, beat: Beat, _: &mut Turn<'_, Echo>) {
        self.seen.add(format_args!("beat {beat:?}"));
    }

    fn on_close(&mut self, report: &Report) {
        self.seen.add(format_args!("close {}", report.reason));
    }
}

/// A line that runs in its own task.
pub(crate) struct Line {
    pub(crate) task: JoinHandle<Report>,
    pub(crate) connection: Connection,
    pub(crate) seen: Seen,
    pub(crate) opened: Instant,
}

pub(crate) fn line_over<Io: Transport>(io: Io, witness: Witness, codec: Echo, settings: Settings) -> Line {
    let seen = witness.seen.clone();
    let driver = Driver::standalone(io, witness, codec, settings);
    let connection = driver.connection();
    Line { task: tokio::spawn(driver), connection, seen, opened: Instant::now() }
}

/// A line over a pipe in memory that holds `room` bytes each way, and its other end.
pub(crate) fn line(witness: Witness, settings: Settings, room: usize) -> (Peer, Line) {
    let (peer, ours) = duplex(room);
    (Peer(peer), line_over(ours, witness, Echo::strict(), settings))
}

impl Line {
    /// Waits for the end; the report, and how long after the opening it came.
    pub(crate) async fn end(self) -> (Report, Duration) {
        let report = self.task.await.expect("the line's task ends without a panic");
        (report, self.opened.elapsed().into())
    }
}

/// Whether `took` is at `limit`, or late by a slot at most; never early.
pub(crate) fn is_on_time(took: Duration, limit: Duration) -> bool {
    took >= limit && took <= limit + SLOT
}

/// The peer's end.
pub(crate) struct Peer(pub(crate) DuplexStream);

impl Peer {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the line is open");
    }

    pub(crate) async fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).await.expect("as many bytes come");
        bytes
    }

    /// Reads to the line's end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).await.expect("the end comes in order");
        bytes
    }

    /// Sends a ping and waits for its pong: all that was sent before has been dealt with then.
    pub(crate) async fn settle(&mut self) {
        self.send(PING).await;
        assert_eq!(self.receive(5).await, PONG);
    }
}
