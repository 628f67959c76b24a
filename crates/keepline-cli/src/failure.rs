//! Failure: why a command did not do what it was asked, as one sentence, and the exit code that goes with it.

use std::io;

use crate::account::AccountError;
use crate::api::ApiError;
use crate::exit::Exit;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What is wrong and what to do. It may hold words of a server: to be escaped before it is printed.
    pub(crate) message: String,
}

impl Failure {
    /// The command line asks for what there is not.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { exit: error.exit(), message: error.to_string() }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        Self { exit: error.exit(), message: error.to_string() }
    }
}

/// Of reading stdin and writing stdout. A reader that has had enough, as `head`, is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Ok } else { Exit::Failed };
        Self { exit, message: error.to_string() }
    }
}
