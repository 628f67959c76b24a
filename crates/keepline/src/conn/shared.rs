//! Shared: the 64 bytes that a line's driver and its handles have in common.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use keepline_proto::{Duration, Instant, Reason};

use super::outbox::Outbox;
use crate::wheel::Due;

/// An `Arc` of this is 64 bytes with its two counts.
pub(crate) struct Shared {
    pub(crate) id: u64,
    /// Bits 0-7 and 16-20: [`Flag`]s; 8-15: answers in flight; 21-31: the code of the reason asked for by
    /// [`Flag::Close`].
    word: AtomicU32,
    /// When the last byte was read, in units of [`GRAIN`], wrapping after 497 days: read by snapshots, stored by the
    /// driver alone.
    last_in: AtomicU32,
    mail: Mutex<Mail>,
}

/// What waits for the driver.
#[derive(Default)]
pub(crate) struct Mail {
    waker: Option<Waker>,
    pub(crate) outbox: Option<Box<Outbox>>,
}

/// What the driver should look at; each is set by others and taken by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Flag {
    /// The wheel's entry has come up.
    Timer = 1,
    /// The outbox holds something new.
    Mail = 2,
    /// Close with the reason in the upper bits.
    Close = 4,
    /// Read again.
    Resume = 8,
    /// The line has ended: nothing will be sent any more.
    Ended = 16,
    /// An answer is no longer owed.
    Answered = 32,
    /// Look at the leftover again: the outbox has drained.
    Reread = 64,
    /// The last word is said, or nobody hears it: no message is taken any more.
    Deaf = 128,
    /// Call the handler: somebody has news for it.
    Wake = 1 << 16,
}

/// The grain of the time of the last read: `u32` counts it for 497 days.
const GRAIN: Duration = Duration::from_millis(10);
const IN_FLIGHT_ONE: u32 = 1 << 8;
const IN_FLIGHT_MASK: u32 = 0xff00;
const REASON_SHIFT: u32 = 21;
const TAKEN: u32 = Flag::Timer as u32
    | Flag::Mail as u32
    | Flag::Resume as u32
    | Flag::Answered as u32
    | Flag::Reread as u32
    | Flag::Wake as u32;

// Eleven bits are left for a reason's code; the table is in the order of the codes.
const _: () = assert!((Reason::ALL[Reason::ALL.len() - 1].code() as u32) < 1 << (u32::BITS - REASON_SHIFT));

/// The flags taken at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags(u32);

impl Flags {
    pub(crate) const fn has(self, flag: Flag) -> bool {
        self.0 & flag as u32 != 0
    }

    pub(crate) fn close_reason(self) -> Option<Reason> {
        if !self.has(Flag::Close) {
            return None;
        }
        u16::try_from(self.0 >> REASON_SHIFT).ok().and_then(Reason::from_code)
    }

    pub(crate) const fn in_flight(self) -> u8 {
        ((self.0 & IN_FLIGHT_MASK) >> 8) as u8
    }
}

impl Shared {
    pub(crate) fn new(id: u64, now: Instant) -> Arc<Self> {
        Arc::new(Self { id, word: AtomicU32::new(0), last_in: AtomicU32::new(grains(now)), mail: Mutex::default() })
    }

    /// Takes what others have set; the close request and the count in flight stay.
    #[inline]
    pub(crate) fn take(&self) -> Flags {
        let seen = self.word.load(Ordering::Acquire);
        if seen & TAKEN == 0 {
            return Flags(seen);
        }
        Flags(self.word.fetch_and(!TAKEN, Ordering::AcqRel))
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags(self.word.load(Ordering::Acquire))
    }

    /// Sets a flag and wakes the driver.
    pub(crate) fn raise(&self, flag: Flag) {
        self.word.fetch_or(flag as u32, Ordering::AcqRel);
        self.wake();
    }

