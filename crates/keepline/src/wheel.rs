//! Wheel: one lazy timer wheel a runtime, for all deadlines of all its lines.
//!
//! A line owns one entry of 24 bytes for its whole life and files it under the earliest of its deadlines. A read moves
//! no entry: when the slot comes up, the line looks at its own clocks and files the entry again, so a line is looked at
//! no more than twice in the length of its limit. A deadline is rounded up to the next slot edge: never early, late by
//! one slot at most.

mod ticker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keepline_proto::{Duration, Instant};
use tokio::sync::Notify;

pub(crate) use ticker::current;

/// The width of a slot.
pub(crate) const SLOT: Duration = Duration::from_millis(100);
/// Slots in the wheel, 410 s; an entry due later stays in its slot for another round.
const SLOTS: usize = 4096;
const WORDS: usize = SLOTS / 64;
/// Entries are allocated in blocks, so that growth never doubles.
const BLOCK: usize = 256;
const NIL: u32 = u32::MAX;

/// What the wheel wakes.
pub(crate) trait Due: Send + Sync + 'static {
    /// The entry's slot has come up.
    fn on_due(&self);
}

/// The number of an entry; it belongs to one line until [`Wheel::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

/// A count of slots since the clock's epoch; `u32` lasts for 13 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u32);

/// The wheel of one runtime.
pub(crate) struct Wheel<T> {
    state: Mutex<State<T>>,
    /// Tells the ticker that an entry is due before it meant to wake.
    earlier: Notify,
}

struct State<T> {
    blocks: Vec<Box<[Entry<T>]>>,
    free: u32,
    slots: Box<[u32; SLOTS]>,
    /// One bit a slot that holds an entry.
    filled: [u64; WORDS],
    /// Every slot up to here has been looked at.
    done: Tick,
    /// When the ticker means to wake.
    next: Option<Tick>,
    fired: u64,
}

struct Entry<T> {
    owner: Option<Arc<T>>,
    due: Tick,
    next: u32,
    prev: u32,
}

// Part of what an idle line weighs.
const _: () = assert!(size_of::<Entry<()>>() <= 24, "the wheel's entry");

impl Tick {
    pub(crate) const NEVER: Self = Self(u32::MAX);

    /// The slot edge at or after `at`.
    pub(crate) fn at_or_after(at: Instant) -> Self {
        Self(u32::try_from(at.as_nanos().div_ceil(SLOT.as_nanos())).unwrap_or(u32::MAX - 1))
    }

    /// The slot edge at or before `at`.
    pub(crate) fn at_or_before(at: Instant) -> Self {
        Self(u32::try_from(at.as_nanos() / SLOT.as_nanos()).unwrap_or(u32::MAX - 1))
    }

    pub(crate) fn instant(self) -> Instant {
        Instant::START + SLOT.times(u64::from(self.0))
    }

    const fn slot(self) -> usize {
        self.0 as usize % SLOTS
    }
}

impl<T: Due> Wheel<T> {
    pub(crate) fn new(now: Instant) -> Self {
        let state = State {
            blocks: Vec::new(),
            free: NIL,
            slots: Box::new([NIL; SLOTS]),
            filled: [0; WORDS],
            done: Tick::at_or_before(now),
            next: None,
            fired: 0,
        };
        Self { state: Mutex::new(state), earlier: Notify::new() }
    }

    /// An entry for a line, not filed yet.
    pub(crate) fn register(&self, owner: Arc<T>) -> Key {
        let mut state = self.lock();
        if state.free == NIL {
            state.grow();
        }
        let key = state.free;
        let entry = state.entry(key);
        entry.owner = Some(owner);
        let next = entry.next;
        entry.next = NIL;
        state.free = next;
        Key(key)
    }

    /// Files the entry under `due`, unless it comes up before that anyway. A tick that is over comes up with the next.
    pub(crate) fn arm(&self, key: Key, due: Tick) {
        let mut state = self.lock();
        let due = due.max(Tick(state.done.0 + 1));
        if state.entry(key.0).due <= due {
            return;
        }
        state.unlink(key.0);
        state.link(key.0, due);
        if state.next.is_none_or(|next| due < next) {
            state.next = Some(due);
            drop(state);
            self.earlier.notify_one();
        }
    }

