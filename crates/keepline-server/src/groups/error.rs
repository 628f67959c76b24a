//! Errors of groups: what was wrong, in one word for programs and one sentence for people.

use crate::entity::entity_error;
use crate::store::StoreError;

/// Why a group was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// There is none of this name, or who asks is not a member of it: strangers are not told which.
    #[error("you are in no group of this name")]
    NotFound,
    /// Some group has the name, or had it.
    #[error("the name is taken")]
    Taken,
    /// Who asks is a member without the right to do this.
    #[error("this takes the group's {0}")]
    NotAllowed(&'static str),
    /// The owner would leave.
    #[error("the owner hands the group over to another member, or deletes it, before he leaves")]
    OwnerStays,
    /// Who is to have another role is not a member.
    #[error("this user is not a member")]
    NotMember,
    /// No more members.
    #[error("a group has at most {limit} members")]
    Full {
        /// How many it may have.
        limit: usize,
    },
    /// The user is in as many groups as he may be.
    #[error("a user is in at most {limit} groups")]
    TooManyGroups {
        /// How many they may be.
        limit: usize,
    },
    /// The title is too long.
    #[error("a title has at most {limit} bytes")]
    BadTitle {
        /// How many it may have.
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

impl GroupError {
    /// The word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Taken => "taken",
            Self::NotAllowed(_) => "not_allowed",
            Self::OwnerStays => "owner_stays",
            Self::NotMember => "not_member",
            Self::Full { .. } => "group_full",
            Self::TooManyGroups { .. } => "too_many_groups",
            Self::BadTitle { .. } => "bad_title",
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

entity_error!(GroupError, absent: NotFound);
