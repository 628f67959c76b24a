//! ApiError: why a request to a server failed, and what to do about it.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;

use super::address::ServerUrl;
use crate::exit::Exit;

/// Why a request failed. Words of the server are in it as they came: to be escaped before they are printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("no server at {server}: {cause}; is it running, and at this address?")]
    Unreachable { server: ServerUrl, cause: String },
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
    #[error("{} ({})", .0.message, .0.code)]
    Refused(Refusal),
}

/// What a server says against a request.
#[derive(Debug)]
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
            Self::Unreachable { .. } | Self::Lost { .. } => Exit::Unreachable,
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
    fn exit(&self) -> Exit {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Denied,
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Exit::Timeout,
            _ => Exit::Failed,
        }
    }
}
