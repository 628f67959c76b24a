//! ApiError: the one shape of every refusal of our own API and of the admin listener.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::{AccountError, AuthError};
use crate::audit::Outcome;
use crate::delivery::SendError;
use crate::groups::GroupError;
use crate::guard::Refused;
use crate::history::HistoryError;
use crate::schedule::ScheduleError;
use crate::store::StoreError;

/// A refusal: a status, a code that stays the same over versions, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    code: Code,
    message: String,
    /// Seconds.
    retry_after: u32,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $status:ident, $retry:literal;)+) => {
        /// Why a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// By its name: the parts below have the same names for the same refusals. What they have and we do not
            /// know is a failure of ours.
            fn named(name: &str) -> Self {
                match name { $($name => Self::$variant,)+ _ => Self::ServerError }
            }

            /// The name in JSON and in metrics.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// Whether the same request may succeed later.
            const fn retry(self) -> bool {
                match self { $(Self::$variant => $retry,)+ }
            }
        }
    };
}

codes! {
    /// A part of the request is not what the endpoint takes.
    BadRequest = "bad_request", BAD_REQUEST, false;
    /// A search for nothing, or for too much.
    BadQuery = "bad_query", BAD_REQUEST, false;
    /// The body is no JSON.
    BadJson = "bad_json", BAD_REQUEST, false;
    /// The message id is no 16 bytes.
    BadMessageId = "bad_message_id", BAD_REQUEST, false;
    /// No token, or one that is not valid (any more).
    AuthFailed = "auth_failed", UNAUTHORIZED, false;
    /// The name or the password is wrong.
    BadCredentials = "bad_credentials", UNAUTHORIZED, false;
    /// The caller may not do this.
    NotAllowed = "not_allowed", FORBIDDEN, false;
    /// The caller does not belong to the conversation.
    NotMember = "not_member", FORBIDDEN, false;
    /// There is no such thing, or none that the caller may see.
    NotFound = "not_found", NOT_FOUND, false;
    /// There is no such user.
    UnknownUser = "unknown_user", NOT_FOUND, false;
    /// The other user of the conversation, or the group, does not exist.
    UnknownConversation = "unknown_conversation", NOT_FOUND, false;
    /// The path exists, the verb does not.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, false;
    /// The request did not arrive, or was not answered, in its time.
    Timeout = "timeout", REQUEST_TIMEOUT, true;
    /// The name is taken.
    Taken = "taken", CONFLICT, false;
    /// The name is kept for others.
    Reserved = "reserved", CONFLICT, false;
    /// It changed meanwhile: look again.
    Conflict = "conflict", CONFLICT, true;
    /// The message id was used for another message.
    IdReused = "id_reused", CONFLICT, false;
    /// The delayed message has been sent, or is being sent.
    AlreadySent = "already_sent", CONFLICT, false;
    /// It was cancelled.
    Cancelled = "cancelled", CONFLICT, false;
    /// The group has as many members as it may have.
    GroupFull = "group_full", CONFLICT, false;
    /// The user is in as many groups as he may be.
    TooManyGroups = "too_many_groups", CONFLICT, false;
    /// The owner leaves a group only after he has handed it over.
    OwnerStays = "owner_stays", CONFLICT, false;
    /// As many delayed messages as a user may have.
    TooMany = "too_many", CONFLICT, false;
    /// A delayed message is due too far from now.
    TooLate = "too_late", UNPROCESSABLE_ENTITY, false;
    /// A group's title is too long.
    BadTitle = "bad_title", UNPROCESSABLE_ENTITY, false;
    /// More bytes than allowed.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, false;
    /// The body's type is not JSON.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, false;
    /// JSON, but not the fields that the endpoint takes.
    BadFields = "bad_fields", UNPROCESSABLE_ENTITY, false;
    /// A text that is no UTF-8.
    NotText = "not_text", UNPROCESSABLE_ENTITY, false;
    /// The password is too easy, or too long.
    WeakPassword = "weak_password", UNPROCESSABLE_ENTITY, false;
    /// Too many requests.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, true;
    /// A failure of this server.
    ServerError = "server_error", INTERNAL_SERVER_ERROR, true;
    /// More work is waiting than is taken in.
    Busy = "busy", SERVICE_UNAVAILABLE, true;
    /// The server is short of memory.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, true;
    /// The store takes nothing now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, true;
    /// It may be stored, or not: send it again with the same id.
    UnknownOutcome = "unknown_outcome", GATEWAY_TIMEOUT, true;
    /// The disk is full.
    StorageFull = "storage_full", INSUFFICIENT_STORAGE, true;
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: RETRY_AFTER }
    }

    /// Whether the failure is this server's, and not the request's.
    pub(crate) fn is_ours(&self) -> bool {
        self.code.status().is_server_error()
    }

    /// For a status that a layer gave without words.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => (Code::NotFound, "there is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => (Code::MethodNotAllowed, "this path does not take this verb"),
            StatusCode::REQUEST_TIMEOUT => (Code::Timeout, "the request took longer than 30 s"),
            StatusCode::PAYLOAD_TOO_LARGE => (Code::TooLarge, "a body has at most 1 MiB"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                (Code::UnsupportedMediaType, "a body is application/json, and not compressed")
            }
            StatusCode::UNPROCESSABLE_ENTITY => (Code::BadFields, "these are not the fields of this endpoint"),
            StatusCode::SERVICE_UNAVAILABLE => {
                (Code::Overloaded, "the server is short of memory for large requests and answers: try again later")
            }
            status if status.is_client_error() => (Code::BadRequest, "this request can't be read"),
            _ => (Code::ServerError, "this server failed; the failure is in its log"),
        };
        Self::new(code, message)
    }

    pub(crate) const fn code(&self) -> Code {
        self.code
    }
}

