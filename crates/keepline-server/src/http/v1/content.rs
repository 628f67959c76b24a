//! Content: what a message says, in JSON: `text` for a text, `data` in base64 for the other kinds.

use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::error::{ApiError, Code};
use crate::message::{self, LARGEST_BODY};

/// What a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// UTF-8, in `text`.
    #[default]
    Text,
    /// A picture, or where it is, in `data`.
    Image,
    /// A reference to a file that is kept elsewhere, in `data`.
    File,
    /// The application's own, in `data`.
    Custom,
}

impl From<Kind> for message::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Image => Self::Image,
            Kind::File => Self::File,
            Kind::Custom => Self::Custom,
        }
    }
}

impl From<message::Kind> for Kind {
    fn from(kind: message::Kind) -> Self {
        match kind {
            message::Kind::Text => Self::Text,
            message::Kind::Image => Self::Image,
            message::Kind::File => Self::File,
            message::Kind::Custom => Self::Custom,
        }
    }
}

/// A body as a request writes it.
///
/// # Errors
/// Not exactly the field of the kind; no base64; over [`LARGEST_BODY`].
pub(super) fn read(kind: Kind, text: Option<String>, data: Option<String>) -> Result<Bytes, ApiError> {
    let body = match (kind, text, data) {
        (Kind::Text, Some(text), None) => Bytes::from(text),
        (Kind::Text, ..) => {
            return Err(ApiError::new(Code::BadFields, "a text has its words in `text`, and no `data`"));
        }
        (_, None, Some(data)) => Base64::decode_vec(&data)
            .map_err(|_| ApiError::new(Code::BadFields, "`data` is base64 with padding (RFC 4648, section 4)"))?
            .into(),
        _ => return Err(ApiError::new(Code::BadFields, "this kind has its bytes in `data`, and no `text`")),
    };
    if body.len() > LARGEST_BODY {
        let said = format!("a message of {} bytes is over the limit of {LARGEST_BODY}", body.len());
        return Err(ApiError::new(Code::TooLarge, said));
    }
    Ok(body)
}

/// A body as an answer writes it: `text` and `data`, of which one is there. A text that is no UTF-8 is written as data
/// rather than changed.
pub(super) fn write(kind: message::Kind, body: &Bytes) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(body) {
        Ok(text) if kind == message::Kind::Text => (Some(text.to_owned()), None),
        _ => (None, Some(Base64::encode_string(body))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_as_it_was_written() {
        for (kind, body) in [(Kind::Text, &b"hi \xc3\xa4"[..]), (Kind::Image, b"\x00\xff"), (Kind::Custom, b"")] {
            let (text, data) = write(kind.into(), &Bytes::copy_from_slice(body));
            assert_eq!(read(kind, text, data).unwrap(), body, "{kind:?}");
        }
        assert_eq!(write(message::Kind::Text, &Bytes::from_static(b"\xff")), (None, Some("/w==".to_owned())));
    }

    #[test]
    fn a_kind_has_its_own_field_only() {
        let some = || Some("aGk=".to_owned());
        let large = || Some("x".repeat(LARGEST_BODY + 1));
        for (kind, text, data, code) in [
            (Kind::Text, None, None, Code::BadFields),
            (Kind::Text, None, some(), Code::BadFields),
            (Kind::Text, some(), some(), Code::BadFields),
            (Kind::File, some(), None, Code::BadFields),
            (Kind::File, None, Some("a".to_owned()), Code::BadFields),
            (Kind::Text, large(), None, Code::TooLarge),
        ] {
            assert_eq!(read(kind, text, data).unwrap_err().code(), code, "{kind:?}");
        }
        assert!(read(Kind::Text, Some("x".repeat(LARGEST_BODY)), None).is_ok());
    }
}
