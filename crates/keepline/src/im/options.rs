//! Options: who logs in where, and how much may wait.

use std::fmt;
use std::sync::Arc;

use keepline_proto::wire::im::v1;
use keepline_proto::{BackoffSettings, Duration};

use super::cursors::Cursors;

/// How a chat behaves. Start from [`Options::new`] and change fields.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where to connect, in order of preference: `host:port`.
    pub endpoints: Vec<Arc<str>>,
    /// Proves who the user is: from `POST /v1/tokens`.
    pub token: Token,
    /// The device: a user has one live session for each, and each has its own account of what it has. May be empty where
    /// the token is for one device.
    pub device: Arc<str>,
    /// The heartbeat terms that the client would like; `None`, the default, leaves them to the server. What the server
    /// says then is in force.
    pub wish: Option<Terms>,
    /// What may wait for an answer of the server.
    pub sends: SendLimits,
    /// What may wait for the application.
    pub inbox: InboxLimits,
    /// Where the account of what the application has is kept. `None`, the default: with the server, so that a new process
    /// goes on from what was acknowledged.
    pub cursors: Option<Arc<dyn Cursors>>,
    /// How long the answer to a ping may take before the line is taken for dead; 10 s, and never more than the terms'
    /// interval between pings.
    pub pong_within: Duration,
    /// The waits between attempts; see [`BackoffSettings`] for the defaults.
    pub backoff: BackoffSettings,
    /// The most that a connection attempt may take, name lookup and TLS included, and the login behind it as much again;
    /// 10 s.
    pub connect_within: Duration,
    /// How long [`Chat::close`](super::Chat::close) waits for answers; 5 s.
    pub flush_within: Duration,
    /// Seeds the waits. `None`, the default, is another seed for each chat.
    pub seed: Option<u64>,
    /// What carries the lines, for [`State::transport`](super::State::transport) only; "tcp" by default.
    pub transport: Arc<str>,
}

/// A bearer token. It can't be printed, and is told to the server only.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a secret that could be printed would be, one day")]
pub struct Token(Arc<str>);

/// How often each side of the line must be heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two times")]
pub struct Terms {
    /// The client pings after this much time without a write, or twice as much without a read.
    pub ping_after: Duration,
    /// The server ends a line of which it has read nothing for this long.
    pub silence: Duration,
}

/// What may wait for an answer of the server, with and without a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two bounds")]
pub struct SendLimits {
    /// Messages; 1,000.
    pub messages: usize,
    /// The bytes of their bodies; 8 MiB.
    pub bytes: usize,
}

/// What may wait for the application before the line is no longer read. The line itself holds 64 frames more.
///
/// The server has at most 256 messages or 1 MiB on their way to a client that acknowledges nothing. There must be room
/// for more than that ([`SMALLEST`](Self::SMALLEST)): so the line is read all the time, and answers to sends come however
/// slow the application is. A line that is not read the server ends as a slow consumer's, and the next one as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two bounds")]
pub struct InboxLimits {
    /// Messages; 320.
    pub messages: usize,
    /// Bytes, with 256 for what is around each body; 2 MiB.
    pub bytes: usize,
}

impl InboxLimits {
    /// The smallest that there may be: 257 messages and 1.25 MiB.
    pub const SMALLEST: Self = Self { messages: 256 + 1, bytes: (1 << 20) + 1024 * 256 };
}

/// Options that can't work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The token and the device do not fit into a first frame.
    #[error("a token and a device of {bytes} bytes: a server takes no more than {limit} before the login")]
    Credentials {
        /// Both together.
        bytes: usize,
        /// What fits.
        limit: usize,
    },
    /// Nothing could ever be sent.
    #[error("there is room for no message to send: allow at least one, and a body")]
    NoRoom,
    /// The server would end every line as that of a slow consumer.
    #[error(
        "an inbox of {} messages and {} bytes: a server sends 256 messages or 1 MiB unasked, and ends a line that is \
         not read; allow at least {} messages and {} bytes",
        .0.messages, .0.bytes, InboxLimits::SMALLEST.messages, InboxLimits::SMALLEST.bytes
    )]
    SmallInbox(InboxLimits),
    /// No ping would ever be answered in time.
    #[error("a pong within {within}: allow at least 1ms")]
    NoTimeForPong {
        /// What was given.
        within: Duration,
    },
    /// See [`client::OptionsError`](crate::client::OptionsError).
    #[error(transparent)]
    Client(#[from] crate::client::OptionsError),
}

