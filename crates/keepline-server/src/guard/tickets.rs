//! Tickets: who of cim's users may connect, as they have asked where to. It is all the proof that cim's dialect has room
//! for: it shows that who connects is where the request came from, and not who he is.

use std::time::Duration;

use keepline::serve::Subscriber;
use tokio::time::Instant;

use super::lru::Lru;
use super::strikes::MOST_KEYS;

/// How long after `/login` a user of cim's may connect.
pub const TICKET_LIFE: Duration = Duration::from_secs(60);

/// The last request of each user: a new one makes the one before void. A full list forgets the oldest.
#[derive(Debug)]
pub(super) struct Tickets(Lru<i64, Option<(Subscriber, Instant)>>);

impl Default for Tickets {
    fn default() -> Self {
        Self(Lru::new(MOST_KEYS))
    }
}

impl Tickets {
    pub(super) fn give(&mut self, id: i64, address: Subscriber, now: Instant) {
        *self.0.touch(&id) = Some((address, now));
    }

    /// Whether there was one; there is none any more. A stranger at another address takes nothing from its owner.
    pub(super) fn take(&mut self, id: i64, address: Subscriber, now: Instant) -> bool {
        let Some(Some((owner, given))) = self.0.get(&id) else { return false };
        let (owned, fresh) = (*owner == address, now.duration_since(*given) < TICKET_LIFE);
        if owned || !fresh {
            self.0.remove(&id);
        }
        owned && fresh
    }
}
