//! Quarantine: messages whose delivery has panicked, and for whom. After the third time such a message is put aside for
//! that device, which is told that it is gone: else it would end his lines for ever.
//!
//! ```text
//!           panic              panic              panic
//! (none) ──────────▶ struck ──────────▶ struck ──────────▶ aside
//! ```
//! Known to this process only: after a restart it costs as many lines again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::conversation::Conversation;
use crate::id::{DeviceId, UserId};

/// So many deliveries end a line; the next is not tried.
const DELIVERIES: u8 = 3;
/// Messages remembered. Of more the oldest is forgotten, which costs as many lines again.
const MOST: usize = 1024;

/// One message on its way to one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    pub(super) conversation: Conversation,
    pub(super) seq: u64,
}

/// What a panic of a delivery has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    /// It is tried again.
    Again,
    /// It is put aside now.
    Aside,
}

/// The deliveries that have panicked.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    /// Whether there are any: all that a healthy server looks at.
    any: AtomicBool,
    struck: Mutex<VecDeque<(Delivery, u8)>>,
}

impl Quarantine {
    /// A delivery has panicked.
    pub(super) fn strike(&self, delivery: Delivery) -> Strike {
        let mut struck = self.lock();
        self.any.store(true, Ordering::Relaxed);
        let times = match struck.iter_mut().find(|(known, _)| *known == delivery) {
            Some((_, times)) => {
                *times = times.saturating_add(1);
                *times
            }
            None => {
                if struck.len() >= MOST {
                    struck.pop_front();
                }
                struck.push_back((delivery, 1));
                1
            }
        };
        if times >= DELIVERIES { Strike::Aside } else { Strike::Again }
    }

    /// Whether a message is put aside.
    pub(super) fn holds(&self, user: &UserId, device: &DeviceId, conversation: &Conversation, seq: u64) -> bool {
        let is_it = |delivery: &Delivery| {
            delivery.seq == seq
                && delivery.user == *user
                && delivery.device == *device
                && delivery.conversation == *conversation
        };
        self.any.load(Ordering::Relaxed)
            && self.lock().iter().any(|(delivery, times)| *times >= DELIVERIES && is_it(delivery))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Delivery, u8)>> {
        // Nothing of others' runs under the lock: what is there is whole.
        self.struck.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(user: &str, seq: u64) -> Delivery {
        let (user, device) = (user.parse().unwrap(), "phone".parse().unwrap());
        Delivery { user, device, conversation: Conversation::Everyone, seq }
    }

    fn holds(quarantine: &Quarantine, user: &str, seq: u64) -> bool {
        let Delivery { user, device, conversation, seq } = delivery(user, seq);
        quarantine.holds(&user, &device, &conversation, seq)
    }

    #[test]
    fn the_third_panic_puts_a_message_aside_for_one_device() {
        let quarantine = Quarantine::default();
        for (times, strike) in [Strike::Again, Strike::Again, Strike::Aside].into_iter().enumerate() {
            assert!(!holds(&quarantine, "ann", 7), "after {times}");
            assert_eq!(quarantine.strike(delivery("ann", 7)), strike);
        }
        assert!(holds(&quarantine, "ann", 7));
        assert!(!holds(&quarantine, "ann", 8) && !holds(&quarantine, "bob", 7), "all else is delivered");
        let Delivery { user, conversation, seq, .. } = delivery("ann", 7);
        let tablet = "tablet".parse().unwrap();
        assert!(!quarantine.holds(&user, &tablet, &conversation, seq), "and the same to another device");
    }

    #[test]
    fn no_more_are_remembered_than_it_says() {
        let quarantine = Quarantine::default();
        for seq in 0..MOST as u64 + 10 {
            let strikes = (0..DELIVERIES).map(|_| quarantine.strike(delivery("ann", seq)));
            assert_eq!(strikes.last(), Some(Strike::Aside));
        }
        assert_eq!(quarantine.lock().len(), MOST);
        assert!(!holds(&quarantine, "ann", 9) && holds(&quarantine, "ann", 10));
    }
}
