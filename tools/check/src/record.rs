//! `Record`: one line of a history, as it stands in the file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a process did or saw, at one instant. Fields that mean nothing for an `op` are left out of the line.
///
/// Which fields an operation needs is said at [`Op`]; the checker refuses a record that lacks one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Nanoseconds of the machine's monotonic clock (`CLOCK_MONOTONIC`), which all its processes share. Taken *before*
    /// the act for `invoke`, and *after* it for everything else, so that the act lies between.
    pub mono: u64,
    /// Milliseconds since 1970, for people who compare a history with a log. Never judged: it may jump.
    pub wall: u64,
    /// The process, or the client in it, that wrote the record.
    pub proc: String,
    /// The user it acted for; for `join` and `leave` the user who comes or goes. Empty for a reader of the store.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The user's device; a user and a device have at most one live session.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// The number of the session that the server gave at login; a later session of the device has a higher one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sess_epoch: u64,
    /// The server's node.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node: String,
    /// What was done.
    pub op: Op,
    /// How far it is.
    pub phase: Phase,
    /// The message's id, chosen by its sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<String>,
    /// The message's number in its conversation, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The last number of a range that begins at `seq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// The hash of the message's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_hash: Option<BodyHash>,
}

/// What a record is about, and the fields it needs beside `mono`, `wall` and `proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Op {
    /// A message given to the server: `user`, `device`, `conv`, `id`; `body_hash` on `invoke`, `seq` on `ok`. Each
    /// attempt begins with an `invoke` of its own; attempts of one message share its id.
    Send,
    /// A message that the server gave a device, before the application dropped what it had: as `deliver`.
    Receive,
    /// A message that the application of a device took, after it dropped what it had: `user`, `device`, `conv`, `seq`,
    /// `id`, `body_hash`.
    Deliver,
    /// A session: `user`, `device`; `sess_epoch` on `ok`.
    Login,
    /// A session was told that a later one took its place: `user`, `device`, `sess_epoch`.
    Fence,
    /// A connection ended without its owner's wish.
    Cut,
    /// The user becomes a member: `user`, `conv`. Note those of a private conversation too: where nobody is known to
    /// be one, no device can be asked for what it lacks.
    Join,
    /// The user is a member no longer: `user`, `conv`.
    Leave,
    /// The server said that the messages from `seq` to `to` are gone for good: `user`, `device`, `conv`, `seq`, `to`.
    Gap,
    /// From now on retention may drop the messages of `conv` up to `seq`: noted by whoever set its limits, before it is
    /// done, and not by who was told of it. Without it, whatever a device is told is gone was lost.
    Drop,
    /// The server refused a device's account of a conversation, which goes on behind `seq`: `user`, `device`, `conv`.
    Reset,
    /// The final reading of the store. `ok` with an `id` is a message found there (`conv`, `seq`, `id`, `body_hash`);
    /// `ok` without one says that the conversation was read to its end, `conv`; `fail` and `info` that it was not.
    Read,
    /// The end of a device, `user`, `device`: `ok` if it was connected and had its time to catch up, `fail` if it was
    /// left behind on purpose and shall not be judged. Without either, what it lacks is unknown.
    Drain,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// It begins. Written before the first byte leaves.
    Invoke,
    /// It is done.
    Ok,
    /// It was refused, definitely: it has not happened and will not.
    Fail,
    /// Nobody can say: a timeout, a lost connection. Also the phase of what is only seen (`fence`, `cut`, `gap`).
    Info,
}

/// The 16 bytes that the sender of a message chose; in the file 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(clippy::exhaustive_structs, reason = "a number and no more")]
pub struct MessageId(pub u128);

/// FNV-1a of a message's body, 64 bits: enough to see a body that changed. In the file 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(clippy::exhaustive_structs, reason = "a number and no more")]
pub struct BodyHash(pub u64);

impl Record {
    /// A record of this operation, with everything else empty.
    #[must_use]
    pub fn new(op: Op, phase: Phase) -> Self {
        Self {
            mono: 0,
            wall: 0,
            proc: String::new(),
            user: String::new(),
            device: String::new(),
            sess_epoch: 0,
            node: String::new(),
            op,
            phase,
            id: None,
            conv: None,
            seq: None,
            to: None,
            body_hash: None,
        }
    }

    /// When: nanoseconds of the monotonic clock, milliseconds since 1970.
    #[must_use]
    pub fn at(self, mono: u64, wall: u64) -> Self {
        Self { mono, wall, ..self }
    }

    /// Who wrote it, and for which device of which user.
    #[must_use]
    pub fn by(self, proc: &str, user: &str, device: &str) -> Self {
        Self { proc: proc.to_owned(), user: user.to_owned(), device: device.to_owned(), ..self }
    }

    /// In which session.
    #[must_use]
    pub fn session(self, sess_epoch: u64) -> Self {
        Self { sess_epoch, ..self }
    }

    /// In which conversation.
    #[must_use]
    pub fn conv(self, conv: &str) -> Self {
        Self { conv: Some(conv.to_owned()), ..self }
    }

    /// About which message of which conversation.
    #[must_use]
    pub fn message(self, conv: &str, id: MessageId) -> Self {
        Self { id: Some(id), ..self.conv(conv) }
    }

    /// With this number.
    #[must_use]
    pub fn seq(self, seq: u64) -> Self {
        Self { seq: Some(seq), ..self }
    }

    /// Up to this number.
    #[must_use]
    pub fn to(self, to: u64) -> Self {
        Self { to: Some(to), ..self }
    }

    /// With this body.
    #[must_use]
    pub fn body(self, hash: BodyHash) -> Self {
        Self { body_hash: Some(hash), ..self }
    }
}

impl BodyHash {
    /// The hash of a body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(body.iter().fold(0xcbf2_9ce4_8422_2325, step))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

impl fmt::Debug for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyHash({:016x})", self.0)
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.to_string()
    }
}

impl From<BodyHash> for String {
    fn from(hash: BodyHash) -> Self {
        format!("{:016x}", hash.0)
    }
}

impl TryFrom<String> for MessageId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        digits(&text, 32)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(|_| format!("`{text}` is no message id"))
    }
}

impl TryFrom<String> for BodyHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        digits(&text, 16)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(|_| format!("`{text}` is no body hash"))
    }
}

/// `from_str_radix` alone takes a sign and any length.
fn digits(text: &str, count: usize) -> Result<(), String> {
    if text.len() == count && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(format!("`{text}` is not {count} hexadecimal digits"))
}

// serde hands the value over by reference.
fn is_zero(number: &u64) -> bool {
    *number == 0
}
