//! The monotonic clock in nanoseconds, and the wait until a point of it.

use rustix::event::Timespec;
use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine started, read now.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // This clock starts at zero, so neither part is ever negative.
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// The wait until `edge_ns` from `now_ns` on, in whole milliseconds (all that `epoll_wait` knows),
/// rounded up: one that ends before the edge would have to be made again.
pub(crate) fn wait_until(edge_ns: u64, now_ns: u64) -> Timespec {
    let ms = edge_ns.saturating_sub(now_ns).div_ceil(1_000_000);
    Timespec { tv_sec: (ms / 1000).cast_signed(), tv_nsec: (ms % 1000 * 1_000_000).cast_signed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_milliseconds() {
        for (now_ns, edge_ns, want) in [
            (7, 7, (0, 0)),
            (8, 7, (0, 0)),
            (0, 1, (0, 1_000_000)),
            (1_000_000, 3_000_000, (0, 2_000_000)),
            (999_999, 3_000_000, (0, 3_000_000)),
            (0, 2_999_000_001, (3, 0)),
        ] {
            let wait = wait_until(edge_ns, now_ns);
            assert_eq!((wait.tv_sec, wait.tv_nsec), want, "{now_ns} to {edge_ns}");
        }
    }
}
