//! The connections, indexed by descriptor: no map to search, and no memory but the entry.

use crate::conn::Conn;

/// Two fit a cache line, and none lies across two.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Slot {
    conn: Option<Conn>,
    filed: bool,
}

const _: () = assert!(size_of::<Slot>() == 32);

/// Grows to the highest descriptor there was, and does not shrink.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
}

impl Slab {
    /// Puts `conn` where its descriptor says.
    pub(crate) fn insert(&mut self, index: usize, conn: Conn) {
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, Slot::default);
        }
        self.slots[index].conn = Some(conn);
    }

    /// Closes the connection at `index`.
    pub(crate) fn remove(&mut self, index: usize) {
        self.slots[index].conn = None;
    }

    /// The connection at `index`, if there is one.
    pub(crate) fn get(&mut self, index: usize) -> Option<&mut Conn> {
        self.slots.get_mut(index)?.conn.as_mut()
    }

    /// Whether the wheel holds `index`; the caller sets it.
    ///
    /// It outlives the connection, so that a descriptor that is used again is not filed twice: a
    /// storm of reconnects must not fill the wheel.
    pub(crate) fn filed(&mut self, index: usize) -> &mut bool {
        &mut self.slots[index].filed
    }

    /// Open connections, counted one by one.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.slots.iter().filter(|slot| slot.conn.is_some()).count()
    }
}
