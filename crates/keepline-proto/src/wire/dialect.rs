//! Dialect: which protocol the client of an IM connection speaks, judged by its first frame.

use core::fmt;

use super::fields::{Broken, Field, Fields, Value};

/// A protocol of the long connection. All three frame alike: a varint with the length, then a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a server must handle each")]
pub enum Dialect {
    /// keepline's own, version 1.
    V1,
    /// That of cim 2.1 and later.
    Cim21,
    /// That of cim 1.0 to 2.0.
    Cim1,
}

/// Why a first frame is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A TLS record: this port speaks plain text.
    Tls,
    /// An HTTP request: this port does not speak HTTP.
    Http,
    /// Bytes that are no protobuf message, or one of its fields has the wrong type.
    Malformed,
    /// Field 15 is there, and is not the magic number of version 1.
    Magic,
    /// The magic number without a `hello`.
    NoHello,
    /// Fields of cim beside one of version 1.
    Mixed,
    /// A frame of cim that is not a login: no id, or another command.
    NoLogin,
    /// Nothing in it says whose it is.
    Unknown,
    /// A login of cim, at a server that does not take cim's clients.
    CimOff,
}

impl Dialect {
    /// The value of field 15 in the first frame of version 1: `KPL1` in the order of the bytes on the wire.
    pub const MAGIC: u32 = u32::from_le_bytes(*b"KPL1");

    /// Looks at the first bytes of a connection, before there is a whole frame.
    ///
    /// A TLS or HTTP client is known by its second byte, so that it is told at once instead of waiting for the rest of
    /// a frame that it never meant. No first frame of any dialect begins like that. Fewer than two bytes say nothing.
    ///
    /// # Errors
    /// [`Refusal::Tls`] and [`Refusal::Http`].
    pub const fn sniff(bytes: &[u8]) -> Result<(), Refusal> {
        match bytes {
            [0x16, 0x03, ..] => Err(Refusal::Tls),
            // GET, POST, PUT, PATCH, PRI (HTTP/2), HEAD, OPTIONS, DELETE, CONNECT, TRACE.
            [b'G' | b'H' | b'D', b'E', ..]
            | [b'P', b'O' | b'U' | b'A' | b'R', ..]
            | [b'O', b'P', ..]
            | [b'C', b'O', ..]
            | [b'T', b'R', ..] => Err(Refusal::Http),
            _ => Ok(()),
        }
    }

    /// Judges a whole first frame, without its length, by its top-level fields:
    ///
    /// | fields 1 to 5 | field 15 | else | verdict |
    /// |---|---|---|---|
    /// | none | the magic number | field 16, `hello` | [`V1`](Self::V1) |
    /// | 2, and 3 absent or 0 | absent | | [`Cim21`](Self::Cim21) |
    /// | 2, and 3 = 1 | absent | | [`Cim1`](Self::Cim1) |
    /// | anything else | | | a [`Refusal`] |
    ///
    /// A field that comes twice counts as it does for a protobuf decoder: the last one. An id is asked of cim 1 too,
    /// where it is a required field.
    ///
    /// # Errors
    /// Every frame that is none of the three, with the reason. There are no other outcomes: any bytes get an answer.
    ///
    /// # Example
    /// ```
    /// use keepline_proto::wire::dialect::{Dialect, Refusal};
    ///
    /// // Name "zs" and an id, no command: the login of cim 2.1.
    /// assert_eq!(Dialect::judge(b"\x0a\x02zs\x10\x07"), Ok(Dialect::Cim21));
    /// // The same with a type, 1: that of cim 1.
    /// assert_eq!(Dialect::judge(b"\x0a\x02zs\x10\x07\x18\x01"), Ok(Dialect::Cim1));
    /// // A ping of cim 2.1 is no login, and an empty frame is nothing at all.
    /// assert_eq!(Dialect::judge(b"\x0a\x04ping\x10\x07\x18\x02"), Err(Refusal::NoLogin));
    /// assert_eq!(Dialect::judge(b""), Err(Refusal::Unknown));
    /// ```
    pub fn judge(frame: &[u8]) -> Result<Self, Refusal> {
        let mut seen = Seen::default();
        for field in Fields::of(frame) {
            seen.note(field?)?;
        }
        seen.verdict()
    }

    /// The name in logs, metrics, APIs and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::Cim21 => "cim21",
            Self::Cim1 => "cim1",
        }
    }
}

/// What tells the dialects apart, of one frame.
#[derive(Default)]
struct Seen {
    cim: bool,
    id: bool,
    command: i32,
    magic: Option<u32>,
    hello: bool,
}

impl Seen {
    fn note(&mut self, field: Field<'_>) -> Result<(), Refusal> {
        self.cim |= matches!(field.number, 1..=5);
        match (field.number, field.value) {
            (1 | 4 | 5, Value::Bytes(_)) => {}
            (2, Value::Varint(_)) => self.id = true,
            // The upper bits do not count in a field of 32, as for every decoder.
            (3, Value::Varint(command)) => self.command = command as i32,
            (15, Value::Fixed32(magic)) => self.magic = Some(magic),
            (16, Value::Bytes(_)) => self.hello = true,
            (1..=5 | 15 | 16, _) => return Err(Refusal::Malformed),
            _ => {}
        }
        Ok(())
    }

    const fn verdict(&self) -> Result<Dialect, Refusal> {
        match (self.cim, self.magic) {
            (true, Some(_)) => Err(Refusal::Mixed),
            (true, None) => match (self.id, self.command) {
                (true, 0) => Ok(Dialect::Cim21),
                (true, 1) => Ok(Dialect::Cim1),
                _ => Err(Refusal::NoLogin),
            },
            (false, Some(Dialect::MAGIC)) if self.hello => Ok(Dialect::V1),
            (false, Some(Dialect::MAGIC)) => Err(Refusal::NoHello),
            (false, Some(_)) => Err(Refusal::Magic),
            (false, None) => Err(Refusal::Unknown),
        }
    }
}

impl From<Broken> for Refusal {
    fn from(_: Broken) -> Self {
        Self::Malformed
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS, where plain text is spoken",
            Self::Http => "HTTP, on a port that does not speak it",
            Self::Malformed => "not a protobuf message",
            Self::Magic => "field 15 is not the magic number of version 1",
            Self::NoHello => "no hello beside the magic number",
            Self::Mixed => "fields of cim beside the magic number of version 1",
            Self::NoLogin => "a frame of cim, but no login",
            Self::Unknown => "neither version 1 nor a dialect of cim",
            Self::CimOff => "a login of cim, whose dialects are off",
        })
    }
}

impl core::error::Error for Refusal {}
