//! Idle: the reader, writer and all idle clocks of one connection, with the semantics of Netty's IdleStateHandler.

/// Which direction is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two directions and both")]
pub enum IdleKind {
    /// Nothing was read.
    Reader,
    /// Nothing was written.
    Writer,
    /// Neither.
    All,
}

/// A line was silent for the whole of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "Netty's event, whole")]
pub struct IdleEvent {
    /// Which direction.
    pub kind: IdleKind,
    /// Whether it is the first event of this silence.
    pub first: bool,
}
