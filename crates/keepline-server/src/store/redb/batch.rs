//! Batch: what one transaction does to the tables. Nothing here is durable before the writer has committed.

use std::collections::HashMap;

use redb::{ReadableTable, Table, WriteTransaction};

use super::schema::{self, EXPIRING, IDS, LOGS, LogState, MARKS, META, RECORD_OVERHEAD, RECORDS, meta};
use crate::store::{Append, Committed, Expected, LARGEST, LogName, Outcome, Record, StoreError};

/// How long the id of a trimmed record is remembered, in seconds: a sender may repeat a message for a day.
const REMEMBERED: u64 = 24 * 3600;

/// States of logs that the writer has seen last, as committed.
pub(super) type States = HashMap<LogName, LogState>;

/// What one request has come to, once the batch is committed.
pub(super) type Answer<T> = Result<T, StoreError>;

/// One transaction's tables, and what has been done to them.
pub(super) struct Batch<'t> {
    logs: Table<'t, &'static str, [u8; LogState::SIZE]>,
    records: Table<'t, (u64, u64), &'static [u8]>,
    ids: Table<'t, (u64, u128), u64>,
    expiring: Table<'t, (u64, u64, u128), ()>,
    marks: Table<'t, (&'static str, &'static str), u64>,
    meta: Table<'t, &'static str, u64>,
    known: &'t States,
    epoch: u64,
    now: u64,
    next_log: Option<u64>,
    changed: bool,
    effect: Effect,
}

/// What a batch changes outside of the file, once it is committed.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// States of the logs that it touched; `None` for one that is gone.
    pub(super) states: HashMap<LogName, Option<LogState>>,
    /// What it appended, in order.
    pub(super) stored: Vec<Committed>,
}

impl<'t> Batch<'t> {
    /// `known` are states as they were committed last; `now` is in seconds since 1970.
    pub(super) fn open(tx: &'t WriteTransaction, known: &'t States, epoch: u64, now: u64) -> Result<Self, redb::Error> {
        Ok(Self {
            logs: tx.open_table(LOGS)?,
            records: tx.open_table(RECORDS)?,
            ids: tx.open_table(IDS)?,
            expiring: tx.open_table(EXPIRING)?,
            marks: tx.open_table(MARKS)?,
            meta: tx.open_table(META)?,
            known,
            epoch,
            now,
            next_log: None,
            changed: false,
            effect: Effect::default(),
        })
    }

    /// Appends one record. While the disk is full (`room` is false) a repetition is still answered as one.
    pub(super) fn append(&mut self, append: &Append, room: bool) -> Result<Answer<Outcome>, redb::Error> {
        if append.body.len() > LARGEST {
            return Ok(Err(StoreError::TooLarge { length: append.body.len(), limit: LARGEST }));
        }
        let known = match self.state(&append.log)? {
            Ok(known) => known,
            Err(damaged) => return Ok(Err(damaged)),
        };
        if let Some(state) = known
            && let Some(seq) = self.ids.get((state.number, schema::id_key(append.id)))?
        {
            return Ok(Ok(Outcome::Duplicate(seq.value())));
        }
        let head = known.map_or(0, |state| state.seq);
        if matches!(append.expected, Expected::Head(expected) if expected != head) {
            return Ok(Ok(Outcome::Conflict { head }));
        }
        if !room {
            return Ok(Err(StoreError::Full));
        }
        let mut state = match known {
            Some(state) => state,
            None => LogState::new(self.new_number()?),
        };
        state.seq += 1;
        state.bytes += append.body.len() as u64;
        self.insert(state, append)?;
        self.changed = true;
        self.effect.states.insert(append.log.clone(), Some(state));
        let record = Record { seq: state.seq, id: append.id, body: append.body.clone() };
        self.effect.stored.push(Committed { log: append.log.clone(), epoch: self.epoch, record });
        Ok(Ok(Outcome::Appended(state.seq)))
    }

    fn insert(&mut self, state: LogState, append: &Append) -> Result<(), redb::Error> {
        let length = append.body.len() + RECORD_OVERHEAD;
        let mut row = self.records.insert_reserve((state.number, state.seq), length)?;
        schema::encode_record(state.number, state.seq, append.id, &append.body, row.as_mut());
        drop(row);
        self.ids.insert((state.number, schema::id_key(append.id)), state.seq)?;
        Ok(())
    }

