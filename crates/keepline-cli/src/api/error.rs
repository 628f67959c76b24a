//! ApiError: why a request to a server failed, and what to do about it.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde::Deserialize;

use super::address::ServerUrl;
use crate::exit::Exit;

/// Why a request failed. Words of the server are in it as they came: to be escaped before they are printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("no server at {server}: {cause}; is it running, and at this address?")]
    Unreachable { server: ServerUrl, cause: String },
    /// The request never left.
    #[error("{server} ended the connection before it was asked: {cause}")]
    Unasked { server: ServerUrl, cause: String },
    /// Whether the request was carried out is unknown.
    #[error("{server} ended the connection before it answered: {cause}")]
    Lost { server: ServerUrl, cause: String },
    /// Whether the request was carried out is unknown.
    #[error("no answer from {server} within {}; --timeout sets another time", humantime::format_duration(*.within))]
    TimedOut { server: ServerUrl, within: Duration },
    #[error("what answers at {server} is no keepline server ({what}): is this its HTTP port?")]
    Strange { server: ServerUrl, what: String },
    #[error("an answer of {server} is longer than {limit} bytes; ask for less with --limit")]
    TooLong { server: ServerUrl, limit: usize },
    /// The server's own words.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The wait before a request is sent again that never left.
const UNASKED: Duration = Duration::from_secs(1);

/// What a server says against a request.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code}){}", self.come_again())]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The same word over versions.
    pub(crate) code: String,
    /// One sentence, for people.
    pub(crate) message: String,
    /// When to ask again, if the server said that.
    pub(crate) retry_after: Option<Duration>,
}

/// The body of every refusal.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: ErrorParts,
}

#[derive(Deserialize)]
pub(super) struct ErrorParts {
    pub(super) code: String,
    pub(super) message: String,
}

impl ApiError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } | Self::Unasked { .. } | Self::Lost { .. } => Exit::Unreachable,
            Self::TimedOut { .. } => Exit::Timeout,
            Self::Strange { .. } | Self::TooLong { .. } => Exit::Failed,
            Self::Refused(refusal) => refusal.exit(),
        }
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// When the server wants to be asked again, if it said that.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// When to send the same request again, where the server wants that and nothing can be done twice by it.
    pub(super) fn again_after(&self, method: &Method) -> Option<Duration> {
        match self {
            Self::Unasked { .. } => Some(UNASKED),
            // Too many requests: this one was not looked at.
            Self::Refused(refusal) if refusal.status == StatusCode::TOO_MANY_REQUESTS => refusal.retry_after,
            // What failed half-way may be half done, where it does anything.
            Self::Refused(refusal) if self.is_busy() && method.is_safe() => refusal.retry_after,
            _ => None,
        }
    }

    /// Whether the server can't do it now, and said when it may.
    pub(crate) fn is_busy(&self) -> bool {
        let busy = |refusal: &Refusal| refusal.status == StatusCode::SERVICE_UNAVAILABLE;
        matches!(self, Self::Refused(refusal) if busy(refusal) && refusal.retry_after.is_some())
    }

    /// Whether the request may have been carried out although it failed: the same again, with the same id, is safe.
    pub(crate) fn is_unknown(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::TimedOut { .. } => true,
            Self::Refused(refusal) => refusal.status == StatusCode::GATEWAY_TIMEOUT,
            _ => false,
        }
    }
}

impl Refusal {
    /// When, unless the server's words say it.
    fn come_again(&self) -> String {
        match self.retry_after {
            Some(after) if !self.message.contains(" again ") => {
                format!("; come again in {}", humantime::format_duration(after))
            }
            _ => String::new(),
        }
    }

    fn exit(&self) -> Exit {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Denied,
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Exit::Timeout,
            _ => Exit::Failed,
        }
    }
}
