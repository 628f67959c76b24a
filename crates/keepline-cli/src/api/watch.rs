//! Watch: what the admin listener tells of sessions: pages of the live ones, one in detail, how some ended.

use serde::{Deserialize, Serialize};

use super::Seq;

/// A live session. What the server does not tell is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiveSession {
    pub(crate) session: Seq,
    pub(crate) user: String,
    pub(crate) device: String,
    /// `v1` or `cim`.
    pub(crate) dialect: String,
    /// `tcp` or `tls`.
    #[serde(default)]
    pub(crate) transport: String,
    pub(crate) peer: Option<String>,
    /// Since when: milliseconds since 1970.
    pub(crate) since_ms: u64,
    /// How long ago the last byte was read.
    pub(crate) silent_ms: u64,
    pub(crate) queue: Queue,
    /// It has everything, and has acknowledged it.
    #[serde(default)]
    pub(crate) caught_up: bool,
    /// The round trip, in microseconds.
    #[serde(default)]
    pub(crate) rtt_us: Option<u64>,
    #[serde(default)]
    pub(crate) bytes_in: Option<u64>,
    #[serde(default)]
    pub(crate) bytes_out: Option<u64>,
}

/// What waits for a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// How long the oldest waits.
    pub(crate) oldest_ms: u64,
}

/// A page of live sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct LiveSessions {
    pub(crate) sessions: Vec<LiveSession>,
    /// How many there are that fit.
    pub(crate) total: usize,
}

/// All that is known of one session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct SessionDetail {
    #[serde(flatten)]
    pub(crate) live: LiveSession,
    pub(crate) terms: AgreedTerms,
    /// When it was asked for a sign of life, the latest first: milliseconds since 1970.
    pub(crate) asked_ms: Vec<u64>,
}

/// How often each side of a line must be heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct AgreedTerms {
    pub(crate) ping_after_ms: u64,
    pub(crate) silence_ms: u64,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Close {
    pub(crate) at_ms: u64,
    pub(crate) session: Seq,
    pub(crate) user: String,
    pub(crate) device: String,
    pub(crate) since_ms: u64,
    pub(crate) reason: String,
    pub(crate) side: String,
    /// What lay behind the reason, where there was more to say.
    pub(crate) cause: Option<String>,
    /// How long before the end the last byte was read.
    pub(crate) last_in_ms: u64,
    pub(crate) pings_unanswered: u8,
}

/// Ends of sessions, the latest first.
#[derive(Debug, Deserialize)]
pub(super) struct Closes {
    pub(super) closes: Vec<Close>,
}

/// Which sessions, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionQuery {
    /// Of this user only.
    pub(crate) user: Option<String>,
    /// In whose number, user, device, dialect or peer this is.
    pub(crate) like: Option<String>,
    pub(crate) sort: SortBy,
    /// Default: from the largest down of numbers, from A up of names.
    pub(crate) order: Option<Order>,
    pub(crate) offset: usize,
    /// Default, and most: 10,000.
    pub(crate) limit: Option<usize>,
}

/// What sessions are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SortBy {
    /// The number of the login.
    Session,
    User,
    Device,
    Dialect,
    Peer,
    /// When it logged in.
    Since,
    /// How long nothing was read of it.
    #[default]
    Silent,
    /// The round trip.
    Rtt,
    /// The bytes that wait for it.
    Queue,
    BytesIn,
    BytesOut,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

impl SortBy {
    /// The word for it in a question.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::User => "user",
            Self::Device => "device",
            Self::Dialect => "dialect",
            Self::Peer => "peer",
            Self::Since => "since",
            Self::Silent => "silent",
            Self::Rtt => "rtt",
            Self::Queue => "queue",
            Self::BytesIn => "bytes_in",
            Self::BytesOut => "bytes_out",
        }
    }

    /// The order in which it is looked at first: numbers from the largest down, names from A up.
    pub(crate) const fn natural(self) -> Order {
        match self {
            Self::Session | Self::User | Self::Device | Self::Dialect | Self::Peer => Order::Ascending,
            Self::Since | Self::Silent | Self::Rtt | Self::Queue | Self::BytesIn | Self::BytesOut => Order::Descending,
        }
    }
}

impl Order {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }

    pub(crate) const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}
