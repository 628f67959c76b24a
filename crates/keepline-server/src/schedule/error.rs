//! Errors of delayed messages: what was wrong, in one word for programs and one sentence for people.

use crate::entity::entity_error;
use crate::store::StoreError;

/// Why a delayed message was not taken, changed or cancelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// There is none of this name, or it is another's: nobody is told which.
    #[error("you have no delayed message of this name")]
    NotFound,
    /// It is being sent, or was.
    #[error("it is too late: the message is being sent, or was")]
    AlreadySent,
    /// It was cancelled before.
    #[error("it was cancelled")]
    Cancelled,
    /// The user has as many as he may have.
    #[error("a user has at most {limit} delayed messages: cancel one, or wait until one was sent")]
    TooMany {
        /// How many he may have.
        limit: usize,
    },
    /// It would be sent too late.
    #[error("a message is delayed by at most {limit_ms} ms (a year)")]
    TooLate {
        /// By how many milliseconds it may be delayed.
        limit_ms: u64,
    },
    /// The body is too long.
    #[error("a body of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// It was changed by others each time we tried. Nothing was done.
    #[error("it was changed by others at the same time; try again")]
    Conflict,
    /// The store did not say whether it took it: it may be done, or not.
    #[error("it is not known whether this was done; look, or do it again")]
    UnknownOutcome,
    /// The store's. Nothing was done.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ScheduleError {
    /// The word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadySent => "already_sent",
            Self::Cancelled => "cancelled",
            Self::TooMany { .. } => "too_many",
            Self::TooLate { .. } => "too_late",
            Self::TooLarge { .. } => "too_large",
            Self::Conflict => "conflict",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Store(StoreError::Full) => "storage_full",
            Self::Store(_) => "unavailable",
        }
    }

    /// Whether the same again may go better.
    #[must_use]
    pub const fn retry(&self) -> bool {
        matches!(self, Self::Conflict | Self::UnknownOutcome | Self::Store(_))
    }
}

entity_error!(ScheduleError, absent: NotFound);
