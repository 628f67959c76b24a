//! Queue: the messages of a run, from not yet sent to echoed.

use std::collections::{BTreeSet, VecDeque};
use std::future::pending;

use keepline::client::{Outcome, Verdict};

/// Messages without an echo at one time.
pub(super) const IN_FLIGHT: usize = 256;

/// The messages of a run. Those whose line was lost are sent again first: an echo does no harm twice.
#[derive(Debug)]
pub(super) struct Queue {
    /// The first that was never sent.
    next: u32,
    total: u32,
    again: BTreeSet<u32>,
    in_flight: VecDeque<(u32, Outcome<Vec<u8>>)>,
}

impl Queue {
    pub(super) const fn new(total: u32) -> Self {
        Self { next: 0, total, again: BTreeSet::new(), in_flight: VecDeque::new() }
    }

    /// What message `position` says.
    pub(super) fn text(position: u32) -> String {
        format!("client msg {position}")
    }

    /// Whether each message has been sent, and none has to be sent again.
    pub(super) fn is_sent(&self) -> bool {
        self.next == self.total && self.again.is_empty()
    }

    /// Whether nothing waits for its echo.
    pub(super) fn is_answered(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether one more may be in flight.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < IN_FLIGHT
    }

    /// The next message to send, and whether it was sent before.
    pub(super) fn take(&mut self) -> Option<(u32, bool)> {
        if let Some(position) = self.again.pop_first() {
            return Some((position, true));
        }
        let position = self.next;
        self.next = self.total.min(position.saturating_add(1));
        (position < self.total).then_some((position, false))
    }

    /// It is on its way.
    pub(super) fn sent(&mut self, position: u32, outcome: Outcome<Vec<u8>>) {
        self.in_flight.push_back((position, outcome));
    }

    /// It was lost with its line.
    pub(super) fn again(&mut self, position: u32) {
        self.again.insert(position);
    }

    /// The verdict on the oldest message in flight: echoes keep the order, and a lost line ends all at once. Waits for
    /// ever while none is in flight. Cancel-safe.
    pub(super) async fn verdict(&mut self) -> (u32, Verdict<Vec<u8>>) {
        let Some((position, outcome)) = self.in_flight.front_mut() else {
            return pending().await;
        };
        let (position, verdict) = (*position, outcome.await);
        self.in_flight.pop_front();
        (position, verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_goes_first_and_in_order() {
        let mut queue = Queue::new(4);
        assert_eq!([queue.take(), queue.take(), queue.take()], [Some((0, false)), Some((1, false)), Some((2, false))]);
        assert!(!queue.is_sent());
        queue.again(2);
        queue.again(1);
        let rest: Vec<_> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(rest, [(1, true), (2, true), (3, false)]);
        assert!(queue.is_sent());
        assert_eq!(queue.take(), None);
    }
}
