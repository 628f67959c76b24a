//! Pool: how many bytes of HTTP's bodies the server holds at one time, of requests that come and of answers that are not
//! read. What a connection has for itself is not in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Level;

/// The most, in bytes: thirty pages of history, or four hundred of the largest messages.
const MOST: u64 = 32 << 20;
/// Where memory is limited no more than this part of it: what is held is in memory three times while it is read, as it
/// came, in one piece and as its fields.
const PART: u64 = 16;

/// So many bytes may be held.
#[derive(Debug)]
pub(crate) struct Pool {
    most: AtomicU64,
    held: AtomicU64,
}

/// Bytes that are held, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pool: Arc<Pool>,
    bytes: u64,
}

/// How many bytes may be held where memory has this limit, at this level.
pub(super) fn most(limit: Option<u64>, level: Level) -> u64 {
    if level >= Level::Closed { 0 } else { limit.map_or(MOST, |limit| MOST.min(limit / PART)) }
}

impl Default for Pool {
    fn default() -> Self {
        Self { most: AtomicU64::new(MOST), held: AtomicU64::new(0) }
    }
}

impl Pool {
    /// Holds nothing yet.
    pub(crate) fn hold_nothing(self: &Arc<Self>) -> Held {
        Held { pool: Arc::clone(self), bytes: 0 }
    }

    /// So many bytes at the most from now on. Who holds some keeps them.
    pub(crate) fn allow(&self, most: u64) {
        self.most.store(most, Ordering::Relaxed);
    }
}

impl Held {
    /// Holds more; false if that would be too much for all together, and then it holds what it had.
    pub(crate) fn more(&mut self, bytes: usize) -> bool {
        let (bytes, most) = (bytes as u64, self.pool.most.load(Ordering::Relaxed));
        let sum = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= most || bytes == 0);
        let taken = self.pool.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Held {
    /// Holds nothing any more.
    pub(crate) fn give_back(&mut self) {
        self.pool.held.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_is_allowed_and_what_is_dropped_may_be_held_again() {
        let pool = Arc::new(Pool::default());
        pool.allow(100);
        let (mut one, mut other) = (pool.hold_nothing(), pool.hold_nothing());
        assert!(one.more(60) && one.more(30) && !other.more(11) && other.more(10));
        assert!(!one.more(1) && other.more(0));
        drop(one);
        assert!(other.more(90) && !other.more(1));
        pool.allow(0);
        assert!(!other.more(1), "less is allowed than is held");
        drop(other);
        assert_eq!(pool.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn where_memory_is_short_nothing_is_held() {
        const MIB: u64 = 1 << 20;
        let table = [
            (None, Level::Enough, 32 * MIB),
            (Some(4096 * MIB), Level::Enough, 32 * MIB),
            (Some(256 * MIB), Level::Enough, 16 * MIB),
            (Some(256 * MIB), Level::Closed, 0),
            (Some(256 * MIB), Level::Refusing, 0),
        ];
        for (limit, level, expected) in table {
            assert_eq!(most(limit, level), expected, "{limit:?} {level:?}");
        }
    }
}
