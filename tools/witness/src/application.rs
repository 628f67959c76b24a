//! `Application`: what the application of a device has, which outlives every line of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The messages that a device's application took. Clones share it, as two processes of a device would share its disk.
#[derive(Clone, Debug, Default)]
pub struct Application {
    shelves: Arc<Mutex<HashMap<String, Shelf>>>,
}

/// One conversation.
#[derive(Debug, Default)]
struct Shelf {
    /// Single numbers, not only the highest: a server that mixes up the order shall be seen to, not silently cut.
    taken: HashSet<u64>,
    highest: u64,
}

impl Application {
    /// Takes a message, unless it has one with this number. Whether it did.
    pub(crate) fn take(&self, conv: &str, seq: u64) -> bool {
        let mut shelves = self.shelves();
        // The name is copied for a new conversation only.
        if !shelves.contains_key(conv) {
            shelves.insert(conv.to_owned(), Shelf::default());
        }
        let Some(shelf) = shelves.get_mut(conv) else { return false };
        shelf.highest = shelf.highest.max(seq);
        shelf.taken.insert(seq)
    }

    /// Each conversation with its highest number: the device's own account.
    pub(crate) fn account(&self) -> Vec<(String, u64)> {
        self.shelves().iter().map(|(conv, shelf)| (conv.clone(), shelf.highest)).collect()
    }

    /// Forgets what is behind this number: the server said so.
    pub(crate) fn reset(&self, conv: &str, seq: u64) {
        if let Some(shelf) = self.shelves().get_mut(conv) {
            shelf.taken.retain(|taken| *taken <= seq);
            shelf.highest = shelf.highest.min(seq);
        }
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<String, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
