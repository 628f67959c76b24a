//! IM: a client of our own protocol, as `docs/protocol.md` has it: messages in, messages out, each once.
//!
//! A chat is one device of one user. It logs in, comes back by itself when the line ends, sends again what was not
//! answered, and gives each message to the application once, in the order of its conversation.
//!
//! What holds, and what does not:
//!
//! - **A message out** has its id from the moment it is handed over, and is sent with it until the server has answered.
//!   However many lines that takes, it is stored once. Messages of one conversation are stored in the order in which
//!   they were handed over, unless the server puts one off while younger ones are on their way already.
//! - **A message in** comes once in the life of a chat, whatever the server repeats. It is acknowledged to the server
//!   when the application says [`Chat::done`]; what was not, comes again in the next process. So a crash in between costs
//!   a repetition and never a message: where even that must not be, store what was done with the message and its
//!   [`Mark`] in one step, and compare.
//! - **The end** of a chat gives each message without an answer its last word: [`Unsent::NotSent`] if it never was on a
//!   line, [`Unsent::MaybeSent`] if it was.
//!
//! # Example
//! ```
//! # use keepline_proto::wire::{Codec, Decoded, Message, dialect::Dialect};
//! # use keepline_proto::wire::im::{Accepts, Frame, Im, framed, v1::{self, frame::Body}};
//! # use keepline::{Flow, Handler, Settings, Turn, liveness::Heartbeat, serve::{Server, Service}};
//! # /// A server that lets everybody in, and acknowledges and delivers whatever is sent.
//! # #[derive(Clone)]
//! # struct Mirror;
//! # impl Service for Mirror {
//! #     type Handler = Mirror;
//! #     fn open(&self, _: Option<std::net::SocketAddr>) -> (Mirror, Im) {
//! #         (Mirror, Im::server(Accepts { cim: false }))
//! #     }
//! # }
//! # impl Handler for Mirror {
//! #     type Codec = Im;
//! #     fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Im>) -> Flow {
//! #         let (message, at_ms) = (frame.v1().unwrap().body, 1_700_000_000_000);
//! #         let answers = match message {
//! #             Some(Body::Hello(_)) => vec![Body::Welcome(v1::Welcome { user: "ann".into(), ..Default::default() })],
//! #             Some(Body::Send(send)) => {
//! #                 let v1::Send { conversation, message_id, kind, body } = send;
//! #                 let ack = v1::SendAck { message_id: message_id.clone(), seq: 1, at_ms, ..Default::default() };
//! #                 let sender = "ann".into();
//! #                 let deliver = v1::Deliver { conversation, seq: 1, sender, message_id, kind, body, at_ms };
//! #                 vec![Body::SendAck(ack), Body::Deliver(deliver)]
//! #             }
//! #             _ => vec![],
//! #         };
//! #         for body in answers {
//! #             let frame = framed(&v1::Frame { magic: 0, body: Some(body) }, Im::AFTER_LOGIN).unwrap();
//! #             turn.connection().send(frame).unwrap();
//! #         }
//! #         Flow::Continue
//! #     }
//! # }
//! use keepline::im::{Chat, Event, Kind, Options, Token};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = Server::bind("127.0.0.1:0".parse()?, Settings::new(Heartbeat::off()))?;
//! # let (address, handle) = (server.local_addr()?.to_string(), server.handle());
//! # let running = tokio::spawn(server.run(Mirror));
//! let options = Options::new([address], Token::new("t-1"), "phone");
//! let (chat, mut events) = Chat::start(options)?;
//! // There need not be a line yet: it goes when there is one.
//! let sending = chat.send("p.ann.ben", Kind::Text, "hi")?;
//! while let Some(event) = events.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{}: {}", message.sender, message.text());
//!         chat.done(&message.mark());
//!         break;
//!     }
//! }
//! assert_eq!(sending.await?.seq, 1);
//! chat.close().await;
//! # handle.drain(keepline::Duration::ZERO);
//! # running.await?;
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::Bytes;
use keepline_proto::wire::dialect::Dialect;

mod counted;
mod cursors;
mod event;
mod inbox;
mod ledger;
mod message;
mod options;
mod outgoing;
mod positions;
mod reads;
mod saving;
mod sending;
mod shared;
mod state;
mod task;
mod timeline;
mod wire;

pub use cursors::{Cursors, InMemory};
pub use event::{Event, Events, Gap, Up};
pub use message::{Kind, Mark, Message, MessageId};
pub use options::{InboxLimits, Options, OptionsError, SendLimits, Terms, Token};
pub use outgoing::SendError;
pub use sending::{NotStored, Receipt, Refusal, SendState, Sending, Unanswered, Unsent};
pub use state::{LineState, State};
pub use timeline::{Done, Occurrence, What, Whose};

use counted::Counting;
use ledger::Ending;
use shared::Shared;
use task::Task;
use wire::V1;

use crate::client::{self, Client, Connect, Tcp};
use crate::clock;
use crate::settings::Settings;

/// Frames of the line that wait for the chat's task.
const FRAMES_WAITING: usize = 64;

/// The handle of a chat: cheap to clone. When the last one is dropped the chat ends at once; [`close`](Self::close) lets
/// what waits go first.
#[derive(Clone)]
pub struct Chat {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    device: Arc<str>,
    transport: Arc<str>,
    flush_within: keepline_proto::Duration,
}

/// Why a chat did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The options can't work.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The marks can't be read.
    #[error("the marks of the conversations can't be read: {0}")]
    Cursors(#[source] io::Error),
}

