//! Timeline: the last things that happened to a chat's connection, for the question "why was I offline?".

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use keepline_proto::{Duration, Reason, Side};

/// How many are kept.
pub(super) const KEPT: usize = 20;

/// One thing that happened to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Occurrence {
    /// When, by this machine's clock.
    pub at: SystemTime,
    /// To which endpoint.
    pub endpoint: Arc<str>,
    /// What.
    pub what: What,
    /// What was done about it.
    pub done: Done,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The line is up.
    Up,
    /// The server announced that it will stop.
    GoAway,
    /// No connection came about.
    Failed {
        /// Why, for a person.
        error: Arc<str>,
    },
    /// The line ended.
    Down {
        /// The row of the one table of reasons.
        reason: Reason,
        /// Whose doing it was, as a client sees it.
        whose: Whose,
        /// What lay behind it, for a person.
        detail: Arc<str>,
    },
}

/// Whose doing the end of a line was, as a client sees it.
///
/// [`Side`] is the row's group, the same at both ends; this is what it means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends and a network between them")]
pub enum Whose {
    /// This client's: it was closed, or would not go on.
    Ours,
    /// The server's: it said so, or its process or kernel ended the line.
    Server,
    /// Nobody's: the path, or silence on it.
    Network,
}

/// What the client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it comes back, or it does not, or there is nothing to do")]
pub enum Done {
    /// Nothing: all is well.
    Nothing,
    /// Another attempt, after this time.
    Retry(Duration),
    /// None: the reason forbids it, or the chat was closed.
    Stay,
}

/// The last occurrences.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    kept: VecDeque<Occurrence>,
}

impl Timeline {
    pub(super) fn note(&mut self, occurrence: Occurrence) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(occurrence);
    }

    /// The oldest first.
    pub(super) fn list(&self) -> Vec<Occurrence> {
        self.kept.iter().cloned().collect()
    }
}

impl Whose {
    /// `told` is whether the server said the reason itself.
    pub(super) const fn of(reason: Reason, told: bool) -> Self {
        match reason {
            _ if told => Self::Server,
            Reason::PeerClosed | Reason::Reset => Self::Server,
            // It did not answer in time.
            Reason::HandshakeTimeout | Reason::FrameTimeout => Self::Server,
            _ => match reason.side() {
                Side::Network => Self::Network,
                Side::Client | Side::Server => Self::Ours,
            },
        }
    }

    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "client",
            Self::Server => "server",
            Self::Network => "network",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn the_last_twenty_are_kept() {
        let mut timeline = Timeline::default();
        for ms in 0..50 {
            let at = UNIX_EPOCH + std::time::Duration::from_millis(ms);
            timeline.note(Occurrence { at, endpoint: "a".into(), what: What::Up, done: Done::Nothing });
        }
        let list = timeline.list();
        let ms = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap().as_millis();
        assert_eq!((list.len(), ms(list[0].at), ms(list[19].at)), (20, 30, 49));
    }

    #[test]
    fn a_client_knows_whose_doing_it_was() {
        let table = [
            (Reason::PeerClosed, false, Whose::Server),
            (Reason::Reset, false, Whose::Server),
            (Reason::Silent, false, Whose::Network),
            (Reason::IoError, false, Whose::Network),
            (Reason::Bye, false, Whose::Ours),
            (Reason::ProtocolError, false, Whose::Ours),
            (Reason::ProtocolError, true, Whose::Server),
            (Reason::HandshakeTimeout, false, Whose::Server),
            (Reason::Draining, true, Whose::Server),
            (Reason::Kicked, true, Whose::Server),
            (Reason::Silent, true, Whose::Server),
        ];
        for (reason, told, whose) in table {
            assert_eq!(Whose::of(reason, told), whose, "{reason}, told: {told}");
        }
    }
}
