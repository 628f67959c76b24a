//! Schema: the tables of the file, and the bytes of what lies in them.
//!
//! ```text
//! meta      what               -> number               the format, the epoch, the next log's number
//! logs      name               -> number, head, crc    a log and its head, apart from its records
//! records   (log, seq)         -> crc, id, body
//! ids       (log, id)          -> seq                  which ids were stored
//! expiring  (when, log, id)    ->                      ids of trimmed records, until they may be forgotten
//! marks     (owner, log name)  -> seq
//! ```
//!
//! Logs go by number in what there is much of. Integers are little-endian. A checksum covers the key too, so that
//! bytes which are whole but lie in the wrong place are found as well.

use std::fmt;

use bytes::Bytes;
use redb::TableDefinition;

use crate::id::MessageId;
use crate::store::{Head, LogName, Record, StoreError};

/// The number of this layout. A file with another is refused.
pub(super) const FORMAT: u64 = 1;

pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(super) const LOGS: TableDefinition<'_, &str, [u8; LogState::SIZE]> = TableDefinition::new("logs");
pub(super) const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");
pub(super) const IDS: TableDefinition<'_, (u64, u128), u64> = TableDefinition::new("ids");
pub(super) const EXPIRING: TableDefinition<'_, (u64, u64, u128), ()> = TableDefinition::new("expiring");
pub(super) const MARKS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("marks");

/// Keys of [`META`].
pub(super) mod meta {
    /// [`FORMAT`](super::FORMAT).
    pub(in crate::store::redb) const FORMAT: &str = "format";
    /// The epoch of every log.
    pub(in crate::store::redb) const EPOCH: &str = "epoch";
    /// The number that the next new log gets.
    pub(in crate::store::redb) const NEXT_LOG: &str = "next_log";
    /// There, in a backup alone: one that was put in place by hand would tell the clients other things in their epoch.
    pub(in crate::store::redb) const BACKUP: &str = "backup";
    /// How often the file was opened; written to see whether it can be.
    pub(in crate::store::redb) const OPENED: &str = "opened";
}

/// A log's row: its number, and what its head says without the epoch, which is the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogState {
    pub(super) number: u64,
    pub(super) seq: u64,
    pub(super) first: u64,
    pub(super) bytes: u64,
}

impl LogState {
    pub(super) const SIZE: usize = 36;

    /// A log that was never written to.
    pub(super) const fn new(number: u64) -> Self {
        Self { number, seq: 0, first: 1, bytes: 0 }
    }

    pub(super) fn encode(&self, name: &LogName) -> [u8; Self::SIZE] {
        let mut row = [0; Self::SIZE];
        for (part, value) in row.chunks_exact_mut(8).zip([self.number, self.seq, self.first, self.bytes]) {
            part.copy_from_slice(&value.to_le_bytes());
        }
        let sum = checksum(&[name.as_str().as_bytes(), &row[..32]]);
        row[32..].copy_from_slice(&sum.to_le_bytes());
        row
    }

    pub(super) fn decode(name: &str, row: &[u8; Self::SIZE]) -> Result<Self, StoreError> {
        if checksum(&[name.as_bytes(), &row[..32]]) != little_u32(&row[32..]) {
            return Err(StoreError::Damaged(format!("the head of {name}").into()));
        }
        let part = |at: usize| row[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Ok(Self { number: part(0), seq: part(8), first: part(16), bytes: part(24) })
    }

    pub(super) const fn head(&self, epoch: u64) -> Head {
        Head { epoch, seq: self.seq, first: self.first, bytes: self.bytes }
    }
}

/// What a record has beside its body.
pub(super) const RECORD_OVERHEAD: usize = 20;

/// Writes a record into a row of [`RECORD_OVERHEAD`] bytes more than its body has.
pub(super) fn encode_record(log: u64, seq: u64, id: MessageId, body: &[u8], row: &mut [u8]) {
    row[4..20].copy_from_slice(&id.to_bytes());
    row[20..].copy_from_slice(body);
    let sum = checksum(&[&log.to_le_bytes(), &seq.to_le_bytes(), &row[4..]]);
    row[..4].copy_from_slice(&sum.to_le_bytes());
}

/// Reads a record back.
///
/// # Errors
/// [`StoreError::Damaged`] if it is not what was written at this place.
pub(super) fn decode_record(name: &dyn fmt::Display, log: u64, seq: u64, row: &[u8]) -> Result<Record, StoreError> {
    let whole = row.len() >= RECORD_OVERHEAD
        && checksum(&[&log.to_le_bytes(), &seq.to_le_bytes(), &row[4..]]) == little_u32(row);
    match row.get(4..20).and_then(|id| MessageId::try_from(id).ok()) {
        Some(id) if whole => Ok(Record { seq, id, body: Bytes::copy_from_slice(&row[RECORD_OVERHEAD..]) }),
        _ => Err(StoreError::Damaged(format!("record {seq} of {name}").into())),
    }
}

/// An id as a key.
pub(super) const fn id_key(id: MessageId) -> u128 {
    u128::from_be_bytes(id.to_bytes())
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// The first four bytes; there are as many.
fn little_u32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_found_wherever_it_is() {
        let name = LogName::new("m.all");
        let id = MessageId::new(*b"0123456789abcdef");
        let mut row = vec![0; RECORD_OVERHEAD + 5];
        encode_record(7, 9, id, b"hello", &mut row);
        assert_eq!(decode_record(&name, 7, 9, &row), Ok(Record { seq: 9, id, body: Bytes::from_static(b"hello") }));
        let damaged = Err(StoreError::Damaged("record 9 of m.all".into()));
        for bit in 0..row.len() * 8 {
            row[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_record(&name, 7, 9, &row), damaged, "bit {bit}");
            row[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..row.len() {
            assert_eq!(decode_record(&name, 7, 9, &row[..length]), damaged, "cut at {length}");
        }
        assert!(decode_record(&name, 7, 10, &row).is_err(), "another record's place");
        assert!(decode_record(&name, 8, 9, &row).is_err(), "another log's place");
    }

    #[test]
    fn a_head_is_read_back_or_damaged() {
        let name = LogName::new("m.g.x");
        let state = LogState { number: 3, seq: 12, first: 5, bytes: 99 };
        let mut row = state.encode(&name);
        assert_eq!(LogState::decode("m.g.x", &row), Ok(state));
        assert!(LogState::decode("m.g.y", &row).is_err(), "another log's row");
        for bit in 0..row.len() * 8 {
            row[bit / 8] ^= 1 << (bit % 8);
            assert!(LogState::decode("m.g.x", &row).is_err(), "bit {bit}");
            row[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
