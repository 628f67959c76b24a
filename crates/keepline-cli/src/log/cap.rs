//! Cap: no more than so many lines a second of one kind, and how many were held back.
//!
//! A kind is a place in the code with the `reason` that is told there. So an attack fills neither the disk nor the log,
//! and what else happens at the same time is still told.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Write as _};
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Our own lines, which say what was held back.
pub(super) const OWN: &str = "keepline::log";

/// Kinds that are told apart. Beyond that, which only peers' words in a `reason` could reach, all others are one.
const MOST: usize = 1024;

/// Lines a second of one kind; `None` for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) Option<u32>);

/// What a subscriber asks of every line.
pub(super) struct Cap {
    counts: Arc<Counts>,
    start: Instant,
}

/// The kinds, and how much of each is told.
#[derive(Debug)]
pub(super) struct Counts {
    rate: Mutex<Rate>,
    kinds: Mutex<HashMap<u64, Count>>,
}

#[derive(Debug, Default)]
struct Count {
    /// Since the start, in seconds.
    second: u64,
    told: u32,
    suppressed: u64,
    /// For people.
    name: String,
}

impl Cap {
    pub(super) fn new(counts: Arc<Counts>) -> Self {
        Self { counts, start: Instant::now() }
    }
}

impl<S: Subscriber> Layer<S> for Cap {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let Some(most) = self.counts.rate().0 else { return true };
        let data = event.metadata();
        if data.target() == OWN {
            return true;
        }
        let mut kind = Kind::default();
        event.record(&mut kind);
        let mut hasher = DefaultHasher::new();
        (data.callsite(), &kind.reason).hash(&mut hasher);
        self.counts.take_one(hasher.finish(), self.start.elapsed().as_secs(), most, || kind.name(data.target()))
    }
}

impl Counts {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate: Mutex::new(rate), kinds: Mutex::default() }
    }

    fn rate(&self) -> Rate {
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another rate from now on.
    pub(super) fn set_rate(&self, rate: Rate) {
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = rate;
    }

    /// Whether one more line of a kind may be told in this second.
    fn take_one(&self, kind: u64, second: u64, most: u32, name: impl FnOnce() -> String) -> bool {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = if kinds.len() < MOST || kinds.contains_key(&kind) { kind } else { 0 };
        let count = kinds.entry(kind).or_default();
        if count.second != second {
            (count.second, count.told) = (second, 0);
        }
        if count.told < most {
            count.told += 1;
            return true;
        }
        if count.suppressed == 0 {
            count.name = if kind == 0 { "others".to_owned() } else { name() };
        }
        count.suppressed += 1;
        false
    }

    /// What was held back since the last time, by kind.
    pub(super) fn take(&self) -> Vec<(String, u64)> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let held = kinds.values_mut().filter(|count| count.suppressed > 0);
        held.map(|count| (std::mem::take(&mut count.name), std::mem::take(&mut count.suppressed))).collect()
    }
}

/// What is read of an event: its reason, and its words.
#[derive(Default)]
struct Kind {
    reason: String,
    message: String,
}

impl Kind {
    fn name(&self, target: &str) -> String {
        let dash = if self.reason.is_empty() { "" } else { " - " };
        format!("{target}: {}{dash}{}", self.message, self.reason)
    }
}

impl Visit for Kind {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a text does not fail.
        let _ = match field.name() {
            "reason" => write!(self.reason, "{value:?}"),
            "message" => write!(self.message, "{value:?}"),
            _ => Ok(()),
        };
    }
}

impl fmt::Debug for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cap").field("rate", &self.counts.rate()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_so_many_a_second_are_told_and_the_rest_is_counted() {
        let counts = Counts::new(Rate(None));
        let burst = |kind, second, lines: u32| {
            (0..lines).filter(|_| counts.take_one(kind, second, 10, || format!("kind {kind}"))).count()
        };
        assert_eq!((burst(1, 0, 1000), burst(2, 0, 3), burst(2, 0, 9)), (10, 3, 7), "each kind has its own");
        assert_eq!(burst(1, 1, 11), 10, "and again in the next second");
        let mut held = counts.take();
        held.sort();
        assert_eq!(held, [("kind 1".to_owned(), 991), ("kind 2".to_owned(), 2)]);
        assert!(counts.take().is_empty(), "told once");
    }

    #[test]
    fn kinds_without_end_are_one_in_the_end() {
        let counts = Counts::new(Rate(None));
        for kind in 1..=2 * MOST as u64 {
            let _ = counts.take_one(kind, 0, 1, String::new);
        }
        assert!(counts.kinds.lock().unwrap().len() <= MOST + 1);
        assert_eq!(counts.take(), [("others".to_owned(), MOST as u64 - 1)]);
    }
}
