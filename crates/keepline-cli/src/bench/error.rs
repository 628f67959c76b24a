//! Why a benchmark ended without a result, and the exit code that goes with it.

use std::{fmt, io};

/// An end without a result. Every text is a sentence for the user.
#[derive(Debug)]
pub(crate) enum Error {
    /// The server, the load or the machine did not do what the benchmark needs: exit code 1.
    Failed(String),
    /// The flags ask for what can't be: exit code 2.
    Usage(String),
    /// No connection could be made: exit code 3.
    Unreachable(String),
}

impl Error {
    /// The exit code of the process.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }

    /// A failure of the machine under `what` we were doing.
    pub(crate) fn io(what: &str, error: impl Into<io::Error>) -> Self {
        Self::Failed(format!("{what}: {}", error.into()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(text) | Self::Usage(text) | Self::Unreachable(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for Error {}
