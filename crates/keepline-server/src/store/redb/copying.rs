//! Copying: the whole of one store, row by row, looked at on the way. What is damaged is not copied.

use std::collections::HashMap;
use std::path::Path;

use redb::{Database, Durability, Key, ReadTransaction, ReadableTable as _, Table, TableDefinition, Value};

use super::marks::Mark;
use super::reading::ReadError;
use super::schema::{self, EXPIRING, IDS, LOGS, LogState, MARKS, META, RECORDS, meta};
use crate::store::{Copied, StoreError};

/// Rows in one transaction of the copy; only the last is synced.
const ROWS: usize = 10_000;

type Answer<T> = Result<T, ReadError>;

/// Copies all that a snapshot shows, and marks that it may not show yet, into a new file, marked as a backup.
pub(super) fn copy(from: &ReadTransaction, waiting: &[Mark], to: &Path, cache: usize) -> Answer<Copied> {
    let copied = check(from)?;
    let target = Database::builder().set_cache_size(cache).create(to)?;
    copy_table(from, &target, LOGS)?;
    copy_table(from, &target, RECORDS)?;
    copy_table(from, &target, IDS)?;
    copy_table(from, &target, EXPIRING)?;
    copy_table(from, &target, MARKS)?;
    copy_table(from, &target, META)?;
    let tx = target.begin_write()?;
    add_marks(&mut tx.open_table(MARKS)?, waiting)?;
    tx.open_table(META)?.insert(meta::BACKUP, 1)?;
    tx.commit()?;
    // Closed in good order, it can be read without being written to.
    target.close()?;
    Ok(copied)
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    target: &Database,
    definition: TableDefinition<'_, K, V>,
) -> Answer<()> {
    let source = from.open_table(definition)?;
    let mut rows = source.iter()?.peekable();
    loop {
        let mut tx = target.begin_write()?;
        tx.set_durability(Durability::None)?;
        let mut table = tx.open_table(definition)?;
        for row in rows.by_ref().take(ROWS) {
            let (key, value) = row?;
            table.insert(key.value(), value.value())?;
        }
        drop(table);
        tx.commit()?;
        if rows.peek().is_none() {
            return Ok(());
        }
    }
}

/// Raises marks to what waits to be written.
fn add_marks(marks: &mut Table<'_, (&'static str, &'static str), u64>, waiting: &[Mark]) -> Answer<()> {
    for (owner, log, seq) in waiting {
        let key = (owner.as_str(), log.as_str());
        let before = marks.get(key)?.map_or(0, |before| before.value());
        marks.insert(key, before.max(*seq))?;
    }
    Ok(())
}

/// Looks at every head and every record: whole, each in its place, none missing.
pub(super) fn check(tx: &ReadTransaction) -> Answer<Copied> {
    let mut copied = Copied::default();
    let mut open: HashMap<u64, Run> = HashMap::new();
    for row in tx.open_table(LOGS)?.iter()? {
        let (name, row) = row?;
        let state = LogState::decode(name.value(), &row.value()).map_err(ReadError::Damaged)?;
        copied.logs += 1;
        if open.insert(state.number, Run { next: state.first, last: state.seq }).is_some() {
            return Err(damaged(format!("two logs have the number {}", state.number)));
        }
    }
    for row in tx.open_table(RECORDS)?.iter()? {
        let (key, row) = row?;
        let (log, seq) = key.value();
        let record = schema::decode_record(&format_args!("log number {log}"), log, seq, row.value());
        let record = record.map_err(ReadError::Damaged)?;
        let run = open.get_mut(&log).filter(|run| run.next == seq && seq <= run.last);
        let run = run.ok_or_else(|| damaged(format!("record {seq} of log number {log} is out of place")))?;
        run.next += 1;
        copied.records += 1;
        copied.bytes += record.body.len() as u64;
    }
    match open.iter().find(|(_, run)| run.next <= run.last) {
        Some((log, run)) => Err(damaged(format!("record {} of log number {log} is missing", run.next))),
        None => Ok(copied),
    }
}

/// Records of one log that are still to come.
struct Run {
    next: u64,
    last: u64,
}

fn damaged(what: String) -> ReadError {
    ReadError::Damaged(StoreError::Damaged(what.into()))
}
