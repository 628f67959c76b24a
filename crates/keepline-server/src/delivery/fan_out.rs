//! Fan-out: reads the store's feed and offers each message to the live sessions of those it goes to.
//!
//! The live push is a hint, the log is the truth: where the feed has a hole, the sessions are told from where on to
//! read. One task does it for the whole server, so a conversation's messages are offered in their order; no session
//! makes it wait, as one whose outbox is full is closed instead.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError, error::TryRecvError};

use crate::conversation::Conversation;
use crate::directory::{Audience, Directory};
use crate::groups::Group;
use crate::id::GroupId;
use crate::session::{Envelope, Hub, Run, Session};
use crate::store::{Committed, Page};

/// How long to wait after the store's first error, doubled after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What is offered at one time: no more than a page of the log, so that no session's outbox gets all its room at once.
const RUN: Page = Page { records: 64, bytes: 128 << 10 };

/// Hands out what the feed tells, for as long as there is a store.
pub(super) async fn run(hub: Arc<Hub>, mut feed: Receiver<Committed>) {
    let directory = Arc::clone(&hub.environment().directory);
    let mut changes = directory.groups().changes();
    let mut fan_out = FanOut { hub, directory, groups: HashMap::new() };
    fan_out.look_at_groups();
    // What was stored between the directory's first look and our subscription.
    fan_out.catch_up().await;
    loop {
        tokio::select! {
            // In this order, so that the same feed gives the same run; changes are rare.
            biased;
            change = changes.recv() => match change {
                Ok(group) => fan_out.on_change(&group),
                Err(RecvError::Lagged(_)) => fan_out.look_at_groups(),
                // The server is about to end; what is stored is in the logs.
                Err(RecvError::Closed) => return,
            },
            told = feed.recv() => match told {
                Ok(committed) => {
                    let mut rest = Ok(());
                    fan_out.on_committed(committed, || feed.try_recv().map_err(|error| rest = Err(error)).ok());
                    if let Err(TryRecvError::Lagged(missed)) = rest {
                        fan_out.on_lag(missed).await;
                    }
                }
                Err(RecvError::Lagged(missed)) => fan_out.on_lag(missed).await,
                Err(RecvError::Closed) => return,
            },
        }
    }
}

struct FanOut {
    hub: Arc<Hub>,
    directory: Arc<Directory>,
    /// Each group when we last looked: who is in it now and was not then has something to read.
    groups: HashMap<GroupId, Arc<Group>>,
}

impl FanOut {
    /// A record, and what the feed holds behind it at this moment: a burst was committed as a whole.
    fn on_committed(&mut self, first: Committed, mut next: impl FnMut() -> Option<Committed>) {
        let mut bytes = first.record.body.len();
        let mut records = vec![first];
        while records.len() < RUN.records && bytes < RUN.bytes {
            let Some(next) = next() else { break };
            bytes += next.record.body.len();
            records.push(next);
        }
        for records in records.chunk_by(|one, next| one.log == next.log && one.record.seq + 1 == next.record.seq) {
            self.on_run(records);
        }
    }

    /// Records of one log, without a hole.
    fn on_run(&mut self, records: &[Committed]) {
        let ([first, .., last] | [first @ last]) = records else { return };
        let Some(conversation) = first.log.conversation() else { return };
        self.look_at(&conversation);
        let Some(before) = self.directory.advance(&conversation, last.record.seq) else { return };
        // What was known before is on its way already.
        let new = records.iter().filter(|committed| committed.record.seq > before);
        let messages: Result<Vec<_>, _> =
            new.map(|committed| Envelope::open(conversation.clone(), &committed.record)).collect();
        match messages {
            Ok(messages) if first.record.seq <= before + 1 => {
                let run = Run::new(conversation.clone(), messages);
                self.each(&conversation, |session| session.offer(&run));
            }
            Ok(_) => self.fall_behind(&conversation, before),
            Err(error) => {
                tracing::error!(%error, %conversation, "a record of the feed is no message");
                self.fall_behind(&conversation, before);
            }
        }
        self.directory.settle(&conversation, last.record.seq);
    }

    async fn on_lag(&mut self, missed: u64) {
        tracing::warn!(missed, "behind the store's feed: the sessions read the logs");
        self.catch_up().await;
    }

    /// Compares the store's list of logs with what we know, until that succeeds.
    async fn catch_up(&mut self) {
        let (store, directory) = (Arc::clone(&self.hub.environment().store), Arc::clone(&self.directory));
        let mut wait = FIRST_WAIT;
        loop {
            let mut found = |conversation: Conversation, seq: u64| {
                self.look_at(&conversation);
                if let Some(before) = self.directory.advance(&conversation, seq) {
                    self.fall_behind(&conversation, before);
                    self.directory.settle(&conversation, seq);
                }
            };
            let Err(error) = directory.scan(&*store, |it, head| found(it, head.seq)).await else { return };
            tracing::warn!(%error, "the list of logs can't be read, trying again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Sees to it that a group is known as it is: whoever was taken out of it must not hear what was said after that.
    fn look_at(&mut self, conversation: &Conversation) {
        if let Conversation::Group(group) = conversation {
            self.on_change(group);
        }
    }

    fn look_at_groups(&mut self) {
        let known: Vec<_> = self.groups.keys().cloned().collect();
        for group in self.directory.groups().ids().iter().chain(&known) {
            self.on_change(group);
        }
    }

    /// Who has come to a group reads what was said since; who has left hears no more of it.
    fn on_change(&mut self, group: &GroupId) {
        let conversation = Conversation::Group(group.clone());
        let now = self.directory.groups().get(group);
        if self.groups.get(group).map(Arc::as_ptr) == now.as_ref().map(Arc::as_ptr) {
            return;
        }
        let before = match &now {
            Some(now) => self.groups.insert(group.clone(), Arc::clone(now)),
            None => self.groups.remove(group),
        };
        let since = |group: &Option<Arc<Group>>, user| Some(group.as_ref()?.members.get(user)?.since);
        for user in before.iter().flat_map(|before| before.members.keys()) {
            if since(&now, user) != since(&before, user) {
                self.hub.each_of(user, |session| session.forget(&conversation));
            }
        }
        for (user, member) in now.iter().flat_map(|now| &now.members) {
            if since(&before, user) != Some(member.since) {
                self.hub.each_of(user, |session| session.join(&conversation, member.since));
            }
        }
    }

    fn fall_behind(&self, conversation: &Conversation, after: u64) {
        self.each(conversation, |session| session.fall_behind(conversation, after));
    }

    /// Every live session that hears a conversation.
    fn each(&self, conversation: &Conversation, mut each: impl FnMut(&Arc<Session>)) {
        // A group as we saw it last: whoever has come since is told to read once we see him come.
        let audience = match conversation {
            Conversation::Group(group) => self.groups.get(group).cloned().map_or(Audience::Nobody, Audience::Group),
            _ => self.directory.audience(conversation),
        };
        match audience {
            Audience::Pair([one, other]) => {
                self.hub.each_of(&one, &mut each);
                if one != other {
                    self.hub.each_of(&other, &mut each);
                }
            }
            Audience::Group(group) => group.members.keys().for_each(|user| self.hub.each_of(user, &mut each)),
            Audience::Everyone => self.hub.each(each),
            Audience::Nobody => {}
        }
    }
}
