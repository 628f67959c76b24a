//! IdleSettings: which kinds of quiet to tell of, and after how long.

use super::IdleKind;
use crate::Duration;

/// The periods of an [`Idle`](super::Idle). Every kind is off until it is given a period.
///
/// As in Netty, a period of zero turns the kind off, and any other is at least 1 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdleSettings {
    reader: Option<Duration>,
    writer: Option<Duration>,
    all: Option<Duration>,
    observe_output: bool,
}

impl IdleSettings {
    /// The shortest period of any kind.
    pub const FLOOR: Duration = Duration::from_millis(1);

    /// Every kind off.
    #[must_use]
    pub const fn new() -> Self {
        Self { reader: None, writer: None, all: None, observe_output: false }
    }

    /// Tell when nothing was read for this long.
    #[must_use]
    pub fn reader(self, period: impl Into<Duration>) -> Self {
        Self { reader: checked(period.into()), ..self }
    }

    /// Tell when no write ended for this long.
    #[must_use]
    pub fn writer(self, period: impl Into<Duration>) -> Self {
        Self { writer: checked(period.into()), ..self }
    }

    /// Tell when nothing was read and no write ended for this long.
    #[must_use]
    pub fn all(self, period: impl Into<Duration>) -> Self {
        Self { all: checked(period.into()), ..self }
    }

    /// Hold back writer and all events while output moves although no write ends, as when a slow peer takes one large
    /// message piece by piece.
    ///
    /// Output has moved when, since the last look, a write ended, or another message came to the front of the queue or
    /// the bytes in it changed, or more of the message at the front was sent. A first event is never held back.
    #[must_use]
    pub const fn observe_output(self) -> Self {
        Self { observe_output: true, ..self }
    }

    /// The period of a kind, as it is applied; none if it is off.
    #[must_use]
    pub const fn period(&self, kind: IdleKind) -> Option<Duration> {
        match kind {
            IdleKind::Reader => self.reader,
            IdleKind::Writer => self.writer,
            IdleKind::All => self.all,
        }
    }

    /// Whether [`observe_output`](Self::observe_output) was asked for.
    #[must_use]
    pub const fn observes_output(&self) -> bool {
        self.observe_output
    }
}

fn checked(period: Duration) -> Option<Duration> {
    (!period.is_zero()).then(|| period.max(IdleSettings::FLOOR))
}
