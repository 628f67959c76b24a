//! FrameClock: how fast a frame once begun must arrive.

use crate::{Duration, Instant};

/// A frame up to this many bytes has [`FRAME_WITHIN`] for the whole of it.
pub const SMALL_FRAME: u64 = 64 * 1024;
/// The time for a small frame, and the window over which a larger one's rate is taken.
pub const FRAME_WITHIN: Duration = Duration::from_secs(10);
/// The least a larger frame must bring, in bytes a second over any [`FRAME_WITHIN`].
pub const FRAME_RATE: u64 = 16 * 1024;

const SECONDS: u64 = 10;

/// The clock of one frame in progress; a line has one only while a frame is partly there.
///
/// Partial bytes are life, but must not be a life insurance: without this a peer that dribbles one byte each few
/// seconds is never idle. A larger frame is judged by its rate, so that a slow line may still carry it. The rate is
/// taken over windows of ten whole seconds, counted from the frame's first byte.
#[derive(Clone, Debug)]
pub(super) struct FrameClock {
    begun: Instant,
    pace: Pace,
}

#[derive(Clone, Debug)]
enum Pace {
    /// All of it by `begun + FRAME_WITHIN`.
    Whole,
    /// At least [`FRAME_RATE`].
    Rate(Window),
}

/// The bytes of the last ten whole seconds and of the running one.
#[derive(Clone, Debug, Default)]
struct Window {
    /// The second that `on_bytes` last counted into.
    running: u64,
    /// The last second at whose start the rate was judged.
    judged: u64,
    /// By `second % 11`.
    bytes: [u64; SECONDS as usize + 1],
}

impl FrameClock {
    /// A frame whose first bytes came at `now`; `announced` is its whole length in bytes, 0 if unknown.
    pub(super) fn new(now: Instant, announced: u64) -> Self {
        let pace = if announced <= SMALL_FRAME { Pace::Whole } else { Pace::Rate(Window::default()) };
        Self { begun: now, pace }
    }

    /// The frame's whole length has become known: one that turns out to be large is judged by its rate from now on.
    pub(super) fn on_length(&mut self, now: Instant, announced: u64) {
        if announced > SMALL_FRAME && matches!(self.pace, Pace::Whole) {
            *self = Self::new(now, announced);
        }
    }

    /// Starts the same frame's time anew, as after reads were paused or this process was stalled.
    pub(super) fn restart(&mut self, now: Instant) {
        self.begun = now;
        if let Pace::Rate(window) = &mut self.pace {
            *window = Window::default();
        }
    }

    /// `count` more bytes of the frame have arrived.
    pub(super) fn on_bytes(&mut self, now: Instant, count: u64) {
        let second = self.second_of(now);
        if let Pace::Rate(window) = &mut self.pace {
            window.advance(second);
            let bytes = &mut window.bytes[slot(second)];
            *bytes = bytes.saturating_add(count);
        }
    }

    /// When to look next.
    pub(super) fn deadline(&self) -> Instant {
        match &self.pace {
            Pace::Whole => self.begun + FRAME_WITHIN,
            Pace::Rate(window) => self.begun + Duration::from_secs((window.judged + 1).max(SECONDS)),
        }
    }

    /// Whether the frame is too slow, judged at `now`; false before [`deadline`](Self::deadline).
    pub(super) fn is_overdue(&mut self, now: Instant) -> bool {
        if now < self.deadline() {
            return false;
        }
        let second = self.second_of(now);
        match &mut self.pace {
            Pace::Whole => true,
            Pace::Rate(window) => {
                window.advance(second);
                window.judged = second;
                window.last_ten() < FRAME_RATE * SECONDS
            }
        }
    }

    fn second_of(&self, now: Instant) -> u64 {
        now.since(self.begun).as_nanos() / Duration::from_secs(1).as_nanos()
    }
}

impl Window {
    /// Empties the slots of the seconds that have begun since.
    fn advance(&mut self, second: u64) {
        for begun in (self.running + 1..=second).take(self.bytes.len()) {
            self.bytes[slot(begun)] = 0;
        }
        if second.saturating_sub(self.running) > SECONDS {
            self.bytes = Default::default();
        }
        self.running = self.running.max(second);
    }

    /// The ten seconds before the running one.
    fn last_ten(&self) -> u64 {
        let running = slot(self.running);
        let before = self.bytes.iter().enumerate().filter(|(slot, _)| *slot != running);
        before.fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }
}

fn slot(second: u64) -> usize {
    usize::try_from(second % (SECONDS + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    /// Sends `per_second` bytes at the end of each second; the second at which the frame was called too slow.
    fn slow_at(announced: u64, per_second: impl Fn(u64) -> u64, seconds: u64) -> Option<u64> {
        let mut clock = FrameClock::new(Instant::START, announced);
        (1..=seconds).find(|&second| {
            let edge = Instant::START + Duration::from_secs(second);
            clock.on_bytes(edge - Duration::from_millis(1), per_second(second));
            clock.is_overdue(edge)
        })
    }

    #[test]
    fn a_small_frame_has_ten_seconds_however_many_bytes_come() {
        assert_eq!(slow_at(SMALL_FRAME, |_| 1, 60), Some(10));
        assert_eq!(slow_at(0, |_| 100 * KIB, 60), Some(10), "of unknown length");
    }

    #[test]
    fn a_large_frame_is_judged_by_its_rate_at_the_very_byte() {
        assert_eq!(slow_at(SMALL_FRAME + 1, |_| 16 * KIB, 600), None);
        assert_eq!(slow_at(SMALL_FRAME + 1, |s| 16 * KIB - u64::from(s == 7), 600), Some(10));
        assert_eq!(slow_at(SMALL_FRAME + 1, |_| 0, 600), Some(10));
    }

    #[test]
    fn any_ten_seconds_count_not_the_average_since_the_start() {
        let burst_then_nothing = |s| if s <= 30 { 1024 * KIB } else { 0 };
        assert_eq!(slow_at(1 << 30, burst_then_nothing, 600), Some(40));
        let one_second_in_ten = |s| if s % 10 == 1 { 160 * KIB } else { 0 };
        assert_eq!(slow_at(1 << 30, one_second_in_ten, 600), None, "160 KiB in each ten seconds is enough");
    }

    #[test]
    fn bytes_at_the_start_of_a_second_do_not_put_the_verdict_off() {
        let mut clock = FrameClock::new(Instant::START, 1 << 20);
        let overdue = (0..60).find(|&second| {
            let late = Instant::START + Duration::from_secs(second) + Duration::from_millis(40);
            clock.on_bytes(late, 1);
            clock.is_overdue(late + Duration::from_millis(40))
        });
        assert_eq!(overdue, Some(10));
    }

    #[test]
    fn a_restart_gives_the_full_time_again() {
        for announced in [0, 1 << 20] {
            let mut clock = FrameClock::new(Instant::START, announced);
            let at = Instant::START + Duration::from_secs(25);
            clock.restart(at);
            assert!(!clock.is_overdue(at + Duration::from_millis(9999)));
            assert!(clock.is_overdue(at + Duration::from_secs(10)));
        }
    }
}
