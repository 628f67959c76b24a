//! What a protocol must tell the load: how a client logs in, sends, and what it hears.

use std::{borrow::Cow, time::Duration};

/// A protocol as the load speaks it. One value serves all connections.
pub(super) trait Speech {
    /// What one connection remembers between two reads.
    type Voice;

    /// A connection is up: appends what its client says first.
    fn greet(&self, id: usize, out: &mut Vec<u8>) -> Self::Voice;

    /// Takes one frame from the front of `input`: its bytes, and what it says; `None` if it is not whole. Appends what
    /// must be answered at once, as the pong to a ping.
    ///
    /// # Errors
    /// A sentence about bytes that the protocol does not have.
    fn hear<'a>(
        &self,
        voice: &mut Self::Voice,
        input: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, Heard<'a>)>, String>;

    /// Behind the last frame of a read: appends what is said once for all of them.
    fn settle(&self, voice: &mut Self::Voice, out: &mut Vec<u8>) {
        let _ = (voice, out);
    }
}

/// A protocol in which one client says something to many.
pub(super) trait Publish: Speech {
    /// How many connections it takes so that `members` hear, and which of them publishes.
    fn cast(members: usize) -> Cast;

    /// Appends a publication with this body; `number` is different for each.
    fn publish(&self, number: u64, body: &[u8], out: &mut Vec<u8>);
}

/// Who plays which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cast {
    /// All connections; the first ones are the members.
    pub(super) connections: usize,
    /// The connection that publishes.
    pub(super) publisher: usize,
}

/// What a frame says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// The client is logged in, and hears what it should.
    Ready(Ready),
    /// A message from somebody.
    Message(Message<'a>),
    /// A message of this client's is stored.
    Stored {
        /// Its id, as the client chose it.
        id: u128,
        /// It had been stored before.
        duplicate: bool,
    },
    /// A message of this client's is not stored.
    Refused {
        /// Why: a word.
        code: String,
    },
    /// The server ends the connection.
    Farewell {
        /// Why.
        reason: String,
        /// When to come again; zero where it does not say.
        retry_after: Duration,
    },
    /// Nothing that a benchmark asks about.
    Nothing,
}

impl Heard<'_> {
    /// The end, without a time to come again.
    pub(super) fn farewell(reason: impl Into<String>) -> Self {
        Self::Farewell { reason: reason.into(), retry_after: Duration::ZERO }
    }
}

/// What a server says of itself at login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ready {
    /// What an acknowledgement stands for; empty where the protocol does not say.
    pub(super) durability: String,
}

/// A message as it is delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Where it was said; empty where there is one place only.
    pub(super) conversation: String,
    /// Its number there; 0 where messages have none.
    pub(super) seq: u64,
    /// What was said.
    pub(super) body: Cow<'a, [u8]>,
}
