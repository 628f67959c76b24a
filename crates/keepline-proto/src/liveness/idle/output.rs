//! Output: what waits to be sent, and whether it moved since the last look.

use core::mem::replace;

use crate::Instant;

/// What waits to be sent at one moment. An empty queue is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a driver fills in all of it, or takes the default")]
pub struct OutputSnapshot {
    /// The message at the front of the queue: any number that another message of this connection does not have, such
    /// as a running count.
    pub head: Option<u64>,
    /// Bytes of all messages in the queue. A message counts whole until it has left.
    pub pending: u64,
    /// Bytes of the message at the front that were sent.
    pub progress: u64,
}

/// What the last look saw.
#[derive(Clone, Debug)]
pub(super) struct OutputMemory {
    last_write: Instant,
    output: OutputSnapshot,
}

impl OutputMemory {
    pub(super) const fn new(last_write: Instant, output: OutputSnapshot) -> Self {
        Self { last_write, output }
    }

    /// Looks, remembers, and tells if output moved since the last look that reached the same sign.
    ///
    /// Three signs in Netty's order: a write ended; another head or another amount in the queue; progress of the head.
    /// A look for a first event takes in all three and never says yes. Any other stops at the first sign that moved,
    /// and the ones behind it stay as they were: the next look still finds them moved.
    pub(super) fn moved(&mut self, first: bool, last_write: Instant, output: OutputSnapshot) -> bool {
        if replace(&mut self.last_write, last_write) != last_write && !first {
            return true;
        }
        let head = replace(&mut self.output.head, output.head);
        let pending = replace(&mut self.output.pending, output.pending);
        if (head, pending) != (output.head, output.pending) && !first {
            return true;
        }
        replace(&mut self.output.progress, output.progress) != output.progress && !first
    }
}