/// Room for token and device in the first frame, of 4 KiB.
const CREDENTIALS: usize = 3 << 10;

impl Options {
    /// The defaults, for these endpoints and this device.
    pub fn new<E: Into<Arc<str>>>(
        endpoints: impl IntoIterator<Item = E>,
        token: Token,
        device: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            token,
            device: device.into(),
            wish: None,
            sends: SendLimits { messages: 1000, bytes: 8 << 20 },
            inbox: InboxLimits { messages: 320, bytes: 2 << 20 },
            cursors: None,
            pong_within: Duration::from_secs(10),
            backoff: BackoffSettings::default(),
            connect_within: Duration::from_secs(10),
            flush_within: Duration::from_secs(5),
            seed: None,
            transport: "tcp".into(),
        }
    }

    pub(super) fn check(&self) -> Result<(), OptionsError> {
        let bytes = self.token.0.len() + self.device.len();
        if bytes > CREDENTIALS {
            return Err(OptionsError::Credentials { bytes, limit: CREDENTIALS });
        }
        if self.sends.messages == 0 || self.sends.bytes == 0 {
            return Err(OptionsError::NoRoom);
        }
        let least = InboxLimits::SMALLEST;
        if self.inbox.messages < least.messages || self.inbox.bytes < least.bytes {
            return Err(OptionsError::SmallInbox(self.inbox));
        }
        if self.pong_within < Duration::from_millis(1) {
            return Err(OptionsError::NoTimeForPong { within: self.pong_within });
        }
        Ok(())
    }
}

impl Token {
    /// A token from its text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl Terms {
    pub(super) fn to_wire(self) -> v1::Terms {
        let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        v1::Terms { ping_after_ms: millis(self.ping_after), silence_ms: millis(self.silence) }
    }

    pub(super) fn from_wire(terms: &v1::Terms) -> Self {
        let millis = |ms: u32| Duration::from_millis(ms.into());
        Self { ping_after: millis(terms.ping_after_ms), silence: millis(terms.silence_ms) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("endpoints", &self.endpoints)
            .field("device", &self.device)
            .field("wish", &self.wish)
            .field("sends", &self.sends)
            .field("inbox", &self.inbox)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_work_is_refused_with_a_sentence() {
        type Change = fn(&mut Options);
        let table: [(Change, Option<&str>); 7] = [
            (|_| {}, None),
            (|options| options.inbox = InboxLimits::SMALLEST, None),
            (
                |options| options.token = Token::new("t".repeat(4000)),
                Some("a token and a device of 4005 bytes: a server takes no more than 3072 before the login"),
            ),
            (
                |options| options.sends.messages = 0,
                Some("there is room for no message to send: allow at least one, and a body"),
            ),
            (
                |options| options.inbox.messages = 256,
                Some(
                    "an inbox of 256 messages and 2097152 bytes: a server sends 256 messages or 1 MiB unasked, and \
                     ends a line that is not read; allow at least 257 messages and 1310720 bytes",
                ),
            ),
            (
                |options| options.inbox.bytes = 1 << 20,
                Some(
                    "an inbox of 320 messages and 1048576 bytes: a server sends 256 messages or 1 MiB unasked, and \
                     ends a line that is not read; allow at least 257 messages and 1310720 bytes",
                ),
            ),
            (|options| options.pong_within = Duration::ZERO, Some("a pong within 0ns: allow at least 1ms")),
        ];
        for (row, (change, refused)) in table.into_iter().enumerate() {
            let mut options = Options::new(["a:1"], Token::new("t"), "phone");
            change(&mut options);
            let said = options.check().err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), refused, "row {row}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let options = Options::new(["a:1"], Token::new("s3cret"), "phone");
        assert!(!format!("{options:?}").contains("s3cret"));
    }
}
