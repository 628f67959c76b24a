//! Sync: what a session does first: the device's marks are compared with the heads of the user's conversations.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keepline::Reason;

use super::cursors::Cursors;
use super::{Live, Session, State};
use crate::store::{LogName, StoreError};

/// How long to wait before each further try to read the marks; after the last the line is closed, and the client comes
/// back by its own back-off.
const RETRIES: [Duration; 5] = [
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

impl Session {
    /// Reads the device's marks and goes live behind them.
    pub(crate) async fn sync(self: Arc<Self>) {
        match self.read_marks().await {
            Ok(marks) => self.go_live(marks),
            Err(error) => {
                tracing::error!(%error, session = %self.id, "no marks can be read: the session can't begin");
                self.connection.close(Reason::ServerError);
            }
        }
    }

    async fn read_marks(&self) -> Result<Vec<(LogName, u64)>, StoreError> {
        let owner = self.owner();
        let store = &self.environment.store;
        for pause in RETRIES {
            match store.marks(&owner).await {
                Ok(marks) => return Ok(marks),
                Err(error) => tracing::warn!(%error, session = %self.id, "marks not read, trying again"),
            }
            tokio::time::sleep(pause).await;
        }
        store.marks(&owner).await
    }

    fn go_live(self: &Arc<Self>, marks: Vec<(LogName, u64)>) {
        let marks: HashMap<_, _> = marks.into_iter().collect();
        let directory = &self.environment.directory;
        let mut state = self.lock();
        if !matches!(*state, State::Syncing) {
            return;
        }
        // Under the lock: a message that the directory learns of later is offered to this session once we let go.
        let mut cursors = Cursors::default();
        for (conversation, _) in directory.conversations_of(&self.user) {
            let Some(start) = directory.reads_behind(&self.user, &conversation) else { continue };
            let after = marks.get(&conversation.log()).map_or(start, |mark| start.max(*mark));
            cursors.begin(&conversation, after, directory.known(&conversation));
        }
        let mut live = Live { cursors: Some(Box::new(cursors)), ..Live::default() };
        self.go_on(&mut live);
        *state = State::Live(live);
    }
}
