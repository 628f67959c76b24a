//! `Seen`: what a witness has seen so far, for tests to wait on.

use std::collections::HashMap;

/// What a witness has seen so far.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Seen {
    /// Its line now.
    pub line: Line,
    /// Sessions opened.
    pub logins: u64,
    /// Lines that ended against its wish.
    pub cuts: u64,
    /// Messages of its own that are stored.
    pub acked: u64,
    /// Messages of its own that were refused for good.
    pub refused: u64,
    /// Attempts to send whose outcome it never learned.
    pub infos: u64,
    /// Messages that came, with those that came again.
    pub received: u64,
    /// Messages that its application took.
    pub delivered: u64,
    /// By conversation.
    pub convs: HashMap<String, Taken>,
}

/// One conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taken {
    /// Messages that the application took from this witness.
    pub delivered: u64,
    /// The highest number among them.
    pub highest: u64,
    /// The highest number of a message of its own.
    pub own: u64,
}

/// The line of a witness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// There is none; it is coming back, or was told to stay away.
    #[default]
    Down,
    /// It is logged in, in this session.
    Up {
        /// The session's number.
        session: u64,
    },
    /// It won't come back: the word of the close reason.
    Ended(String),
}

impl Seen {
    /// Messages of its own that have their final answer.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.acked + self.refused
    }

    /// What it has of a conversation.
    #[must_use]
    pub fn of(&self, conv: &str) -> Taken {
        self.convs.get(conv).copied().unwrap_or_default()
    }

    pub(crate) fn conv(&mut self, conv: &str) -> &mut Taken {
        self.convs.entry(conv.to_owned()).or_default()
    }
}
