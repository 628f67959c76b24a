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
    /// The server's numbering in which it has the highest.
    epoch: u64,
}

/// What a device has of one conversation, as it tells the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) conv: String,
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
}

impl Application {
    /// Takes a message, unless it has one with this number. Whether it did.
    pub(crate) fn take(&self, conv: &str, epoch: u64, seq: u64) -> bool {
        let mut shelves = self.shelves();
        // The name is copied for a new conversation only.
        if !shelves.contains_key(conv) {
            shelves.insert(conv.to_owned(), Shelf::default());
        }
        let Some(shelf) = shelves.get_mut(conv) else { return false };
        (shelf.highest, shelf.epoch) = (shelf.highest.max(seq), epoch);
        shelf.taken.insert(seq)
    }

    /// The device's own account of each conversation, in the order of their names.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        let account =
            |(conv, shelf): (&String, &Shelf)| Account { conv: conv.clone(), epoch: shelf.epoch, seq: shelf.highest };
        let mut accounts: Vec<Account> = self.shelves().iter().map(account).collect();
        accounts.sort_unstable_by(|one, other| one.conv.cmp(&other.conv));
        accounts
    }

    /// Forgets what is behind this number, and counts in this epoch from now on: the server said so.
    pub(crate) fn reset(&self, conv: &str, epoch: u64, seq: u64) {
        if let Some(shelf) = self.shelves().get_mut(conv) {
            shelf.taken.retain(|taken| *taken <= seq);
            (shelf.highest, shelf.epoch) = (shelf.highest.min(seq), epoch);
        }
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<String, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Application};

    #[test]
    fn a_reset_forgets_what_is_behind_it() {
        let application = Application::default();
        let clone = application.clone();
        for seq in 1..=5 {
            assert!(application.take("all", 1, seq));
            assert!(!clone.take("all", 1, seq), "a clone has what the other took");
        }
        application.reset("all", 2, 3);
        assert_eq!(application.accounts(), [Account { conv: "all".to_owned(), epoch: 2, seq: 3 }]);
        assert_eq!([3, 4, 5].map(|seq| application.take("all", 2, seq)), [false, true, true]);
        application.reset("g.unknown", 2, 3);
        assert_eq!(application.accounts().len(), 1);
    }
}
