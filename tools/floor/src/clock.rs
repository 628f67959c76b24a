//! The monotonic clock in nanoseconds, and the wait until a point of it.

use rustix::event::Timespec;
use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine started, read now.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // This clock starts at zero, so neither part is ever negative.
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// The wait until `edge_ns`, in whole milliseconds (all that `epoll_wait` knows), rounded up: a
/// wait that ends before the edge would have to be made again.
pub(crate) fn until(edge_ns: u64) -> Timespec {
    let ms = edge_ns.saturating_sub(now_ns()).div_ceil(1_000_000);
    Timespec {
        tv_sec: (ms / 1000).cast_signed(),
        tv_nsec: (ms % 1000 * 1_000_000).cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_milliseconds() {
        assert_eq!((until(0).tv_sec, until(0).tv_nsec), (0, 0));
        let edge_ns = now_ns() + 2_500_900_000;
        let wait = until(edge_ns);
        assert_eq!(wait.tv_nsec % 1_000_000, 0);
        let wait_ns = (wait.tv_sec * 1_000_000_000 + wait.tv_nsec).cast_unsigned();
        assert!(now_ns() + wait_ns >= edge_ns);
        assert!(wait_ns <= 2_501_900_000);
    }
}
