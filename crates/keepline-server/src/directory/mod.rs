//! Directory: who is in which conversation, and how far each conversation is.
//!
//! All in memory: the conversations are found in the store's list of logs at the start, and followed by its feed from
//! then on (`Directory::advance` is called for each message, in the order of the feed).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use scc::HashMap;

use crate::accounts::{Accounts, cim};
use crate::conversation::Conversation;
use crate::groups::{Group, Groups};
use crate::id::UserId;
use crate::store::{Head, LogName, Store, StoreError};

/// Logs asked for at one time.
const LOGS: usize = 1000;

/// Who is in which conversation, and how far each conversation is.
pub struct Directory {
    groups: Arc<Groups>,
    accounts: Arc<Accounts>,
    heads: HashMap<Conversation, Known>,
    /// The private conversations of each user.
    private: HashMap<UserId, BTreeSet<Conversation>>,
    epoch: u64,
}

/// How far a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The last message that the feed told of. Every session that logs in from now on starts from there.
    pub(crate) told: u64,
    /// The last message that every session was offered.
    pub(crate) offered: u64,
}

/// Whom the messages of a conversation go to.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "one for each kind of conversation")]
pub enum Audience {
    /// Two users, or one twice who writes to himself.
    Pair([UserId; 2]),
    /// A group's members.
    Group(Arc<Group>),
    /// Every user.
    Everyone,
    /// Nobody: there is no such group.
    Nobody,
}

/// Why a user may not send into a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the two ways not to be there")]
pub enum Refusal {
    /// It is not his.
    #[error("you are no member of this conversation")]
    NotMember,
    /// The other user, or the group, does not exist.
    #[error("there is no such user or group")]
    Unknown,
}

impl Directory {
    /// Finds the conversations of a store.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(store: &dyn Store, groups: Arc<Groups>, accounts: Arc<Accounts>) -> Result<Self, StoreError> {
        let epoch = store.head(&Conversation::Everyone.log()).await?.epoch;
        let directory = Self { groups, accounts, heads: HashMap::new(), private: HashMap::new(), epoch };
        directory
            .scan(store, |conversation, head| {
                directory.advance(&conversation, head.seq);
                directory.settle(&conversation, head.seq);
            })
            .await?;
        Ok(directory)
    }

    /// Changes when the numbering of the conversations starts anew, as after the restore of a backup.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether a user may send into a conversation.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn may_send(&self, user: &UserId, conversation: &Conversation) -> Result<(), Refusal> {
        match conversation {
            Conversation::Private(pair) => {
                let other = pair.other(user).ok_or(Refusal::NotMember)?;
                if self.accounts.exists(other) { Ok(()) } else { Err(Refusal::Unknown) }
            }
            Conversation::Group(group) => {
                let group = self.groups.get(group).ok_or(Refusal::Unknown)?;
                if group.members.contains_key(user) { Ok(()) } else { Err(Refusal::NotMember) }
            }
            Conversation::Everyone if self.accounts.exists(user) => Ok(()),
            Conversation::Everyone => Err(Refusal::NotMember),
        }
    }

    /// The number behind which a user may read a conversation: what was said before he came is not his. `None` if
    /// nothing of it is.
    #[must_use]
    pub fn reads_behind(&self, user: &UserId, conversation: &Conversation) -> Option<u64> {
        match conversation {
            Conversation::Private(pair) => pair.other(user).map(|_| 0),
            Conversation::Group(group) => self.groups.get(group)?.members.get(user).map(|member| member.since),
            Conversation::Everyone => self.accounts.everyone_since(user),
        }
    }

    /// Whom the messages of a conversation go to.
    #[must_use]
    pub fn audience(&self, conversation: &Conversation) -> Audience {
        match conversation {
            Conversation::Private(pair) => Audience::Pair(pair.users().map(Clone::clone)),
            Conversation::Group(group) => self.groups.get(group).map_or(Audience::Nobody, Audience::Group),
            Conversation::Everyone => Audience::Everyone,
        }
    }

    /// The conversations that a user has, with the number of the last message of each: the private ones in which
    /// something was said, his groups, and everyone.
    #[must_use]
    pub fn conversations_of(&self, user: &UserId) -> Vec<(Conversation, u64)> {
        let private = self.private.read_sync(user, |_, all| all.iter().cloned().collect::<Vec<_>>());
        let groups = self.groups.groups_of(user).into_iter().map(Conversation::Group);
        let all = private.into_iter().flatten().chain(groups).chain([Conversation::Everyone]);
        all.map(|conversation| (self.head(&conversation), conversation)).map(|(head, it)| (it, head)).collect()
    }

    /// The number of a conversation's last message; 0 if there is none.
    #[must_use]
    pub fn head(&self, conversation: &Conversation) -> u64 {
        self.known(conversation).told
    }

    /// The groups.
    #[must_use]
    pub const fn groups(&self) -> &Arc<Groups> {
        &self.groups
    }

    /// A user as cim's clients know him: number and name. Who is not of cim has no number there: 0, which is nobody's.
    #[must_use]
    pub fn cim_name(&self, user: &UserId) -> (i64, String) {
        let known = cim::id_of(user).and_then(|id| Some((id, self.accounts.cim().name_of(id)?)));
        known.unwrap_or_else(|| (0, user.to_string()))
    }

    pub(crate) fn known(&self, conversation: &Conversation) -> Known {
        self.heads.read_sync(conversation, |_, known| *known).unwrap_or_default()
    }

    /// The feed has told of a message. What was known before; `None` if this one was.
    pub(crate) fn advance(&self, conversation: &Conversation, seq: u64) -> Option<u64> {
        let before = {
            let mut known = self.heads.entry_sync(conversation.clone()).or_default();
            if seq <= known.told {
                return None;
            }
            std::mem::replace(&mut known.told, seq)
        };
        if before == 0
            && let Conversation::Private(pair) = conversation
        {
            for user in pair.users() {
                self.private.entry_sync(user.clone()).or_default().get_mut().insert(conversation.clone());
            }
        }
        Some(before)
    }

    /// Every session was offered the messages up to this one.
    pub(crate) fn settle(&self, conversation: &Conversation, seq: u64) {
        self.heads.update_sync(conversation, |_, known| known.offered = known.offered.max(seq));
    }

    /// Calls `found` with every conversation of the store and its head.
    pub(crate) async fn scan(
        &self,
        store: &dyn Store,
        mut found: impl FnMut(Conversation, Head),
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let logs = store.logs(LogName::MESSAGES, after.as_ref(), LOGS).await?;
            let Some((last, _)) = logs.last() else { return Ok(()) };
            after = Some(last.clone());
            for (log, head) in logs {
                match log.conversation() {
                    Some(conversation) => found(conversation, head),
                    None => tracing::error!(%log, "a log of messages with the name of no conversation"),
                }
            }
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("conversations", &self.heads.len()).finish_non_exhaustive()
    }
}
