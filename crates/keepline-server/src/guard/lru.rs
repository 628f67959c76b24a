//! Lru: a map with a bound, of which the entry that was touched least recently goes first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A map with a bound. Each touch costs a look-up and two steps in a tree.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    most: usize,
    entries: HashMap<K, Entry<V>>,
    /// The keys by when they were touched.
    order: BTreeMap<u64, K>,
    touches: u64,
}

#[derive(Debug)]
struct Entry<V> {
    touched: u64,
    value: V,
}

impl<K: Clone + Eq + Hash, V: Default> Lru<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), entries: HashMap::new(), order: BTreeMap::new(), touches: 0 }
    }

    /// A look that touches nothing.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// A look to change a value, which touches nothing either.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// The value of a key, made if there is none; the key is the one touched last. A full map drops another for it.
    pub(super) fn touch(&mut self, key: &K) -> &mut V {
        if !self.entries.contains_key(key)
            && self.entries.len() >= self.most
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.touches += 1;
        let touched = self.touches;
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry { touched: 0, value: V::default() });
        self.order.remove(&entry.touched);
        self.order.insert(touched, key.clone());
        entry.touched = touched;
        &mut entry.value
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.touched);
        Some(entry.value)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.entries.len(), self.order.len());
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_list_in_the_order_of_touches(steps in prop::collection::vec((0..12_u8, 0..4_u8), 1..300)) {
            let mut lru: Lru<u8, u32> = Lru::new(5);
            let mut model: Vec<(u8, u32)> = Vec::new();
            for (key, step) in steps {
                let at = model.iter().position(|(known, _)| *known == key);
                match step {
                    0 => prop_assert_eq!(lru.remove(&key), at.map(|at| model.remove(at).1)),
                    1 => prop_assert_eq!(lru.get(&key).copied(), at.map(|at| model[at].1)),
                    _ => {
                        let value = at.map_or(0, |at| model.remove(at).1) + 1;
                        if model.len() == 5 {
                            model.remove(0);
                        }
                        model.push((key, value));
                        *lru.touch(&key) += 1;
                    }
                }
                prop_assert_eq!(lru.len(), model.len());
            }
            for (key, value) in model {
                prop_assert_eq!(lru.get(&key), Some(&value));
            }
        }
    }
}
