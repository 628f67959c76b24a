//! Reply: the four fields of every answer of cim, and its table of codes.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// One row of cim's table of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Done.
    Success,
    /// A value that can't be.
    InvalidArgument,
    /// The user has a live session.
    RepeatLogin,
    /// It was not done.
    Failure,
    /// The receiver is not there; the message is kept for him.
    OffLine,
    /// No such user, or the name is another's.
    AccountNotMatch,
    /// The store did not take it.
    OfflineSaveFailed,
    /// The store could not read it.
    OfflineReadFailed,
}

impl Code {
    /// Code and message, letter by letter as in cim.
    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Success => ("9000", "Success"),
            Self::InvalidArgument => ("3000", "invalid argument"),
            Self::RepeatLogin => ("5000", "Repeat login, log out an account please!"),
            Self::Failure => ("4000", "Failure"),
            Self::OffLine => ("7000", "You selected user is offline!, please try again later!"),
            Self::AccountNotMatch => ("9100", "The User information you have used is incorrect!"),
            Self::OfflineSaveFailed => ("9200", "Offline message storage error!"),
            Self::OfflineReadFailed => ("9201", "Offline message fetch error!"),
        }
    }
}

/// An answer: exactly these fields, nulls written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reply<T> {
    code: &'static str,
    message: &'static str,
    /// Never the request's: cim does not echo it either.
    req_no: Option<&'static str>,
    data_body: Option<T>,
}

/// An answer without a body.
pub(super) type Bare = Reply<()>;

impl<T> Reply<T> {
    /// Done, with this body.
    pub(super) const fn success(data_body: Option<T>) -> Self {
        Self::of(Code::Success, data_body)
    }

    /// Not done, or done in another way; without a body.
    pub(super) const fn code(code: Code) -> Self {
        Self::of(code, None)
    }

    const fn of(code: Code, data_body: Option<T>) -> Self {
        let (code, message) = code.row();
        Self { code, message, req_no: None, data_body }
    }
}

/// HTTP 200 whatever the code: any other makes a Java client throw.
impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