macro_rules! refusals_of {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for ApiError {
            fn from(error: $error) -> Self {
                Self::new(Code::named(error.code()), error.to_string())
            }
        }
    )+};
}

refusals_of!(AccountError, AuthError, GroupError, HistoryError, ScheduleError, SendError);

/// How what was asked for ended, as the audit log has it.
impl<T> From<&Result<T, ApiError>> for Outcome {
    fn from(result: &Result<T, ApiError>) -> Self {
        result.as_ref().err().map_or(Self::Done, |error| Self::Refused(error.code.name()))
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let seconds = refused.retry_after.as_millis().div_ceil(1000);
        let retry_after = u32::try_from(seconds).unwrap_or(u32::MAX).max(RETRY_AFTER);
        Self { retry_after, ..Self::new(Code::RateLimited, refused.to_string()) }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Full => Code::StorageFull,
            StoreError::TooLarge { .. } => Code::TooLarge,
            StoreError::Damaged(_) => Code::ServerError,
            _ => Code::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}

/// Seconds that a client waits before it tries again, where nothing else is known. Enough for a bucket of any rate: the slowest takes one message a
/// second.
const RETRY_AFTER: u32 = 1;

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorParts,
}

/// What a refusal says.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorParts {
    /// The same word over versions, for programs.
    code: &'static str,
    /// One sentence, for people.
    message: String,
    /// Whether the same request may succeed later; `Retry-After` says when to try.
    retry: bool,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let parts = ErrorParts { code: self.code.name(), message: self.message, retry: self.code.retry() };
        let mut response = (self.code.status(), Json(ErrorBody { error: parts })).into_response();
        // For the layers, which see no code in a status.
        response.extensions_mut().insert(self.code);
        if self.code.retry() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_own_name_and_what_is_our_fault_may_be_tried_again() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..i].iter().all(|other| other.name() != code.name()), "{}", code.name());
            assert!(!code.status().is_server_error() || code.retry(), "{}", code.name());
        }
    }

    #[test]
    fn a_message_refused_for_want_of_memory_says_when_to_try_again() {
        let response = ApiError::from(SendError::Overloaded).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn every_status_that_a_layer_gives_has_a_code_of_the_same_status() {
        for status in [400, 404, 405, 408, 413, 415, 422, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(ApiError::of_status(status).code().status(), status);
        }
    }

    #[test]
    fn the_page_of_failures_has_each_code_and_no_other() {
        let page = include_str!("../../../../docs/failures.md");
        let (_, below) = page.split_once("## What HTTP refuses\n").unwrap();
        let table = below.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
        let rows = table.map(|row| row.trim_matches('|').split(" | ").map(str::trim).take(3).collect::<Vec<_>>());
        let mut told: Vec<String> = rows.map(|row| row.join(" ")).collect();
        let row = |code: &Code| {
            format!("`{}` {} {}", code.name(), code.status().as_u16(), if code.retry() { "yes" } else { "no" })
        };
        let mut wanted: Vec<String> = Code::ALL.iter().map(row).collect();
        told.sort();
        wanted.sort();
        assert_eq!(told, wanted);
    }
}
