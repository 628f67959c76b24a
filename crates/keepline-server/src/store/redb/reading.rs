//! Reading: answers from one snapshot of the file.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::ReadTransaction;

use super::schema::{self, LOGS, LogState, MARKS, RECORD_OVERHEAD, RECORDS};
use crate::store::{Head, LogName, Page, Record, StoreError};

/// Why a snapshot gave no answer.
#[derive(Debug)]
pub(super) enum ReadError {
    /// What lies there is not what was written.
    Damaged(StoreError),
    /// The file could not be read.
    File(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for ReadError {
    fn from(error: E) -> Self {
        Self::File(error.into())
    }
}

type Answer<T> = Result<T, ReadError>;

/// A log's row, if it was ever written to.
pub(super) fn state(tx: &ReadTransaction, name: &LogName) -> Answer<Option<LogState>> {
    let logs = tx.open_table(LOGS)?;
    let Some(row) = logs.get(name.as_str())? else { return Ok(None) };
    LogState::decode(name.as_str(), &row.value()).map(Some).map_err(ReadError::Damaged)
}

/// The records behind `after`, ascending.
pub(super) fn forward(tx: &ReadTransaction, name: &LogName, after: u64, page: Page) -> Answer<Vec<Record>> {
    let Some(state) = state(tx, name)? else { return Ok(Vec::new()) };
    let from = after.saturating_add(1).max(state.first);
    if from > state.seq {
        return Ok(Vec::new());
    }
    let rows = tx.open_table(RECORDS)?.range((state.number, from)..=(state.number, state.seq))?;
    collect(name, state.number, from..=state.seq, rows, page)
}

/// The records before `before`, descending.
pub(super) fn backward(tx: &ReadTransaction, name: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
    let Some(state) = state(tx, name)? else { return Ok(Vec::new()) };
    let to = before.saturating_sub(1).min(state.seq);
    if to < state.first {
        return Ok(Vec::new());
    }
    let rows = tx.open_table(RECORDS)?.range((state.number, state.first)..=(state.number, to))?.rev();
    collect(name, state.number, (state.first..=to).rev(), rows, page)
}

type Row =
    Result<(redb::AccessGuard<'static, (u64, u64)>, redb::AccessGuard<'static, &'static [u8]>), redb::StorageError>;

/// Takes what the page allows of the rows, which must have just these numbers.
fn collect(
    name: &LogName,
    log: u64,
    numbers: impl Iterator<Item = u64>,
    mut rows: impl Iterator<Item = Row>,
    page: Page,
) -> Answer<Vec<Record>> {
    let mut bytes = 0_usize;
    let mut taken = Vec::new();
    for seq in numbers.take(page.records.max(1)) {
        let missing = || ReadError::Damaged(StoreError::Damaged(format!("record {seq} of {name} is missing").into()));
        let (key, row) = rows.next().ok_or_else(missing)??;
        if key.value() != (log, seq) {
            return Err(missing());
        }
        bytes = bytes.saturating_add(row.value().len().saturating_sub(RECORD_OVERHEAD));
        if !taken.is_empty() && bytes > page.bytes {
            break;
        }
        taken.push(schema::decode_record(name, log, seq, row.value()).map_err(ReadError::Damaged)?);
    }
    Ok(taken)
}

/// Logs whose names begin with `prefix` and follow `after`.
pub(super) fn logs(
    tx: &ReadTransaction,
    epoch: u64,
    prefix: &str,
    after: Option<&LogName>,
    limit: usize,
) -> Answer<Vec<(LogName, Head)>> {
    let from = match after {
        Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
        _ => Bound::Included(prefix),
    };
    let mut found = Vec::new();
    for row in tx.open_table(LOGS)?.range::<&str>((from, Bound::Unbounded))?.take(limit) {
        let (name, row) = row?;
        if !name.value().starts_with(prefix) {
            break;
        }
        let state = LogState::decode(name.value(), &row.value()).map_err(ReadError::Damaged)?;
        found.push((LogName::new(name.value()), state.head(epoch)));
    }
    Ok(found)
}

/// Every mark of one owner.
pub(super) fn marks(tx: &ReadTransaction, owner: &str) -> Answer<BTreeMap<LogName, u64>> {
    let mut found = BTreeMap::new();
    for row in tx.open_table(MARKS)?.range((owner, "")..)? {
        let (key, seq) = row?;
        let (of, log) = key.value();
        if of != owner {
            break;
        }
        found.insert(LogName::new(log), seq.value());
    }
    Ok(found)
}