    /// Asks the driver to close; the first reason stays.
    pub(crate) fn request_close(&self, reason: Reason) {
        let request = Flag::Close as u32 | u32::from(reason.code()) << REASON_SHIFT;
        let set = |word: u32| (word & Flag::Close as u32 == 0).then_some(word | request);
        if self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, set).is_ok() {
            self.wake();
        }
    }

    /// One more answer is owed, unless 255 are already.
    pub(crate) fn begin_answer(&self) -> bool {
        let add = |word: u32| (Flags(word).in_flight() < u8::MAX).then(|| word + IN_FLIGHT_ONE);
        self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).is_ok()
    }

    pub(crate) fn end_answer(&self) {
        self.word.fetch_sub(IN_FLIGHT_ONE, Ordering::AcqRel);
        self.raise(Flag::Answered);
    }

    #[inline]
    pub(crate) fn stamp_in(&self, now: Instant) {
        self.last_in.store(grains(now), Ordering::Relaxed);
    }

    /// How long before `now` the last byte was read, or less than a [`GRAIN`] more. Right for a silence of up to 248
    /// days, however long the process runs.
    pub(crate) fn silent_for(&self, now: Instant) -> Duration {
        let apart = grains(now).wrapping_sub(self.last_in.load(Ordering::Relaxed));
        // In the upper half: read just now by another thread, after our look at the clock.
        let apart = if apart > u32::MAX / 2 { 0 } else { apart };
        GRAIN.times(u64::from(apart)) + Duration::from_nanos(now.as_nanos() % GRAIN.as_nanos())
    }

    pub(crate) fn mail(&self) -> MutexGuard<'_, Mail> {
        // Only pushes and takes happen under the lock: a poisoned mailbox is still whole.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task that polls the driver now, and whom to wake from here on.
    #[inline]
    pub(crate) fn register(&self, waker: &Waker) {
        let mut mail = self.mail();
        if !mail.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            mail.waker = Some(waker.clone());
        }
    }

    /// Takes no message any more; whether one waits still.
    pub(crate) fn seal(&self) -> bool {
        // Under the lock: who pushes asks for the flag under it, so no message falls between.
        let mail = self.mail();
        self.turn_deaf();
        mail.outbox.as_ref().is_some_and(|outbox| !outbox.is_empty())
    }

    /// Takes no message any more, whatever waits.
    pub(crate) fn turn_deaf(&self) {
        self.word.fetch_or(Flag::Deaf as u32, Ordering::AcqRel);
    }

    /// Marks the line as ended and drops what was not sent.
    pub(crate) fn end(&self) {
        self.word.fetch_or(Flag::Ended as u32, Ordering::AcqRel);
        let mail = std::mem::take(&mut *self.mail());
        drop(mail);
    }

    fn wake(&self) {
        let waker = self.mail().waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Whole grains since the clock's epoch, wrapping.
#[inline]
const fn grains(at: Instant) -> u32 {
    (at.as_nanos() / GRAIN.as_nanos()) as u32
}

impl Due for Shared {
    fn on_due(&self) {
        self.raise(Flag::Timer);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("id", &self.id).field("flags", &self.flags()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_fits_beside_all_flags_and_counts() {
        for reason in Reason::ALL {
            let line = Shared::new(0, Instant::START);
            line.request_close(*reason);
            assert_eq!((line.flags().0 & TAKEN, line.flags().in_flight()), (0, 0), "{reason}");
            line.word.fetch_or(TAKEN, Ordering::AcqRel);
            while line.begin_answer() {}
            line.request_close(Reason::Bye);
            let taken = line.take();
            assert_eq!((taken.close_reason(), taken.in_flight()), (Some(*reason), u8::MAX));
            assert_eq!((line.flags().0 & TAKEN, line.flags().close_reason()), (0, Some(*reason)));
        }
    }

    #[test]
    fn a_silence_is_told_to_a_hundredth_of_a_second_also_where_the_count_wraps() {
        let millis = Duration::from_millis;
        let wrap = Instant::START + GRAIN.times(1 << 32);
        for read in [Instant::START, Instant::START + millis(123_456), wrap - millis(5), wrap + millis(19)] {
            let line = Shared::new(0, read);
            for truth in [millis(0), millis(1), millis(10), millis(5_007), GRAIN.times((1 << 31) - 1)] {
                let told = line.silent_for(read + truth);
                assert!(told >= truth && told < truth + GRAIN, "{told} for {truth} after {read:?}");
            }
        }
        let line = Shared::new(0, Instant::START + millis(100));
        assert!(line.silent_for(Instant::START + millis(51)) < GRAIN, "read after our look at the clock");
    }
}
