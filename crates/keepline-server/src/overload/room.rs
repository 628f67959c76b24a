//! Room: how much may be read for sessions that are behind, before one looks at the memory again.
//!
//! A log is read much faster than memory is looked at: hundreds of sessions that come at once could take all there is
//! between two looks. So each look gives out a part of what is left, and who needs more asks for a look.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Where there is no limit.
const ALL: u64 = u64::MAX;
/// Of what is left below the level that refuses messages, one look gives out a quarter: what was read may be in memory
/// more than once for a moment.
const PART: u64 = 4;

/// What is left of the last look's gift, in bytes.
#[derive(Debug)]
pub(super) struct Room {
    left: AtomicU64,
    given: Notify,
    asked: Notify,
}

impl Default for Room {
    fn default() -> Self {
        Self { left: AtomicU64::new(ALL), given: Notify::new(), asked: Notify::new() }
    }
}

impl Room {
    /// Takes so many bytes; waits for a look that gives them.
    pub(super) async fn take(&self, bytes: u64) {
        loop {
            let mut given = std::pin::pin!(self.given.notified());
            // From here on: a gift between our try and our wait is not missed.
            given.as_mut().enable();
            if self.try_take(bytes) {
                return;
            }
            self.ask();
            given.await;
        }
    }

    /// Gives a part of what is left of the memory, in bytes; `None` where there is no limit.
    pub(super) fn give(&self, left: Option<u64>) {
        self.left.store(left.map_or(ALL, |left| left / PART), Ordering::Relaxed);
        self.given.notify_waiters();
    }

    /// Has one look, whoever waits for what it gives.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Resolves when somebody needs more.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    fn try_take(&self, bytes: u64) -> bool {
        let take = |left: u64| if left == ALL { Some(ALL) } else { left.checked_sub(bytes) };
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn takes(room: &Room, bytes: u64) -> bool {
        timeout(Duration::from_millis(10), room.take(bytes)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_quarter_of_what_is_left_is_given_out_and_no_more() {
        let room = Room::default();
        assert!(takes(&room, u64::MAX).await && takes(&room, 1).await, "without a limit");
        room.give(Some(4000));
        assert!(takes(&room, 600).await && takes(&room, 400).await);
        assert!(!takes(&room, 1).await);
        let asked = timeout(Duration::from_millis(10), room.asked()).await;
        assert!(asked.is_ok(), "and a look was asked for");
        room.give(Some(3));
        assert!(!takes(&room, 1).await, "a quarter of next to nothing");
        room.give(None);
        assert!(takes(&room, 1).await, "the limit was lifted");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_with_the_next_gift() {
        let room = Room::default();
        room.give(Some(0));
        let (waited, ()) = tokio::join!(timeout(Duration::from_secs(10), room.take(10)), async {
            room.asked().await;
            room.give(Some(20));
            room.asked().await;
            room.give(Some(40));
        });
        assert!(waited.is_ok());
    }
}
