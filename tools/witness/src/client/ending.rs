//! `Ending`: how a line ended, and whether to come back.

use std::time::Duration;

use keepline_proto::wire::im::v1;
use keepline_proto::{Reason, Reconnect};

/// How a line ended, or that there was none.
#[derive(Debug)]
pub(super) enum Ending {
    /// The network, the peer's kernel, silence, or the test; in words.
    Cut(String),
    /// The server said why.
    Closed { reason: Option<Reason>, word: String, retry_after: Duration },
    /// We left, and were told to.
    Away,
    /// The handle is gone.
    Dropped,
}

/// What to do next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Come back, not before this time.
    Back(Duration),
    /// Come back when the test says so.
    WhenTold,
    Stay,
}

impl Ending {
    pub(super) fn closed(close: v1::Close) -> Self {
        let reason = u16::try_from(close.code).ok().and_then(Reason::from_code);
        Self::Closed { reason, word: close.reason, retry_after: Duration::from_millis(close.retry_after_ms.into()) }
    }

    /// Whether it was nobody's wish at this end. Who gives way to a later session of his own device is not cut.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self, Self::Cut(_) | Self::Closed { .. }) && !self.is_fence()
    }

    /// Whether a later session of the device took its place.
    pub(super) fn is_fence(&self) -> bool {
        matches!(self, Self::Closed { reason: Some(Reason::Replaced), .. })
    }

    pub(super) fn word(&self) -> String {
        match self {
            Self::Cut(word) | Self::Closed { word, .. } => word.clone(),
            Self::Away => "away".to_owned(),
            Self::Dropped => "dropped".to_owned(),
        }
    }

    /// `hint` is what the server asked for before.
    pub(super) fn next(&self, hint: Option<Duration>) -> Next {
        let hint = hint.unwrap_or_default();
        match self {
            Self::Cut(_) => Next::Back(hint),
            Self::Closed { reason, retry_after, .. } => {
                let least = retry_after.max(&hint);
                match reason.map_or(Reconnect::Yes, Reason::reconnect) {
                    Reconnect::Yes => Next::Back(*least),
                    // The code's own wait holds where the server gave none.
                    Reconnect::After(wait) if least.is_zero() => Next::Back(wait.to_std()),
                    Reconnect::After(_) => Next::Back(*least),
                    Reconnect::No => Next::Stay,
                }
            }
            Self::Away => Next::WhenTold,
            Self::Dropped => Next::Stay,
        }
    }
}
