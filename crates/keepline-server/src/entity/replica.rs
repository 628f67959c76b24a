//! Replica: the newest known of each entity, whichever way and in whichever order it comes.
//!
//! A change of this process is taken in at once, so that who made it sees it; the feed tells it again later, after
//! older ones. So each entry bears the number of its record, and older ones are not news. What is gone is forgotten
//! once the feed has said so too; until then a mark keeps older records from bringing it back.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::RangeBounds;

use super::follow::Source;

/// The newest known of each entity, in the order of their keys.
#[derive(Debug)]
pub(crate) struct Replica<K, V> {
    entries: BTreeMap<K, Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
    seq: u64,
    /// `None` for what is gone.
    value: Option<V>,
}

impl<K: Ord, V> Replica<K, V> {
    pub(crate) fn new() -> Self {
        Self { entries: BTreeMap::new() }
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)?.value.as_ref()
    }

    /// The keys of what is there, in their order.
    pub(crate) fn keys_in(&self, range: impl RangeBounds<K>) -> impl Iterator<Item = &K> {
        self.entries.range(range).filter(|(_, entry)| entry.value.is_some()).map(|(key, _)| key)
    }

    /// Whether a record of this number says more than is known. A mark of what is gone hears its own number again.
    pub(crate) fn is_news<Q: Ord + ?Sized>(&self, key: &Q, seq: u64) -> bool
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).is_none_or(|known| known.seq < seq || known.value.is_none() && known.seq == seq)
    }

    /// Takes in a state, `None` for gone. `Err` if it is older than what is known; else what was known before.
    pub(crate) fn put(&mut self, key: K, seq: u64, value: Option<V>, from: Source) -> Result<Option<V>, Stale> {
        if !self.is_news(&key, seq) {
            return Err(Stale);
        }
        // Nothing to mark where nothing is known: the feed was faster than who did it.
        let mark = from == Source::Own && self.entries.contains_key(&key);
        let before = if value.is_some() || mark {
            self.entries.insert(key, Entry { seq, value })
        } else {
            self.entries.remove(&key)
        };
        Ok(before.and_then(|entry| entry.value))
    }

    /// Forgets the marks of what is gone: the feed has dropped the records that they wait for.
    pub(crate) fn lagged(&mut self) {
        self.entries.retain(|_, entry| entry.value.is_some());
    }
}

/// Older than what is known.
#[derive(Debug)]
pub(crate) struct Stale;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of one entity, in order: the record's number, its value (none for gone), and by whom; and what is
    /// known behind it.
    type Step = (u64, Option<&'static str>, Source, Option<&'static str>);

    #[test]
    fn the_newest_wins_in_whichever_order_it_comes() {
        use Source::{Feed, Log, Own};
        let table: [(&str, &[Step]); 7] = [
            ("in order", &[(1, Some("a"), Feed, Some("a")), (2, Some("b"), Feed, Some("b"))]),
            (
                "the feed tells again what we did",
                &[
                    (1, Some("a"), Own, Some("a")),
                    (2, Some("b"), Own, Some("b")),
                    (1, Some("a"), Feed, Some("b")),
                    (2, Some("b"), Feed, Some("b")),
                ],
            ),
            ("the log was read before the feed", &[(3, Some("c"), Log, Some("c")), (2, Some("b"), Feed, Some("c"))]),
            (
                "what we deleted is not brought back",
                &[
                    (1, Some("a"), Own, Some("a")),
                    (3, None, Own, None),
                    (1, Some("a"), Feed, None),
                    (2, Some("b"), Feed, None),
                    (3, None, Feed, None),
                ],
            ),
            (
                "the feed was faster than who deleted",
                &[(1, Some("a"), Feed, Some("a")), (2, None, Feed, None), (2, None, Own, None)],
            ),
            ("gone by the log", &[(1, Some("a"), Log, Some("a")), (2, None, Log, None)]),
            ("never there", &[(2, None, Log, None), (2, None, Feed, None), (2, None, Own, None)]),
        ];
        for (name, steps) in table {
            let mut replica = Replica::new();
            for (step, (seq, value, from, known)) in steps.iter().enumerate() {
                let _ = replica.put("x", *seq, *value, *from);
                assert_eq!(replica.get("x"), known.as_ref(), "{name}, step {step}");
            }
            // What is gone costs nothing once the feed is past it.
            let left = usize::from(replica.get("x").is_some());
            assert_eq!(replica.entries.len(), left, "{name}");
        }
    }

    #[test]
    fn a_mark_does_not_outlast_the_records_that_it_waits_for() {
        let mut replica = Replica::new();
        let _ = replica.put("gone", 1, Some(()), Source::Own);
        let _ = replica.put("there", 1, Some(()), Source::Own);
        let _ = replica.put("gone", 2, None, Source::Own);
        assert!(replica.entries.contains_key("gone"));
        assert_eq!(replica.keys_in(..).copied().collect::<Vec<_>>(), ["there"]);
        replica.lagged();
        assert_eq!((replica.entries.len(), replica.get("there")), (1, Some(&())));
    }
}
