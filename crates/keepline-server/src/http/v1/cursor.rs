//! Cursor: where the next page of a list begins. Its text means something to the server only.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::http::error::{ApiError, Code};

/// The longest text of a cursor, in bytes.
const LONGEST: usize = 1024;

/// Where a list goes on, as its text: `<list>:<place>` in base64url.
pub(super) fn write(list: &str, place: impl fmt::Display) -> String {
    Base64UrlUnpadded::encode_string(format!("{list}:{place}").as_bytes())
}

/// The place that a cursor of this list says.
///
/// # Errors
/// It is no cursor, or one of another list.
pub(super) fn read<T: FromStr>(list: &str, cursor: &str) -> Result<T, ApiError> {
    let place = || {
        let bytes = Base64UrlUnpadded::decode_vec(cursor).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.strip_prefix(list)?.strip_prefix(':')?.parse().ok()
    };
    let place = if cursor.len() > LONGEST { None } else { place() };
    place.ok_or_else(|| ApiError::new(Code::BadRequest, "this cursor is not one that this list gave"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = write("messages", 42);
        assert_eq!(read::<u64>("messages", &cursor), Ok(42));
        let long = "A".repeat(LONGEST + 4);
        for (list, bad) in [("groups", cursor.as_str()), ("messages", ""), ("messages", "!!"), ("messages", &long)] {
            assert_eq!(read::<u64>(list, bad).unwrap_err().code(), Code::BadRequest, "{list} {bad}");
        }
    }
}
