//! A lazy timing wheel: 4 bytes for each deadline, and a deadline that moves costs nothing.
//!
//! A key is filed under the deadline it has now. When its slot comes up the owner looks whether
//! the deadline has moved since, and files the key again if so. A key may therefore come up too
//! soon, which costs a look, but never too late by more than one slot.

/// Width of a slot in nanoseconds, and so the most by which a key comes up late.
pub(crate) const SLOT_NS: u64 = 100_000_000;

/// Slots at most. A deadline further ahead than the ring is long comes up early and is filed anew.
const MAX_SLOTS: u64 = 1024;

/// Keys in slots of [`SLOT_NS`], by deadline on the monotonic clock.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Box<[Vec<u32>]>,
    /// The first tick whose slot holds a key; `None` while the wheel is empty.
    first: Option<u64>,
}

impl Wheel {
    /// A wheel for deadlines up to `horizon_ns` ahead of the clock.
    pub(crate) fn new(horizon_ns: u64) -> Self {
        let slots = (horizon_ns / SLOT_NS + 2).min(MAX_SLOTS);
        Self { slots: (0..slots).map(|_| Vec::new()).collect(), first: None }
    }

    /// Files `key` to come up at the first slot edge that is not before `deadline_ns`.
    pub(crate) fn file(&mut self, key: u32, deadline_ns: u64) {
        let tick = deadline_ns.div_ceil(SLOT_NS);
        self.slot(tick).push(key);
        self.first = Some(self.first.map_or(tick, |first| first.min(tick)));
    }

    /// When to look again: the edge of the first slot that holds a key.
    pub(crate) fn next_edge_ns(&self) -> Option<u64> {
        self.first.map(|tick| tick * SLOT_NS)
    }

    /// Takes the keys of the first slot whose edge is not after `now_ns`. Call it until it gives
    /// `None`; keys filed in between are not lost.
    pub(crate) fn take_due(&mut self, now_ns: u64) -> Option<Vec<u32>> {
        let tick = self.first.filter(|tick| tick * SLOT_NS <= now_ns)?;
        // The slot's memory goes with its keys: 1 slot in 100 would keep room for everybody.
        let keys = std::mem::take(self.slot(tick));
        let ring = self.slots.len() as u64;
        self.first = (tick + 1..tick + ring).find(|&tick| !self.slot(tick).is_empty());
        Some(keys)
    }

    fn slot(&mut self, tick: u64) -> &mut Vec<u32> {
        let ring = self.slots.len() as u64;
        &mut self.slots[(tick % ring) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Every key due at `now`, in order of slots.
    fn drain(wheel: &mut Wheel, now_ns: u64) -> Vec<u32> {
        std::iter::from_fn(|| wheel.take_due(now_ns)).flatten().collect()
    }

    #[test]
    fn a_key_comes_up_at_the_first_edge_not_before_its_deadline() {
        // Deadline and the edge it comes up at, in ms.
        for (deadline, edge) in [(0, 0), (1, 100), (99, 100), (100, 100), (101, 200), (5_000, 5_000)] {
            let mut wheel = Wheel::new(5_000 * MS);
            wheel.file(7, deadline * MS);
            assert_eq!(wheel.next_edge_ns(), Some(edge * MS), "deadline {deadline}");
            if edge > 0 {
                assert_eq!(drain(&mut wheel, edge * MS - 1), [], "deadline {deadline}");
            }
            assert_eq!(drain(&mut wheel, edge * MS), [7], "deadline {deadline}");
            assert_eq!(wheel.next_edge_ns(), None, "deadline {deadline}");
        }
    }

    #[test]
    fn the_next_edge_is_that_of_the_first_slot_in_use() {
        let mut wheel = Wheel::new(1_000 * MS);
        for (key, deadline) in [(1, 900), (2, 300), (3, 300), (4, 650)] {
            wheel.file(key, deadline * MS);
        }
        assert_eq!(wheel.next_edge_ns(), Some(300 * MS));
        assert_eq!(drain(&mut wheel, 350 * MS), [2, 3]);
        assert_eq!(wheel.next_edge_ns(), Some(700 * MS));
        assert_eq!(drain(&mut wheel, 2_000 * MS), [4, 1]);
    }

    #[test]
    fn a_deadline_beyond_the_ring_comes_up_early_never_late() {
        let mut wheel = Wheel::new(200 * MS);
        wheel.file(1, 1_050 * MS);
        wheel.file(2, 150 * MS);
        assert_eq!(drain(&mut wheel, 200 * MS), [2]);
        let edge = wheel.next_edge_ns().unwrap();
        assert!(edge <= 1_100 * MS, "{edge}");
        assert_eq!(drain(&mut wheel, edge), [1]);
    }

    #[test]
    fn a_key_filed_while_an_old_slot_waits_is_not_lost() {
        // The owner was stopped for longer than the ring is long, with key 1 overdue.
        let mut wheel = Wheel::new(1_000 * MS);
        wheel.file(1, 100 * MS);
        let now = 7_777 * MS;
        wheel.file(2, now + 1_000 * MS);
        let early = drain(&mut wheel, now);
        assert_eq!(early.first(), Some(&1));
        if early.len() == 1 {
            assert_eq!(drain(&mut wheel, 8_800 * MS), [2]);
        } else {
            assert_eq!(early, [1, 2]);
        }
    }
}
