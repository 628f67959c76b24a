//! Message: what a user says, and how it lies in a conversation's log.

use bytes::Bytes;
use prost::Message as _;

use crate::id::{MessageId, UserId};
use crate::store::{Record, StoreError};

/// The largest body of a message, in bytes, so that a delivery fits the frame limit with its names.
pub const LARGEST_BODY: usize = 60 << 10;

/// What a message is. The numbers are those of the wire and of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the four kinds; what is none of the others is custom")]
pub enum Kind {
    /// UTF-8.
    #[default]
    Text = 0,
    /// A picture, or where it is.
    Image = 1,
    /// A reference to a file that is kept elsewhere.
    File = 2,
    /// The application's own.
    Custom = 3,
}

impl Kind {
    /// By its number; kinds to come are shown as custom ones rather than lost.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Text,
            1 => Self::Image,
            2 => Self::File,
            _ => Self::Custom,
        }
    }
}

/// A message as it is stored and delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a message has these parts")]
pub struct Message {
    /// Who said it.
    pub sender: UserId,
    /// What it is.
    pub kind: Kind,
    /// What it says; UTF-8 for a text.
    pub body: Bytes,
    /// When the server took it: milliseconds since 1970, by its clock.
    pub at_ms: u64,
}

/// The record's bytes. Fields are only ever added: what is stored stays readable.
#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(string, tag = "1")]
    sender: String,
    #[prost(int32, tag = "2")]
    kind: i32,
    #[prost(bytes = "bytes", tag = "3")]
    body: Bytes,
    #[prost(uint64, tag = "4")]
    at_ms: u64,
}

impl Message {
    /// The bytes of its record.
    #[must_use]
    pub fn to_record(&self) -> Bytes {
        let stored = Stored {
            sender: self.sender.to_string(),
            kind: self.kind as i32,
            body: self.body.clone(),
            at_ms: self.at_ms,
        };
        stored.encode_to_vec().into()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for bytes that are no message.
    pub fn from_record(record: &Record) -> Result<(MessageId, Self), StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("record {} is no message: {what}", record.seq).into());
        let stored = Stored::decode(record.body.clone()).map_err(|error| damaged(&error.to_string()))?;
        let sender = stored.sender.parse().map_err(|_| damaged("its sender has no name"))?;
        let kind = Kind::from_number(stored.kind);
        Ok((record.id, Self { sender, kind, body: stored.body, at_ms: stored.at_ms }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_back_its_message() {
        let message = Message {
            sender: "ann".parse().unwrap(),
            kind: Kind::File,
            body: Bytes::from_static(b"report.pdf"),
            at_ms: 1_790_000_000_123,
        };
        let id = MessageId::new([7; 16]);
        let record = Record { seq: 3, id, body: message.to_record() };
        assert_eq!(Message::from_record(&record), Ok((id, message)));
    }

    #[test]
    fn damage_is_told_not_guessed() {
        for body in [&b"\xff"[..], b"", b"\x0a\x03a.b"] {
            let record = Record { seq: 3, id: MessageId::new([0; 16]), body: Bytes::copy_from_slice(body) };
            let said = Message::from_record(&record).unwrap_err().to_string();
            assert!(said.starts_with("damaged: record 3 is no message: "), "{said}");
        }
    }
}
