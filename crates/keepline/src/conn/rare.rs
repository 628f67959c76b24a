//! Rare: the state of a line that most idle lines have none of, behind one optional box.

use keepline_proto::{Instant, Reason};

use super::idle_watch::IdleWatch;
use super::report::Cause;

/// Freed as soon as all of it is empty again.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// The bytes of a frame that is partly there, or of frames that a paused line has not looked at.
    pub(crate) leftover: Vec<u8>,
    /// The announced length of the frame in progress, 0 while unknown; its clock runs in the monitor.
    pub(crate) frame: Option<u64>,
    pub(crate) handshake_by: Option<Instant>,
    pub(crate) first_frame_by: Option<Instant>,
    /// When a line that is paused has been so for too long.
    pub(crate) pause_by: Option<Instant>,
    pub(crate) closing: Option<Closing>,
    pub(crate) idle: Option<Box<IdleWatch>>,
}

/// A line that is about to end.
#[derive(Debug)]
pub(crate) struct Closing {
    pub(crate) reason: Reason,
    pub(crate) cause: Option<Cause>,
    /// The end, whatever is still waiting.
    pub(crate) by: Instant,
    pub(crate) stage: Stage,
}

/// ```text
/// Answers ──▶ Flush ──▶ Shutdown ──▶ Linger ──▶ (ended) ◀── Drop ◀── Parting
/// ```
/// `Answers` comes first where the peer has ended its half while answers are owed to it, `Parting` where it was silent.
/// A failing socket or the deadline ends it from any stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing more to say: the peer is gone, or does not read.
    Drop,
    /// What the socket takes at once is written, a farewell last: a peer that is only frozen reads it when it is thawed.
    /// One that is gone is not waited for.
    Parting,
    /// The answers that are owed are written as they come.
    Answers,
    /// What is waiting is written, a farewell last.
    Flush,
    /// Our end is announced.
    Shutdown,
    /// The peer's bytes are read and dropped until its end: closing with unread bytes would reset the connection, and
    /// the peer might lose our last words.
    Linger,
}

impl Rare {
    pub(crate) fn is_vacant(&self) -> bool {
        self.leftover.is_empty()
            && self.handshake_by.is_none()
            && self.first_frame_by.is_none()
            && self.pause_by.is_none()
            && self.closing.is_none()
            && self.idle.is_none()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        if let Some(closing) = &self.closing {
            return Some(closing.by);
        }
        let idle = self.idle.as_ref().and_then(|idle| idle.deadline());
        [self.handshake_by, self.first_frame_by, self.pause_by, idle].into_iter().flatten().min()
    }
}
