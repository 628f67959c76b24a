//! Flow: a handler's answer.

use keepline_proto::Reason;

/// What the handler wants of the line next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "the three answers of a handler")]
pub enum Flow {
    /// Go on reading.
    Continue,
    /// Stop reading until [`Connection::resume`](super::Connection::resume); a paused line is not idle.
    Pause,
    /// Write what is waiting, then close.
    Close(Reason),
}
