//! Arrival: when a message to a cim client counts as delivered. cim knows no acknowledgement.
//!
//! It counts once the peer's kernel has acknowledged every byte up to it, which is known from an empty send queue: the
//! level is called `tcp`. The line looks some time after a push, and as it ends in order. A client that breaks off
//! before it has read its socket loses what was looked for by then, and one that ends before its kernel's answer came
//! gets it again.

use std::sync::Arc;
use std::time::Duration;

use super::{Session, State};

/// When the line is asked to look after a push, one after the other; from then on at the client's pings.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(2),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

impl Session {
    /// What to remember before the send queue is looked at: how many pushes there were. `None` if nothing is on its way.
    #[must_use]
    pub fn on_the_way(&self) -> Option<u64> {
        match &*self.lock() {
            State::Live(live) if live.cursors.as_ref().is_some_and(|cursors| cursors.is_waiting()) => Some(live.pushes),
            _ => None,
        }
    }

    /// Everything up to this push has arrived at the peer's kernel.
    pub fn arrived(self: &Arc<Self>, push: u64) {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return };
        let Some(cursors) = &mut live.cursors else { return };
        for (conversation, seq) in cursors.ack_pushes(push) {
            self.mark(&conversation, seq);
            cursors.settle(&conversation, self.environment.directory.known(&conversation).offered);
        }
        self.go_on(live);
    }

    /// Sets what is pending on its way again, as far as it is not on this line already; from then on it goes by itself.
    pub fn fetch_offline(self: &Arc<Self>) {
        if let State::Live(live) = &mut *self.lock() {
            self.go_on(live);
        }
    }
}

/// Where the looks of one task are.
#[derive(Default)]
struct Looks {
    /// How many there were since the last push.
    made: usize,
    /// The session's count of pushes as they began.
    of: u64,
}

/// Has the line look, a few times after the last push. It stops when everything has arrived, and leaves the rest to the
/// next push or ping.
pub(super) async fn look(session: Arc<Session>) {
    let mut looks = Looks::default();
    while let Some(pause) = session.next_look(&mut looks) {
        tokio::time::sleep(pause).await;
        session.connection.wake();
    }
}

impl Session {
    /// How long to wait before the next look; `None` ends the task, decided under the lock: a push before that has its
    /// looks from this task, and one after that starts another.
    fn next_look(&self, looks: &mut Looks) -> Option<Duration> {
        let mut state = self.lock();
        let State::Live(live) = &mut *state else { return None };
        if looks.of != live.pushes {
            *looks = Looks { made: 0, of: live.pushes };
        }
        let waiting = live.cursors.as_ref().is_some_and(|cursors| cursors.is_waiting());
        let next = LOOKS.get(looks.made).copied().filter(|_| waiting);
        looks.made += 1;
        live.checking = next.is_some();
        next
    }
}

#[cfg(test)]
mod tests {
    use keepline_proto::wire::dialect::Dialect;

    use super::super::fixture::Fixture;
    use super::super::{Speaks, cim::Receiver};
    use super::*;
    use crate::conversation::Conversation;

    fn is_checking(session: &Session) -> bool {
        matches!(&*session.lock(), State::Live(live) if live.checking)
    }

    /// Each step by hand, in the order that once left a message to the client's next ping: the task has looked for the
    /// last time, a message is pushed, the task ends. No other task runs in between: nothing here waits.
    #[tokio::test]
    async fn a_push_behind_the_last_look_is_looked_after_all_the_same() {
        let fixture = Fixture::new(Speaks::Cim(Receiver { dialect: Dialect::Cim21, id: 7 })).await;
        let (all, session) = (Conversation::Everyone, &fixture.session);
        fixture.offer(&all, 1, 1);
        let mut looks = Looks::default();
        for pause in LOOKS {
            assert_eq!(session.next_look(&mut looks), Some(pause));
        }
        fixture.offer(&all, 2, 2);
        assert!(is_checking(session), "no other task was started for it");
        for pause in LOOKS {
            assert_eq!(session.next_look(&mut looks), Some(pause), "the one there is goes on");
        }
        assert_eq!(session.next_look(&mut looks), None, "and leaves the rest to the next push");
        assert!(!is_checking(session));
        fixture.offer(&all, 3, 3);
        assert!(is_checking(session), "which has a task of its own");
    }

    /// The same where everything had arrived before the push.
    #[tokio::test]
    async fn a_push_behind_an_arrival_is_looked_after_all_the_same() {
        let fixture = Fixture::new(Speaks::Cim(Receiver { dialect: Dialect::Cim21, id: 7 })).await;
        let (all, session) = (Conversation::Everyone, &fixture.session);
        fixture.offer(&all, 1, 1);
        let mut looks = Looks::default();
        assert_eq!(session.next_look(&mut looks), Some(LOOKS[0]));
        session.arrived(session.on_the_way().unwrap());
        fixture.offer(&all, 2, 2);
        assert_eq!(session.next_look(&mut looks), Some(LOOKS[0]));
        session.arrived(session.on_the_way().unwrap());
        assert_eq!(session.next_look(&mut looks), None);
        assert!(!is_checking(session) && session.is_caught_up());
    }
}