    /// Gives the entry back; the key must not be used again.
    pub(crate) fn release(&self, key: Key) {
        let mut state = self.lock();
        state.unlink(key.0);
        let free = state.free;
        let entry = state.entry(key.0);
        let owner = entry.owner.take();
        entry.next = free;
        state.free = key.0;
        drop(state);
        drop(owner);
    }

    /// How often an entry's slot has come up, over all lines.
    #[cfg(any(test, feature = "serve"))]
    pub(crate) fn fired(&self) -> u64 {
        self.lock().fired
    }

    /// Takes the owners of all entries due by `now` into `due`, and says when to come again.
    pub(crate) fn collect(&self, now: Instant, due: &mut Vec<Arc<T>>) -> Option<Instant> {
        let mut state = self.lock();
        let until = Tick::at_or_before(now);
        // One round passes every slot: after a longer stall there is nothing to find in a second one.
        let round = until.min(Tick(state.done.0.saturating_add(SLOTS as u32)));
        while let Some(tick) = state.next_filled(round) {
            state.take_slot(tick, until, due);
            state.done = tick;
        }
        state.done = state.done.max(until);
        state.next = state.next_filled(Tick(until.0.saturating_add(SLOTS as u32)));
        state.next.map(Tick::instant)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No user code runs under the lock, so a poisoned wheel is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn entry(&mut self, key: u32) -> &mut Entry<T> {
        &mut self.blocks[key as usize / BLOCK][key as usize % BLOCK]
    }

    fn grow(&mut self) {
        let first = (self.blocks.len() * BLOCK) as u32;
        let chain = |i: u32| if i as usize + 1 == BLOCK { NIL } else { first + i + 1 };
        let entry = |i| Entry { owner: None, due: Tick::NEVER, next: chain(i), prev: NIL };
        self.blocks.push((0..BLOCK as u32).map(entry).collect());
        self.free = first;
    }

    fn link(&mut self, key: u32, due: Tick) {
        let head = self.slots[due.slot()];
        *self.entry(key) = Entry { due, next: head, prev: NIL, owner: self.entry(key).owner.take() };
        if head != NIL {
            self.entry(head).prev = key;
        }
        self.slots[due.slot()] = key;
        self.filled[due.slot() / 64] |= 1 << (due.slot() % 64);
    }

    fn unlink(&mut self, key: u32) {
        let Entry { due, next, prev, .. } = *self.entry(key);
        if due == Tick::NEVER {
            return;
        }
        if next != NIL {
            self.entry(next).prev = prev;
        }
        if prev != NIL {
            self.entry(prev).next = next;
        } else {
            self.slots[due.slot()] = next;
            if next == NIL {
                self.filled[due.slot() / 64] &= !(1 << (due.slot() % 64));
            }
        }
        let entry = self.entry(key);
        (entry.due, entry.next, entry.prev) = (Tick::NEVER, NIL, NIL);
    }

    /// The first tick after `done` and up to `until` whose slot holds an entry.
    fn next_filled(&self, until: Tick) -> Option<Tick> {
        let mut tick = self.done.0.checked_add(1)?;
        let end = until.0.min(self.done.0.saturating_add(SLOTS as u32));
        while tick <= end {
            let slot = tick as usize % SLOTS;
            let rest = self.filled[slot / 64] >> (slot % 64);
            if rest != 0 {
                let found = tick + rest.trailing_zeros();
                return (found <= end).then_some(Tick(found));
            }
            tick += 64 - (slot % 64) as u32;
        }
        None
    }

    /// After a stall longer than a round, entries of later rounds are due as well: `until` decides, not the slot.
    fn take_slot(&mut self, tick: Tick, until: Tick, due: &mut Vec<Arc<T>>) {
        let mut key = self.slots[tick.slot()];
        while key != NIL {
            let entry = self.entry(key);
            let next = entry.next;
            if entry.due <= until {
                due.extend(entry.owner.clone());
                self.unlink(key);
                self.fired += 1;
            }
            key = next;
        }
    }
}

#[cfg(test)]
mod tests;