    /// Drops records up to `through`, at most `most` of them; whether that was all.
    pub(super) fn trim(&mut self, name: &LogName, through: u64, most: u64) -> Result<Answer<bool>, redb::Error> {
        let mut state = match self.state(name)? {
            Ok(Some(state)) => state,
            Ok(None) => return Ok(Ok(true)),
            Err(damaged) => return Ok(Err(damaged)),
        };
        let through = through.min(state.seq);
        let last = through.min((state.first - 1).saturating_add(most));
        for seq in state.first..=last {
            // A record that is missing or damaged is gone all the same; only its id is not remembered to be forgotten.
            let Some(row) = self.records.remove((state.number, seq))? else { continue };
            let row = row.value();
            state.bytes = state.bytes.saturating_sub(row.len().saturating_sub(RECORD_OVERHEAD) as u64);
            if let Ok(record) = schema::decode_record(name, state.number, seq, row) {
                let when = self.now + REMEMBERED;
                self.expiring.insert((when, state.number, schema::id_key(record.id)), ())?;
            }
        }
        if last >= state.first {
            state.first = last + 1;
            self.changed = true;
            self.effect.states.insert(name.clone(), Some(state));
        }
        Ok(Ok(last == through))
    }

    /// Removes a log: its records from the front, then its ids, at most `most` of both, then its head; whether that was
    /// all. What it has in `expiring` goes when its day is over: no other log gets its number.
    pub(super) fn forget(&mut self, name: &LogName, most: u64) -> Result<Answer<bool>, redb::Error> {
        let mut state = match self.state(name)? {
            Ok(Some(state)) => state,
            Ok(None) => return Ok(Ok(true)),
            Err(damaged) => return Ok(Err(damaged)),
        };
        let last = state.seq.min((state.first - 1).saturating_add(most));
        let left = most - (last + 1 - state.first);
        for seq in state.first..=last {
            let Some(row) = self.records.remove((state.number, seq))? else { continue };
            state.bytes = state.bytes.saturating_sub(row.value().len().saturating_sub(RECORD_OVERHEAD) as u64);
        }
        state.first = last + 1;
        let mut ids = Vec::new();
        for row in self.ids.range((state.number, 0)..=(state.number, u128::MAX))?.take(left as usize) {
            ids.push(row?.0.value());
        }
        for id in &ids {
            self.ids.remove(id)?;
        }
        let whole = last == state.seq && (ids.len() as u64) < left;
        self.changed = true;
        self.effect.states.insert(name.clone(), (!whole).then_some(state));
        Ok(Ok(whole))
    }

    /// Forgets ids whose day is over, at most `most`; whether there may be more.
    pub(super) fn purge(&mut self, most: usize) -> Result<bool, redb::Error> {
        let mut over = Vec::new();
        for row in self.expiring.range(..(self.now, 0, 0))?.take(most) {
            over.push(row?.0.value());
        }
        for (when, log, id) in &over {
            self.expiring.remove((*when, *log, *id))?;
            self.ids.remove((*log, *id))?;
            self.changed = true;
        }
        Ok(over.len() == most)
    }

    /// Notes a mark, if it is higher than the one before.
    pub(super) fn mark(&mut self, owner: &str, log: &LogName, seq: u64) -> Result<(), redb::Error> {
        let key = (owner, log.as_str());
        let before = self.marks.get(key)?.map(|before| before.value());
        if before.is_none_or(|before| seq > before) {
            self.marks.insert(key, seq)?;
            self.changed = true;
        }
        Ok(())
    }

    /// Writes the heads. What changed, or `None` if nothing did and there is nothing to commit.
    pub(super) fn finish(mut self) -> Result<Option<Effect>, redb::Error> {
        for (name, state) in &self.effect.states {
            match state {
                Some(state) => self.logs.insert(name.as_str(), state.encode(name))?,
                None => self.logs.remove(name.as_str())?,
            };
        }
        if let Some(next) = self.next_log {
            self.meta.insert(meta::NEXT_LOG, next)?;
        }
        Ok(self.changed.then_some(self.effect))
    }

    /// The state of a log as this batch has left it; `None` for one that was never written to.
    fn state(&self, name: &LogName) -> Result<Answer<Option<LogState>>, redb::Error> {
        if let Some(state) = self.effect.states.get(name) {
            return Ok(Ok(*state));
        }
        if let Some(state) = self.known.get(name) {
            return Ok(Ok(Some(*state)));
        }
        let Some(row) = self.logs.get(name.as_str())? else { return Ok(Ok(None)) };
        Ok(LogState::decode(name.as_str(), &row.value()).map(Some))
    }

    fn new_number(&mut self) -> Result<u64, redb::Error> {
        let number = match self.next_log {
            Some(number) => number,
            None => self.meta.get(meta::NEXT_LOG)?.map_or(1, |next| next.value()),
        };
        self.next_log = Some(number + 1);
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase as _, ReadableTableMetadata as _, TableHandle as _};

    use super::*;
    use crate::id::MessageId;

