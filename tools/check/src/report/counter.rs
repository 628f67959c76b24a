//! `Counter`: everything that is counted, what it means, and what it does to the verdict.

/// A count of a report. Where nothing else is said it must be 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counter {
    /// An acknowledged message that a reader who must have it does not have, counted once a reader.
    Lost,
    /// A message refused at each attempt, and seen all the same.
    Resurrected,
    /// A message seen that nobody sent to that conversation.
    Unexpected,
    /// A message taken twice by the application of one device, by its number or by its id.
    DupApp,
    /// A message seen with another body than it was sent with.
    Corrupt,
    /// A message taken after one with a higher number of the same conversation, at one device.
    Order,
    /// A message numbered below one that its sender knew to be stored before sending it.
    RealTime,
    /// A number that no reader saw, or an unacknowledged message that some readers have and a reader who must does not.
    Gap,
    /// A range that a device was told is gone, and that retention had not dropped, counted once a device.
    FalseGap,
    /// One number with two messages, or one message with two numbers, across all readers.
    Fork,
    /// A message taken by a user who was not a member from its sending to its arrival.
    Leak,
    /// Something acknowledged in a session, though it began after a later session of the device was open.
    Zombie,
    /// Reported only: a message of unknown outcome that turned out to exist.
    Recovered,
    /// Reported only: a message that came to a device again, before the application dropped it.
    DupRaw,
    /// Reported only: a range of messages that the server said were gone for good.
    Announced,
    /// Reported only: an account of a device that the server refused.
    Resets,
    /// Reported only: a connection that ended against its owner's wish.
    Cuts,
    /// Reported only: a send or a login whose outcome nobody could say.
    Infos,
    /// Void: a conversation of which the final reading failed.
    Unread,
    /// Void: a device that was not connected at the end, or had no time to catch up.
    Undrained,
    /// Void: a conversation of which nobody noted the members, so that no device could be asked for what it lacks.
    Memberless,
    /// Void: an acknowledged message of which no reader could tell whether it is there.
    Unverified,
}

/// What a counter does to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Above 0 the run is red.
    Promise,
    /// Above 0 the run can't be green: we did not look.
    Blind,
    /// For the record.
    Figure,
}

impl Counter {
    /// Every counter, in the order of the table.
    pub const ALL: [Self; 22] = [
        Self::Lost,
        Self::Resurrected,
        Self::Unexpected,
        Self::DupApp,
        Self::Corrupt,
        Self::Order,
        Self::RealTime,
        Self::Gap,
        Self::FalseGap,
        Self::Fork,
        Self::Leak,
        Self::Zombie,
        Self::Recovered,
        Self::DupRaw,
        Self::Announced,
        Self::Resets,
        Self::Cuts,
        Self::Infos,
        Self::Unread,
        Self::Undrained,
        Self::Memberless,
        Self::Unverified,
    ];

    /// Its word in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What it counts, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().2
    }

    pub(super) fn kind(self) -> Kind {
        self.row().1
    }

    fn row(self) -> (&'static str, Kind, &'static str) {
        use Kind::{Blind, Figure, Promise};
        match self {
            Self::Lost => ("lost", Promise, "acknowledged, and missing at a reader"),
            Self::Resurrected => ("resurrected", Promise, "refused, and seen"),
            Self::Unexpected => ("unexpected", Promise, "seen, and sent by nobody"),
            Self::DupApp => ("dup_app", Promise, "taken twice by one application"),
            Self::Corrupt => ("corrupt", Promise, "seen with another body"),
            Self::Order => ("order", Promise, "taken after a higher number"),
            Self::RealTime => ("real_time", Promise, "numbered below what its sender knew stored"),
            Self::Gap => ("gap", Promise, "a number or message missing at the end"),
            Self::FalseGap => ("false_gap", Promise, "told as gone, and not dropped by retention"),
            Self::Fork => ("fork", Promise, "one number with two messages, or the reverse"),
            Self::Leak => ("leak", Promise, "taken by somebody who is no member"),
            Self::Zombie => ("zombie", Promise, "acknowledged to a fenced session"),
            Self::Recovered => ("recovered", Figure, "outcome unknown, and it exists"),
            Self::DupRaw => ("dup_raw", Figure, "came again on the wire"),
            Self::Announced => ("announced", Figure, "ranges said to be gone"),
            Self::Resets => ("resets", Figure, "accounts refused by the server"),
            Self::Cuts => ("cuts", Figure, "connections cut"),
            Self::Infos => ("infos", Figure, "outcomes unknown"),
            Self::Unread => ("unread", Blind, "conversations that could not be read at the end"),
            Self::Undrained => ("undrained", Blind, "devices that had no time to catch up at the end"),
            Self::Memberless => ("memberless", Blind, "conversations of which nobody noted the members"),
            Self::Unverified => ("unverified", Blind, "acknowledged, and nobody looked whether it is there"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn every_counter_stands_at_its_own_place() {
        for (place, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, place, "{}", counter.name());
        }
    }
}
