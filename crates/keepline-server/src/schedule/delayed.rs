//! Delayed: a message for later, the states it goes through, and how it lies in its log.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::conversation::Conversation;
use crate::entity;
use crate::id::{MessageId, ScheduleId};
use crate::message::Kind;
use crate::store::{LogName, StoreError};

/// What is to be said later, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the caller makes it")]
pub struct Delayed {
    /// To whom.
    pub conversation: Conversation,
    /// What it is.
    pub kind: Kind,
    /// What it says; as long as that of any message.
    pub body: Bytes,
}

/// A delayed message as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheduled {
    /// Its name.
    pub id: ScheduleId,
    /// What is to be said.
    pub message: Delayed,
    /// When: milliseconds since 1970.
    pub due_ms: u64,
    /// When it was taken.
    pub created_ms: u64,
    /// How far it is.
    pub state: Progress,
}

/// How far a delayed message is.
///
/// ```text
///             due                  stored
///  Waiting ─────────▶ Sending ───────────────▶ (sent)
///     │                  │ refused for good
///     │ cancel           ▼
///     │               Failed ──────────┐
///     ▼                        cancel  ▼
///  (cancelled) ◀───────────────────────┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller shows each")]
pub enum Progress {
    /// For its time. Only now it can be edited.
    Waiting,
    /// Somebody has begun to send it. It is sent once, however often that fails.
    Sending,
    /// It will not be sent.
    Failed {
        /// The word for why: that of a refused message.
        code: String,
    },
}

/// How long we can say of one that is over that it was sent, or cancelled, in milliseconds: a day. No request to make it
/// is on its way that long.
const KEPT_MS: u64 = 24 * 3600 * 1000;

/// The record's bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Stored {
    #[prost(string, tag = "1")]
    pub(super) owner: String,
    #[prost(enumeration = "Phase", tag = "2")]
    pub(super) phase: i32,
    #[prost(uint64, tag = "3")]
    pub(super) due_ms: u64,
    #[prost(uint64, tag = "4")]
    pub(super) created_ms: u64,
    /// Of one that was sent or cancelled nothing more is kept.
    #[prost(string, tag = "5")]
    pub(super) conversation: String,
    #[prost(int32, tag = "6")]
    pub(super) kind: i32,
    #[prost(bytes = "bytes", tag = "7")]
    pub(super) body: Bytes,
    /// When somebody began to send it.
    #[prost(uint64, tag = "8")]
    pub(super) claimed_ms: u64,
    /// Why it failed.
    #[prost(string, tag = "9")]
    pub(super) code: String,
    /// When it was sent or cancelled.
    #[prost(uint64, tag = "10")]
    pub(super) over_ms: u64,
}

/// How far a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Phase {
    /// No record says so.
    None = 0,
    Waiting = 1,
    Sending = 2,
    Failed = 3,
    Sent = 4,
    Cancelled = 5,
}

impl Stored {
    /// The same, over: without what it said.
    pub(super) fn over(&self, phase: Phase, now_ms: u64) -> Self {
        Self {
            phase: phase as i32,
            owner: self.owner.clone(),
            due_ms: self.due_ms,
            created_ms: self.created_ms,
            claimed_ms: self.claimed_ms,
            over_ms: now_ms,
            ..Self::default()
        }
    }

    /// Whether it was sent or cancelled more than a day ago, so that it may be forgotten.
    pub(super) fn is_long_over(&self, now_ms: u64) -> bool {
        matches!(self.phase(), Phase::Sent | Phase::Cancelled) && self.over_ms.saturating_add(KEPT_MS) < now_ms
    }

    /// What is to be said.
    pub(super) fn message(&self, log: &LogName, seq: u64) -> Result<Delayed, StoreError> {
        let conversation = self.conversation.parse().map_err(|error| entity::damaged(log, seq, &error))?;
        Ok(Delayed { conversation, kind: Kind::from_number(self.kind), body: self.body.clone() })
    }

    /// As its owner sees it; `None` for one that is over.
    pub(super) fn scheduled(&self, log: &LogName, seq: u64) -> Result<Option<Scheduled>, StoreError> {
        let id = id_of(log).ok_or_else(|| entity::damaged(log, seq, &"the log is no delayed message's"))?;
        let state = match self.phase() {
            Phase::Waiting => Progress::Waiting,
            Phase::Sending => Progress::Sending,
            Phase::Failed => Progress::Failed { code: self.code.clone() },
            Phase::None | Phase::Sent | Phase::Cancelled => return Ok(None),
        };
        let message = self.message(log, seq)?;
        Ok(Some(Scheduled { id, message, due_ms: self.due_ms, created_ms: self.created_ms, state }))
    }
}

/// The number that the message will have: always the same, so that a conversation takes it once.
pub(super) fn message_id(id: &ScheduleId) -> MessageId {
    let hash: [u8; 32] = Sha256::new().chain_update("keepline schedule ").chain_update(id.as_str()).finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    MessageId::new(bytes)
}

/// What the names of delayed messages' logs begin with.
pub(super) const LOGS: &str = "s.";

/// The log of a delayed message.
pub(super) fn log(id: &ScheduleId) -> LogName {
    LogName::new(&format!("{LOGS}{id}"))
}

/// The delayed message of a log.
pub(super) fn id_of(log: &LogName) -> Option<ScheduleId> {
    log.as_str().strip_prefix(LOGS)?.parse().ok()
}
