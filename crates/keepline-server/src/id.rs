//! Names and numbers that things go by: users, devices, groups, messages, sessions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name, in bytes.
pub const LONGEST: usize = 64;

/// A text that is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {what} is 1 to 64 characters of A-Z, a-z, 0-9, _ and -")]
pub struct BadId {
    /// What the name was for.
    what: &'static str,
}

/// Whether a text is 1 to 64 characters of `[A-Za-z0-9_-]`: safe in a path, a log line and a subject.
fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident = $what:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                if is_name(text) { Ok(Self(text.into())) } else { Err(BadId { what: $what }) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

names! {
    /// A user. Those of cim's dialects are `cim-<number>`; nobody else's begins so.
    UserId = "user";
    /// One of a user's devices; it has one live session at a time. A cim client is the device `cim`.
    DeviceId = "device";
    /// A group.
    GroupId = "group";
    /// A delayed message.
    ScheduleId = "schedule";
}

/// A message's own number, chosen by its sender: the same again is the same message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

impl MessageId {
    /// From its 16 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = BadMessageId;

    fn from_str(text: &str) -> Result<Self, BadMessageId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadMessageId);
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| BadMessageId)
    }
}

impl TryFrom<&[u8]> for MessageId {
    type Error = BadMessageId;

    fn try_from(bytes: &[u8]) -> Result<Self, BadMessageId> {
        bytes.try_into().map(Self).map_err(|_| BadMessageId)
    }
}

/// Not a message's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message id is 16 bytes: on the line as they are, in JSON as 32 hexadecimal digits")]
#[non_exhaustive]
pub struct BadMessageId;

/// The number of a login, higher than that of every earlier one of the store: who has a higher one fences the others
/// of the same device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(crate) u64);

impl SessionId {
    /// As a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_is_safe_everywhere() {
        let long = "x".repeat(LONGEST);
        for good in ["a", "Ann-2_x", long.as_str()] {
            assert_eq!(good.parse::<UserId>().map(|user| user.to_string()), Ok(good.to_owned()));
        }
        let too_long = "x".repeat(LONGEST + 1);
        for bad in ["", "a.b", "a b", "ä", "a/b", "a\n", "*", ">", too_long.as_str()] {
            let said = bad.parse::<GroupId>().map_err(|error| error.to_string());
            assert_eq!(said, Err("a group is 1 to 64 characters of A-Z, a-z, 0-9, _ and -".to_owned()), "{bad:?}");
        }
    }

    #[test]
    fn a_message_id_reads_back_what_it_writes() {
        let id = MessageId::new(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(MessageId::try_from(&id.to_bytes()[..]), Ok(id));
        for bad in ["", "+1234567890123456789012345678901", "0", "zz345678901234567890123456789012"] {
            assert_eq!(bad.parse::<MessageId>(), Err(BadMessageId), "{bad:?}");
        }
        assert_eq!(MessageId::try_from(&[0; 15][..]), Err(BadMessageId));
    }
}
