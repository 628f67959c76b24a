//! House: a server that can be killed and started again on its store, and the network to it, which a test can cut.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use keepline::Driver;
use keepline::client::Connect;
use keepline::im::{Chat, Event, Events, Mark, Message, Options, Receipt, Sending, Token};
use keepline_server::conversation::Conversation;
use keepline_server::line::Lines;
use keepline_server::message;
use keepline_server::store::memory::Memory;
use keepline_server::store::{Page, Record, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::stage::*;

pub(super) const USERS: [&str; 2] = ["ann", "ben"];
/// Of the two.
pub(super) const TALK: &str = "p.ann.ben";

/// A server and the way to it.
pub(super) struct House {
    stage: Option<Stage>,
    pub(super) net: Net,
}

/// The way to the server; connects chats to it.
#[derive(Clone, Default)]
pub(super) struct Net(Arc<Mutex<Ways>>);

#[derive(Default)]
struct Ways {
    lines: Option<Arc<Lines>>,
    /// The ends of the ways there are.
    open: Vec<JoinHandle<()>>,
    /// When the next ways break by themselves; the rest hold.
    breaks: VecDeque<Break>,
    /// When and where somebody tried to connect.
    attempts: Vec<(Instant, String)>,
}

/// After how many bytes a way breaks, in each direction; what is beyond is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Break {
    pub(super) to_server: usize,
    pub(super) to_client: usize,
}

/// Longer than any way holds.
pub(super) const NEVER: usize = usize::MAX;

impl House {
    pub(super) async fn new() -> Self {
        Self::on(Memory::new()).await
    }

    pub(super) async fn on(store: Arc<dyn Store>) -> Self {
        let mut house = Self { stage: None, net: Net::default() };
        house.start(store).await;
        house
    }

    pub(super) fn stage(&self) -> &Stage {
        self.stage.as_ref().expect("the server is up")
    }

    /// Starts the server on a store, another one or its own again.
    pub(super) async fn start(&mut self, store: Arc<dyn Store>) {
        let stage = Stage::set(Setting { store, ..Setting::default() }, &USERS).await;
        self.net.0.lock().unwrap().lines = Some(Arc::clone(&stage.lines));
        self.stage = Some(stage);
    }

    /// Ends the server without a word; its store stays.
    pub(super) fn kill(&mut self) -> Arc<dyn Store> {
        self.net.0.lock().unwrap().lines = None;
        self.net.cut();
        Arc::clone(&self.stage.take().expect("the server is up").store)
    }

    pub(super) async fn options(&self, user: &str, device: &str) -> Options {
        let mut options = Options::new(["n1"], Token::new(self.stage().token(user, device).await), device);
        options.seed = Some(7);
        options
    }

    pub(super) async fn chat(&self, user: &str, device: &str) -> (Chat, Events) {
        self.chat_with(self.options(user, device).await)
    }

    pub(super) fn chat_with(&self, options: Options) -> (Chat, Events) {
        Chat::start_over(self.net.clone(), options).unwrap()
    }

    /// Every text of the conversation, in the order of the numbers.
    pub(super) async fn said(&self, conversation: &str) -> Vec<String> {
        let log = conversation.parse::<Conversation>().unwrap().log();
        let records = self.stage().store.read(&log, 0, Page { records: 100_000, bytes: 1 << 30 }).await.unwrap();
        let text = |record: &Record| {
            let (_, message) = message::Message::from_record(record).unwrap();
            String::from_utf8(message.body.to_vec()).unwrap()
        };
        records.iter().map(text).collect()
    }
}

impl Net {
    /// Breaks every way there is.
    pub(super) fn cut(&self) {
        self.0.lock().unwrap().open.drain(..).for_each(|way| way.abort());
    }

    /// When the next ways break.
    pub(super) fn breaks(&self, breaks: impl IntoIterator<Item = Break>) {
        self.0.lock().unwrap().breaks.extend(breaks);
    }

    pub(super) fn attempts(&self) -> Vec<(Instant, String)> {
        self.0.lock().unwrap().attempts.clone()
    }
}

impl Connect for Net {
    type Io = DuplexStream;

    async fn connect(&self, endpoint: &str) -> io::Result<DuplexStream> {
        let mut ways = self.0.lock().unwrap();
        ways.attempts.push((Instant::now(), endpoint.to_owned()));
        let Some(lines) = &ways.lines else { return Err(io::ErrorKind::ConnectionRefused.into()) };
        let (ours, near) = duplex(1 << 12);
        let (far, theirs) = duplex(1 << 12);
        let (line, codec) = lines.line(None);
        let server = tokio::spawn(Driver::standalone(theirs, line, codec, lines.server_settings()));
        let breaks = ways.breaks.pop_front().unwrap_or(Break { to_server: NEVER, to_client: NEVER });
        let way = async move {
            let ((near_in, near_out), (far_in, far_out)) = (split(near), split(far));
            // Whichever ends first takes the other with it, and what it holds is lost.
            tokio::select! {
                () = carry(near_in, far_out, breaks.to_server) => {}
                () = carry(far_in, near_out, breaks.to_client) => {}
            }
        };
        ways.open.push(tokio::spawn(way));
        drop(server);
        Ok(ours)
    }
}

async fn carry(mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>, most: usize) {
    let mut left = most;
    let mut buffer = [0; 1024];
    while left > 0 {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let count = count.min(left);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        left -= count;
    }
}

/// The next event of one kind; others are dropped, messages never.
pub(super) async fn next<T>(events: &mut Events, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    loop {
        let event = tokio::time::timeout(std::time::Duration::from_secs(600), events.next()).await;
        let event = event.expect("an event comes").expect("the chat goes on");
        if let Some(found) = wanted(&event) {
            return found;
        }
        assert!(!matches!(event, Event::Message(_) | Event::Gap(_) | Event::Reset(_)), "{event:?}");
    }
}

pub(super) async fn up(events: &mut Events) -> keepline::im::Up {
    next(events, |event| if let Event::Up(up) = event { Some(up.clone()) } else { None }).await
}

pub(super) async fn message(events: &mut Events) -> Message {
    next(events, |event| if let Event::Message(message) = event { Some(message.clone()) } else { None }).await
}

/// The receipt of a message, in at most ten minutes: one that never comes must fail a test, not hang it.
pub(super) async fn stored(sending: Sending) -> Receipt {
    let answer = tokio::time::timeout(std::time::Duration::from_secs(600), sending).await;
    answer.expect("an answer comes").expect("it is stored")
}

pub(super) fn mark(conversation: &str, epoch: u64, seq: u64) -> Mark {
    Mark { conversation: conversation.into(), epoch, seq }
}
