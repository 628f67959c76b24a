//! Message: what is said in a conversation, its id, and the mark that says how far one has come.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use keepline_proto::wire::im::v1;

/// The 16 bytes by which a message is known however often it is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

/// What a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// UTF-8; the server refuses what is not.
    #[default]
    Text,
    /// An image.
    Image,
    /// A reference to a file that is kept elsewhere.
    File,
    /// Anything else, and every kind that this version does not know.
    Custom,
}

/// A place in a conversation: everything up to here.
///
/// Numbers mean something within their epoch only: the server's numbering begins anew with another, as after the restore
/// of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "what a program stores and gives back")]
pub struct Mark {
    /// `p.A.B` for two users in the order of their bytes, `g.GROUP`, or `all`.
    pub conversation: Arc<str>,
    /// Whose numbering.
    pub epoch: u64,
    /// The number of the last message, from 1; 0 is before the first.
    pub seq: u64,
}

/// A message of one of the user's conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// As in [`Mark::conversation`].
    pub conversation: Arc<str>,
    /// As in [`Mark::epoch`].
    pub epoch: u64,
    /// Its number in the conversation, from 1, without gaps but for those that are told.
    pub seq: u64,
    /// The user who sent it; may be this one, on another device or on this.
    pub sender: String,
    /// What its sender chose; a server that sends none has all bytes zero here.
    pub id: MessageId,
    /// What it is.
    pub kind: Kind,
    /// At most 60 KiB.
    pub body: Bytes,
    /// When it was stored, in milliseconds since 1970 by the server's clock.
    pub at_ms: u64,
}

impl Message {
    /// The place behind this message, for [`Chat::done`](super::Chat::done).
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { conversation: Arc::clone(&self.conversation), epoch: self.epoch, seq: self.seq }
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl MessageId {
    /// An id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// A new id: version 7 of RFC 9562, so that ids ascend with the time of their making, to the millisecond.
    ///
    /// # Errors
    /// The kernel has no randomness to give.
    pub(super) fn random(now: SystemTime) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes[6..])?;
        let ms = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        bytes[..6].copy_from_slice(&ms.to_be_bytes()[10..]);
        bytes[6] = bytes[6] & 0x0f | 0x70;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Ok(Self(bytes))
    }

    pub(super) fn from_wire(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Kind {
    pub(super) fn from_wire(number: i32) -> Self {
        match v1::Kind::try_from(number) {
            Ok(v1::Kind::Text) => Self::Text,
            Ok(v1::Kind::Image) => Self::Image,
            Ok(v1::Kind::File) => Self::File,
            Ok(v1::Kind::Custom) | Err(_) => Self::Custom,
        }
    }

    pub(super) const fn to_wire(self) -> v1::Kind {
        match self {
            Self::Text => v1::Kind::Text,
            Self::Image => v1::Kind::Image,
            Self::File => v1::Kind::File,
            Self::Custom => v1::Kind::Custom,
        }
    }
}

/// As a UUID is written.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_7_with_the_time_in_front() {
        let at = UNIX_EPOCH + Duration::from_millis(0x0123_4567_89ab);
        let (one, other) = (MessageId::random(at).unwrap(), MessageId::random(at).unwrap());
        assert_ne!(one, other);
        let text = one.to_string();
        assert!(text.starts_with("01234567-89ab-7") && matches!(text.as_bytes()[19], b'8'..=b'b'), "{text}");
        assert!(MessageId::random(at + Duration::from_millis(1)).unwrap() > one);
        assert_eq!(MessageId::from_wire(&one.to_bytes()), Some(one));
        assert_eq!(MessageId::from_wire(&one.to_bytes()[1..]), None);
    }

    #[test]
    fn a_kind_that_is_not_known_is_custom() {
        for kind in [Kind::Text, Kind::Image, Kind::File, Kind::Custom] {
            assert_eq!(Kind::from_wire(kind.to_wire().into()), kind);
        }
        assert_eq!(Kind::from_wire(77), Kind::Custom);
    }
}
