//! SendError: why a message was not taken, and whether to send it again.

use crate::directory::Refusal;
use crate::message::LARGEST_BODY;
use crate::store::StoreError;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The conversation is not the sender's.
    #[error("you are no member of this conversation")]
    NotMember,
    /// There is no such user or group, or the text names no conversation.
    #[error("there is no such conversation")]
    UnknownConversation,
    /// The body is over the limit.
    #[error("a body of {length} bytes is over the limit of {LARGEST_BODY}")]
    TooLarge {
        /// Its length.
        length: usize,
    },
    /// A text that is not UTF-8.
    #[error("a text must be UTF-8; send it as another kind")]
    NotText,
    /// Not 16 bytes.
    #[error(transparent)]
    BadMessageId(#[from] crate::id::BadMessageId),
    /// Another message was sent with this id.
    #[error("another message has this id: choose a new one for each message")]
    IdReused,
    /// No space is left.
    #[error("the server's disk is full")]
    StorageFull,
    /// The store takes nothing now.
    #[error("the server can't store it now: {0}")]
    Unavailable(StoreError),
    /// Too many messages in too little time.
    #[error("too many messages in too little time")]
    RateLimited,
    /// The server is short of memory.
    #[error("the server is short of memory: send it again later")]
    Overloaded,
    /// It may be stored or not.
    #[error("whether it is stored is not known: send it again with the same id")]
    UnknownOutcome,
    /// A later login of the same device has taken the session's place.
    #[error("a later login of this device has taken its place")]
    Fenced,
}

impl SendError {
    /// The word for programs: the same on the line and in the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotMember => "not_member",
            Self::UnknownConversation => "unknown_conversation",
            Self::TooLarge { .. } => "too_large",
            Self::NotText => "not_text",
            Self::BadMessageId(_) => "bad_message_id",
            Self::IdReused => "id_reused",
            Self::StorageFull => "storage_full",
            Self::Unavailable(_) => "unavailable",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Fenced => "replaced",
        }
    }

    /// Whether the same message with the same id may be taken later, or was taken.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::StorageFull | Self::Unavailable(_) | Self::RateLimited | Self::Overloaded | Self::UnknownOutcome => {
                true
            }
            Self::NotMember
            | Self::UnknownConversation
            | Self::TooLarge { .. }
            | Self::NotText
            | Self::BadMessageId(_)
            | Self::IdReused
            | Self::Fenced => false,
        }
    }

    /// Whether it may be stored all the same.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::UnknownOutcome)
    }
}

impl From<Refusal> for SendError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotMember => Self::NotMember,
            Refusal::Unknown => Self::UnknownConversation,
        }
    }
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::StorageFull,
            StoreError::TooLarge { length, .. } => Self::TooLarge { length },
            StoreError::Unavailable(_) | StoreError::Damaged(_) => Self::Unavailable(error),
        }
    }
}
