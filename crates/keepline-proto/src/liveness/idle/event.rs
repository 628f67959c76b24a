//! IdleEvent: which side of a connection was idle, and whether that is news.

use core::fmt;

/// What was quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two directions: one, the other, both")]
pub enum IdleKind {
    /// Nothing was read.
    Reader,
    /// No write ended.
    Writer,
    /// Neither.
    All,
}

/// A period of quiet is over.
///
/// `Display` writes it as Netty does, for example `IdleStateEvent(ALL_IDLE, first)` or `IdleStateEvent(ALL_IDLE)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the two things that Netty's event tells")]
pub struct IdleEvent {
    /// What was quiet.
    pub kind: IdleKind,
    /// The first event of this kind since the last activity that the kind counts.
    pub first: bool,
}

impl IdleKind {
    /// Every kind, in the order in which their clocks are armed.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Writer, Self::All];
}

/// The name of Netty's state: `READER_IDLE`, `WRITER_IDLE`, `ALL_IDLE`.
impl fmt::Display for IdleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reader => "READER_IDLE",
            Self::Writer => "WRITER_IDLE",
            Self::All => "ALL_IDLE",
        })
    }
}

impl fmt::Display for IdleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = if self.first { ", first" } else { "" };
        write!(f, "IdleStateEvent({}{first})", self.kind)
    }
}
