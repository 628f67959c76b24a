//! AccountError: why we are nobody at a server.

use std::io;
use std::path::PathBuf;

use super::CredentialsError;
use crate::api::ApiError;
use crate::exit::Exit;

/// Why we are nobody at a server. Words of the server may be in it: to be escaped before they are printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("say who you are: --as NAME, or KEEPLINE_USER")]
    NoName,
    #[error("the token is {whose}'s, and not {user}'s: leave out --as, or give another token")]
    NotHis { user: String, whose: String },
    #[error("{user} has a password that is not known here ({why}): give KEEPLINE_PASSWORD or --password-file")]
    NoPassword { user: String, why: String },
    #[error("{} is no text", .0)]
    NotText(&'static str),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("no randomness: {0}")]
    Random(#[from] io::Error),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl AccountError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoName => Exit::Usage,
            Self::NotHis { .. } | Self::NoPassword { .. } => Exit::Denied,
            Self::NotText(_) | Self::File { .. } | Self::Random(_) | Self::Credentials(_) => Exit::Failed,
            Self::Api(error) => error.exit(),
        }
    }
}
