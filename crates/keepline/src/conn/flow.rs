//! Flow: a handler's answer.

use keepline_proto::Reason;

/// What the handler wants of the line next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "the three answers of a handler")]
pub enum Flow {
    /// Go on reading.
    Continue,
    /// Stop reading until [`Connection::resume`](super::Connection::resume). A paused line is not idle, and hears of no
    /// end; its pings go on, and a peer that does not read them for the outbox's age is a slow consumer. The settings'
    /// `longest_pause` bounds it.
    Pause,
    /// Write what is waiting, then close.
    Close(Reason),
}
