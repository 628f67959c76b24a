//! User: who is registered, the client that plays him, and how a message reads there.

use serde_json::{Value, json};

/// The two generations of cim's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    V2,
    V1,
}

/// The command of a batch of stored messages, if only of one; 1.x has none.
const BATCH: u64 = 3;

pub(super) const DIALECTS: [Dialect; 2] = [Dialect::V2, Dialect::V1];

impl Dialect {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::V2 => "2.1",
            Self::V1 => "1.x",
        }
    }

    /// The command of a message that comes alone.
    pub(super) const fn live(self) -> u64 {
        match self {
            Self::V2 => 1,
            Self::V1 => 2,
        }
    }

    /// The frame that answers a ping, to the byte.
    pub(super) fn pong(self) -> &'static str {
        match self {
            Self::V2 => "0a04706f6e671802",
            Self::V1 => "0a04706f6e6710001803",
        }
    }
}

/// A registered user, and the client that plays it.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) client: String,
    pub(super) name: String,
    pub(super) id: u64,
    pub(super) dialect: Dialect,
}

/// How a message should have come. A 1.x client can't tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Alone, or from the store: of a session that is behind, the server reads what is new from there, too.
    Any,
    /// In a batch of stored messages.
    Stored,
}

impl User {
    /// The older clients are told the sender in the text.
    pub(super) fn heard_before_a_text(&self, from: &Self) -> String {
        match self.dialect {
            Dialect::V2 => String::new(),
            Dialect::V1 => format!("{}:", from.name),
        }
    }

    /// A message to this user as its client tells it.
    pub(super) fn hears(&self, from: &Self, text: &str) -> Value {
        match self.dialect {
            Dialect::V2 => json!({
                "text": text,
                "properties": {
                    "sendUserId": from.id.to_string(),
                    "sendUserName": from.name,
                    "receiveUserId": self.id.to_string(),
                },
            }),
            Dialect::V1 => json!({"text": self.heard_before_a_text(from) + text, "properties": {}}),
        }
    }
}

impl Way {
    /// Fails unless a message has come so.
    #[track_caller]
    pub(super) fn check(self, dialect: Dialect, message: &Value) {
        let commands: &[u64] = match (dialect, self) {
            (Dialect::V1, _) => &[Dialect::V1.live()],
            (Dialect::V2, Self::Stored) => &[BATCH],
            (Dialect::V2, Self::Any) => &[Dialect::V2.live(), BATCH],
        };
        let command = message["command"].as_u64().unwrap_or_else(|| panic!("no command in {message}"));
        assert!(commands.contains(&command), "{message}");
        assert!(dialect == Dialect::V1 || command != BATCH || message["index"].is_u64(), "{message}");
    }
}
