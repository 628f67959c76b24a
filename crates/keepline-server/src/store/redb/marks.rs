//! Marks: those that were noted and are not in the file yet. They are written twice a second.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{LogName, StoreError};

/// Marks that may wait, each of another owner or log.
const MOST: usize = 65_536;

/// Marks on their way to the file; the highest of each owner and log.
#[derive(Debug, Default)]
pub(super) struct Marks {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    owners: BTreeMap<String, BTreeMap<LogName, u64>>,
    count: usize,
}

/// One mark: whose, of which log, how far.
pub(super) type Mark = (String, LogName, u64);

impl Marks {
    /// Notes a mark.
    ///
    /// # Errors
    /// Too many wait, as nothing was written for a while.
    pub(super) fn put(&self, owner: &str, log: &LogName, seq: u64) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if let Some(mark) = waiting.owners.get_mut(owner).and_then(|logs| logs.get_mut(log)) {
            *mark = seq.max(*mark);
            return Ok(());
        }
        if waiting.count >= MOST {
            return Err(StoreError::Unavailable("too many marks wait to be written".into()));
        }
        waiting.count += 1;
        waiting.owners.entry(owner.to_owned()).or_default().insert(log.clone(), seq);
        Ok(())
    }

    /// Those of one owner that wait.
    pub(super) fn of(&self, owner: &str) -> BTreeMap<LogName, u64> {
        self.lock().owners.get(owner).cloned().unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().count == 0
    }

    /// Those of the owners behind `after`, to be written: fewer than `most` if that is all, otherwise `most` and what
    /// the last owner has beyond. They wait until [`settle`](Self::settle) says that they were.
    pub(super) fn some(&self, after: Option<&str>, most: usize) -> Vec<Mark> {
        let waiting = self.lock();
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut some = Vec::new();
        for (owner, logs) in waiting.owners.range::<str, _>((behind, Bound::Unbounded)) {
            if some.len() >= most {
                break;
            }
            some.extend(logs.iter().map(|(log, seq)| (owner.clone(), log.clone(), *seq)));
        }
        some
    }

    /// These are in the file: they wait no longer, unless they were raised meanwhile.
    pub(super) fn settle(&self, written: &[Mark]) {
        let mut waiting = self.lock();
        for (owner, log, seq) in written {
            let Some(logs) = waiting.owners.get_mut(owner) else { continue };
            if logs.get(log) != Some(seq) {
                continue;
            }
            logs.remove(log);
            let last = logs.is_empty();
            waiting.count -= 1;
            if last {
                waiting.owners.remove(owner);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing under the lock can panic half-way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_was_raised_meanwhile_waits_on() {
        let (marks, log) = (Marks::default(), LogName::new("m.all"));
        marks.put("d.a.x", &log, 3).unwrap();
        marks.put("d.a.x", &log, 2).unwrap();
        let written = marks.some(None, 10);
        assert_eq!(written, [("d.a.x".to_owned(), log.clone(), 3)]);
        marks.put("d.a.x", &log, 4).unwrap();
        marks.settle(&written);
        assert_eq!(marks.of("d.a.x"), BTreeMap::from([(log.clone(), 4)]));
        marks.settle(&marks.some(None, 10));
        assert!(marks.is_empty());
    }

    #[test]
    fn a_round_goes_on_behind_who_was_last_and_cuts_no_owner_in_two() {
        let (marks, logs) = (Marks::default(), ["m.all", "m.g.x"].map(LogName::new));
        for owner in ["a", "b", "c"] {
            logs.iter().for_each(|log| marks.put(owner, log, 1).unwrap());
        }
        let of = |after| marks.some(after, 3).into_iter().map(|(owner, ..)| owner).collect::<Vec<_>>();
        let table = [(None, vec!["a", "a", "b", "b"]), (Some("b"), vec!["c", "c"]), (Some("c"), vec![])];
        for (after, owners) in table {
            assert_eq!(of(after), owners, "behind {after:?}");
        }
    }

    #[test]
    fn those_that_wait_are_bounded() {
        let marks = Marks::default();
        for n in 0..MOST {
            marks.put(&n.to_string(), &LogName::new("m.all"), 1).unwrap();
        }
        assert!(matches!(marks.put("one more", &LogName::new("m.all"), 1), Err(StoreError::Unavailable(_))));
        marks.put("0", &LogName::new("m.all"), 2).expect("a mark that waits already is raised");
    }
}