impl Chat {
    /// A chat over TCP, which begins to connect at once.
    ///
    /// # Errors
    /// See [`StartError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(options: Options) -> Result<(Self, Events), StartError> {
        Self::start_over(Tcp::default(), options)
    }

    /// A chat over any transport, as TLS: the connector makes the byte stream to an endpoint, and the stream is best in a
    /// `Box` ([`Transport`](crate::Transport)). Begins to connect at once.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use keepline::Plain;
    /// use keepline::im::{Chat, Events, Options, StartError};
    /// use tokio::net::TcpStream;
    /// use tokio_rustls::{TlsConnector, rustls::{ClientConfig, pki_types::ServerName}};
    ///
    /// fn over_tls(tls: Arc<ClientConfig>, mut options: Options) -> Result<(Chat, Events), StartError> {
    ///     options.transport = "tls".into();
    ///     let connector = TlsConnector::from(tls);
    ///     let connect = move |endpoint: String| {
    ///         let connector = connector.clone();
    ///         async move {
    ///             let host = endpoint.rsplit_once(':').map_or(&*endpoint, |(host, _)| host).to_owned();
    ///             let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
    ///             let stream = TcpStream::connect(&endpoint).await?;
    ///             stream.set_nodelay(true)?;
    ///             Ok(Box::new(Plain::new(connector.connect(name, stream).await?)))
    ///         }
    ///     };
    ///     Chat::start_over(connect, options)
    /// }
    /// ```
    ///
    /// # Errors
    /// See [`StartError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start_over(connect: impl Connect, options: Options) -> Result<(Self, Events), StartError> {
        options.check()?;
        let marks = options.cursors.as_ref().map_or(Ok(Vec::new()), |cursors| cursors.load());
        let marks = marks.map_err(StartError::Cursors)?;
        let shared = Shared::new(&options, marks);
        let settings = wire::heartbeat(None, options.pong_within)
            .map_or_else(|| Settings::new(keepline_proto::liveness::Heartbeat::off()), Settings::new);
        let mut below = client::Options::new(options.endpoints.iter().cloned(), settings);
        below.backoff = options.backoff;
        below.connect_within = options.connect_within;
        below.in_flight = FRAMES_WAITING;
        below.seed = options.seed;
        let connect = Counting { connect, counts: Arc::clone(&shared.counts) };
        let protocol = V1::new(&options, Arc::clone(&shared));
        let (client, events) = Client::new(connect, protocol, below).map_err(OptionsError::from)?;
        let task = Task::new(Arc::clone(&shared), client, events, options.cursors);
        drop(tokio::spawn(task.run()));
        let Options { device, transport, flush_within, .. } = options;
        let events = Events::new(Arc::clone(&shared));
        Ok((Self { inner: Arc::new(Inner { shared, device, transport, flush_within }) }, events))
    }

    /// Hands a message over. It has its id at once, and goes when there is a line and its turn comes; never waits.
    ///
    /// # Errors
    /// See [`SendError`]; nothing of it is sent then.
    pub fn send(
        &self,
        conversation: impl Into<Arc<str>>,
        kind: Kind,
        body: impl Into<Bytes>,
    ) -> Result<Sending, SendError> {
        let id = MessageId::random(SystemTime::now()).map_err(|_| SendError::NoRandomness)?;
        let mut ledger = self.inner.shared.lock();
        if ledger.ending != Ending::No {
            return Err(SendError::Closed);
        }
        let sending = ledger.outgoing.push(id, conversation.into(), kind, body.into())?;
        drop(ledger);
        self.inner.shared.work.notify_one();
        Ok(sending)
    }

    /// The application has every message of the conversation up to this mark for good: none of them is needed again,
    /// here or in a later process. Acknowledges them to the server, once the mark is stored.
    pub fn done(&self, mark: &Mark) {
        self.inner.shared.lock().positions.done(mark);
        self.inner.shared.work.notify_one();
    }

    /// The person has read the conversation up to this mark, which the server shows on his other devices. Told when there
    /// is a line, the last of each conversation and of 1,024 conversations at most; may be lost with the line.
    pub fn read(&self, mark: Mark) {
        self.inner.shared.lock().reads.note(mark);
        self.inner.shared.work.notify_one();
    }

    /// The messages without a last word, the oldest first.
    #[must_use]
    pub fn sends(&self) -> Vec<Unanswered> {
        self.inner.shared.lock().outgoing.list()
    }

    /// The chat as it is now.
    #[must_use]
    pub fn state(&self) -> State {
        let ledger = self.inner.shared.lock();
        let (sends_waiting, sends_bytes) = ledger.outgoing.waiting();
        State {
            line: ledger.link.line(clock::now()),
            device: Arc::clone(&self.inner.device),
            transport: Arc::clone(&self.inner.transport),
            dialect: Dialect::V1,
            login: ledger.link.login.clone(),
            terms: ledger.link.terms,
            rtt: ledger.link.rtt,
            bytes_in: self.inner.shared.counts.read.load(Ordering::Relaxed),
            bytes_out: self.inner.shared.counts.written.load(Ordering::Relaxed),
            reconnects: ledger.link.ups.saturating_sub(1),
            sends_waiting,
            sends_bytes,
        }
    }

    /// The last 20 things that happened to the connection, the oldest first.
    #[must_use]
    pub fn timeline(&self) -> Vec<Occurrence> {
        self.inner.shared.lock().timeline.list()
    }

    /// Ends the chat: takes no more messages, waits until those it has are answered and what is done is acknowledged, at
    /// most the options' `flush_within`, says goodbye, and returns when the line has ended. Every message has its last
    /// word then. Cancel-safe: the chat ends all the same.
    pub async fn close(&self) {
        let mut over = self.inner.shared.over.subscribe();
        self.inner.shared.flush(clock::now() + self.inner.flush_within);
        // The sender lives in what is shared, so there is no error.
        let _ = over.wait_for(|over| *over).await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.flush(clock::now());
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("line", &self.state().line).finish_non_exhaustive()
    }
}
