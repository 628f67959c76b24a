//! Arrival: when a message to a cim client counts as delivered. cim knows no acknowledgement.
//!
//! It counts once the peer's kernel has acknowledged every byte up to it, which is known from an empty send queue: the
//! level is called `tcp`. A client that ends before it has read its socket loses it, and one that ends before its
//! kernel's answer came gets it again.

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

/// Has the line look, a few times. It stops when everything has arrived, and leaves the rest to the next push or ping.
pub(super) async fn look(session: Arc<Session>) {
    for pause in LOOKS {
        tokio::time::sleep(pause).await;
        if session.on_the_way().is_none() {
            break;
        }
        session.connection.wake();
    }
    if let State::Live(live) = &mut *session.lock() {
        live.checking = false;
    }
}