    /// Does something in a transaction at a time in seconds.
    fn at<T>(database: &Database, now: u64, act: impl FnOnce(&mut Batch<'_>) -> T) -> T {
        let tx = database.begin_write().unwrap();
        let known = States::new();
        let mut batch = Batch::open(&tx, &known, 1, now).unwrap();
        let done = act(&mut batch);
        batch.finish().unwrap();
        tx.commit().unwrap();
        done
    }

    #[test]
    fn the_id_of_a_trimmed_record_is_forgotten_after_a_day_and_no_other() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let log = LogName::new("m.all");
        let append = |batch: &mut Batch<'_>, number: u8| {
            let (id, body) = (MessageId::new([number; 16]), Bytes::from_static(b"x"));
            batch.append(&Append { log: log.clone(), expected: Expected::Any, id, body }, true).unwrap()
        };
        at(&database, 1000, |batch| (1..=3).for_each(|number| drop(append(batch, number))));
        assert_eq!(at(&database, 2000, |batch| batch.trim(&log, 2, 10).unwrap()), Ok(true));
        let day_over = 2000 + REMEMBERED;
        for (now, known) in [(2000, true), (day_over, true), (day_over + 1, false)] {
            assert!(!at(&database, now, |batch| batch.purge(10).unwrap()), "nothing is left for another time");
            let again = if known { Outcome::Duplicate(1) } else { Outcome::Appended(4) };
            assert_eq!(at(&database, now, |batch| append(batch, 1)), Ok(again), "at {now}");
        }
        assert_eq!(at(&database, day_over + 1, |batch| append(batch, 3)), Ok(Outcome::Duplicate(3)), "not trimmed");
        assert_eq!(at(&database, day_over + 1, |batch| append(batch, 2)), Ok(Outcome::Appended(5)));
    }

    /// How many rows each table has.
    fn rows(database: &Database) -> [u64; 5] {
        let tx = database.begin_read().unwrap();
        let count = |name: &str| {
            let tables: Vec<_> = tx.list_tables().unwrap().filter(|table| table.name() == name).collect();
            tables.into_iter().map(|table| tx.open_untyped_table(table).unwrap().len().unwrap()).sum()
        };
        [LOGS.name(), RECORDS.name(), IDS.name(), EXPIRING.name(), MARKS.name()].map(count)
    }

    /// Each part is a transaction: a crash may come behind each, and what it leaves is whole.
    #[test]
    fn a_log_is_forgotten_in_parts_and_nothing_stays() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let (other, log) = (LogName::new("t.0"), LogName::new("t.1"));
        let append = |batch: &mut Batch<'_>, log: &LogName, number: u8| {
            let (id, body) = (MessageId::new([number; 16]), Bytes::from_static(b"four"));
            batch.append(&Append { log: log.clone(), expected: Expected::Any, id, body }, true).unwrap()
        };
        assert_eq!(at(&database, 0, |batch| append(batch, &other, 1)), Ok(Outcome::Appended(1)));
        let base = rows(&database);
        at(&database, 0, |batch| (1..=10).for_each(|number| drop(append(batch, &log, number))));
        at(&database, 0, |batch| batch.trim(&log, 3, 10).unwrap()).unwrap();
        let mut parts = Vec::new();
        loop {
            let done = at(&database, 0, |batch| batch.forget(&log, 4).unwrap()).unwrap();
            let copied = super::super::copying::check(&database.begin_read().unwrap()).unwrap();
            parts.push((done, rows(&database)[..3].to_vec(), copied.bytes));
            if done {
                break;
            }
        }
        let expected = [
            (false, vec![2, 4, 11], 16),
            // Three records, and one id.
            (false, vec![2, 1, 10], 4),
            (false, vec![2, 1, 6], 4),
            (false, vec![2, 1, 2], 4),
            (true, vec![1, 1, 1], 4),
        ];
        assert_eq!(parts, expected);
        assert_eq!(at(&database, 0, |batch| batch.forget(&log, 4).unwrap()), Ok(true), "again");
        assert!(!at(&database, REMEMBERED + 1, |batch| batch.purge(10).unwrap()));
        assert_eq!(rows(&database), base, "a day later nothing is left of what was trimmed before");
        // In one transaction with what comes before and behind.
        at(&database, 0, |batch| {
            for _ in 0..2 {
                assert_eq!(append(batch, &log, 1), Ok(Outcome::Appended(1)));
                assert_eq!(batch.forget(&log, 100).unwrap(), Ok(true));
            }
        });
        assert_eq!(rows(&database), base);
    }

    #[test]
    fn much_is_trimmed_and_forgotten_in_parts() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let log = LogName::new("m.all");
        for number in 0..10 {
            let (id, body) = (MessageId::new([number; 16]), Bytes::new());
            let append = Append { log: log.clone(), expected: Expected::Any, id, body };
            assert!(at(&database, 0, |batch| batch.append(&append, true).unwrap()).is_ok());
        }
        let done: Vec<_> = (0..3).map(|_| at(&database, 0, |batch| batch.trim(&log, 9, 4).unwrap())).collect();
        assert_eq!(done, [Ok(false), Ok(false), Ok(true)]);
        let more: Vec<_> = (0..3).map(|_| at(&database, 2 * REMEMBERED, |batch| batch.purge(4).unwrap())).collect();
        assert_eq!(more, [true, true, false]);
    }
}
