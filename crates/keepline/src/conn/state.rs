//! State: the small states of a driver, a byte each.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Opening,
    Open,
    Closing,
    Ended,
}

/// What the line has not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backlog {
    None,
    /// The transport holds bytes of its own, as TLS does, and must be asked again to pass them on.
    Unflushed,
    /// The outbox holds something.
    Outbox,
}

/// Why the line does not read; empty while it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paused(u8);

impl Paused {
    /// The handler said [`Flow::Pause`](super::Flow::Pause).
    pub(super) const HANDLER: Self = Self(1);
    /// As many answers are owed as the settings allow.
    pub(super) const ANSWERS: Self = Self(2);
    /// The peer takes less than it asks for.
    pub(super) const BACKLOG: Self = Self(4);

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}
