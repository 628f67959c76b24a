//! Errors of accounts and tokens: what was wrong, in one word for programs and one sentence for people.

use crate::entity::entity_error;
use crate::store::StoreError;

/// Why an account was not made, changed or entered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Somebody has the name, or had it.
    #[error("the name is taken")]
    Taken,
    /// Names that begin with `cim-` are those of cim's clients.
    #[error("names that begin with cim- are kept for clients of cim's dialect")]
    Reserved,
    /// The password would be found too soon; the words say why.
    #[error("choose another password: {0}")]
    WeakPassword(&'static str),
    /// No such user, or another password: nobody is told which.
    #[error("no user has this name and this password")]
    BadCredentials,
    /// More want to hash a password than may wait. Nothing was done.
    #[error("too many passwords are being checked now; try again in a second")]
    Busy,
    /// Other nodes changed it each time we tried. Nothing was done.
    #[error("it was changed by others at the same time; try again")]
    Conflict,
    /// The store did not say whether it took it: it may be done, or not.
    #[error("it is not known whether this was done; look, or do it again")]
    UnknownOutcome,
    /// A name of cim's dialect that is too long to keep.
    #[error("a name of {length} bytes is over the limit of {limit}")]
    NameTooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The store's. Nothing was done.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// The word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Reserved => "reserved",
            Self::WeakPassword(_) => "weak_password",
            Self::BadCredentials => "bad_credentials",
            Self::Busy => "busy",
            Self::Conflict => "conflict",
            Self::UnknownOutcome => "unknown_outcome",
            Self::NameTooLong { .. } => "too_large",
            Self::Store(StoreError::Full) => "storage_full",
            Self::Store(_) => "unavailable",
        }
    }

    /// Whether the same again may go better.
    #[must_use]
    pub const fn retry(&self) -> bool {
        matches!(self, Self::Busy | Self::Conflict | Self::UnknownOutcome | Self::Store(_))
    }
}

entity_error!(AccountError, absent: BadCredentials);

/// Why a token lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// It is no token, or unknown, over, or called back: nobody is told which.
    #[error("this token is not valid: get another one with the password")]
    Refused,
    /// The store's: it is not known whether the token is valid.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthError {
    /// The word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused => "auth_failed",
            Self::Store(_) => "unavailable",
        }
    }

    /// Whether the same again may go better.
    #[must_use]
    pub const fn retry(&self) -> bool {
        matches!(self, Self::Store(_))
    }
}
