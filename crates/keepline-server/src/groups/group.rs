//! Group: its members and what each may do; and how it lies in its log.

use std::collections::BTreeMap;

use crate::entity;
use crate::id::{GroupId, UserId};
use crate::store::{LogName, StoreError};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three roles; each decides what is allowed")]
pub enum Role {
    /// Writes and reads.
    Member = 1,
    /// Adds and removes members, and names the group.
    Admin = 2,
    /// All that, and deletes it and gives roles. There is one.
    Owner = 3,
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// What he may do.
    pub role: Role,
    /// The last message before he came. He has no part in it, nor in those before it.
    pub since: u64,
}

/// A group as it was when it was asked for; it does not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Its name, which no other group ever has.
    pub id: GroupId,
    /// What people call it; may be empty.
    pub title: String,
    /// Who it belongs to; he is a member too.
    pub owner: UserId,
    /// Its members, by name.
    pub members: BTreeMap<UserId, Member>,
    /// Who is about to be one, and as what: everybody may see him in the group, and he has no part in it yet.
    pub joining: BTreeMap<UserId, Role>,
    /// When it was made: milliseconds since 1970.
    pub created_ms: u64,
    /// Whether whoever knows its name may go in.
    pub open: bool,
}

/// A group's record.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Stored {
    #[prost(string, tag = "1")]
    pub(super) title: String,
    /// None for a deleted group, whose record stays so that its name is not given again.
    #[prost(message, repeated, tag = "2")]
    pub(super) members: Vec<StoredMember>,
    #[prost(uint64, tag = "3")]
    pub(super) created_ms: u64,
    #[prost(bool, tag = "4")]
    pub(super) open: bool,
}

/// A member within a group's record.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredMember {
    #[prost(string, tag = "1")]
    pub(super) user: String,
    #[prost(int32, tag = "2")]
    pub(super) role: i32,
    #[prost(uint64, tag = "3")]
    pub(super) since: u64,
    /// `since` is not known yet: he is no member, but will be one. The number tells this announcement from another of
    /// the same user, who was removed between; 0 for a member.
    #[prost(fixed64, tag = "4")]
    pub(super) announcement: u64,
}

impl Stored {
    /// The role of a user; `None` if he is not a member, or not yet.
    pub(super) fn role(&self, user: &UserId) -> Option<Role> {
        self.find(user).filter(|member| member.announcement == 0).and_then(|member| role(member.role))
    }

    /// The role that a user will have who is about to be a member.
    pub(super) fn joining(&self, user: &UserId) -> Option<Role> {
        self.find(user).filter(|member| member.announcement != 0).and_then(|member| role(member.role))
    }

    pub(super) fn add(&mut self, user: &UserId, role: Role, since: u64) {
        self.members.push(StoredMember { user: user.to_string(), role: role as i32, since, announcement: 0 });
    }

    /// He is about to be a member; any number but 0.
    pub(super) fn announce(&mut self, user: &UserId, role: Role, announcement: u64) {
        self.members.push(StoredMember { user: user.to_string(), role: role as i32, since: 0, announcement });
    }

    /// The number under which a user is announced; `None` if he is not.
    pub(super) fn announcement(&self, user: &UserId) -> Option<u64> {
        self.find(user).map(|member| member.announcement).filter(|announcement| *announcement != 0)
    }

    /// Who was announced under this number is a member, and has a part in what is said behind `since`.
    pub(super) fn settle(&mut self, announcement: u64, since: u64) {
        for member in self.members.iter_mut().filter(|member| member.announcement == announcement) {
            (member.since, member.announcement) = (since, 0);
        }
    }

    pub(super) fn remove(&mut self, user: &UserId) {
        self.members.retain(|member| member.user != user.as_str());
    }

    fn find(&self, user: &UserId) -> Option<&StoredMember> {
        self.members.iter().find(|member| member.user == user.as_str())
    }

    pub(super) fn set_role(&mut self, user: &UserId, role: Role) {
        for member in self.members.iter_mut().filter(|member| member.user == user.as_str()) {
            member.role = role as i32;
        }
    }
}

impl Group {
    /// Reads a record; `None` for a deleted group. `known` gives names that are in memory already.
    pub(super) fn read(
        log: &LogName,
        seq: u64,
        stored: &Stored,
        known: impl Fn(UserId) -> UserId,
    ) -> Result<Option<Self>, StoreError> {
        if stored.members.is_empty() {
            return Ok(None);
        }
        let damaged = |what: &dyn ToString| entity::damaged(log, seq, &what.to_string());
        let id = id_of(log).ok_or_else(|| damaged(&"the log is no group's"))?;
        let (mut members, mut joining) = (BTreeMap::new(), BTreeMap::new());
        let mut owner = None;
        for member in &stored.members {
            let user = known(member.user.parse().map_err(|error| damaged(&error))?);
            let role = role(member.role).ok_or_else(|| damaged(&format!("no role {}", member.role)))?;
            if member.announcement != 0 {
                joining.insert(user, role);
                continue;
            }
            if role == Role::Owner {
                owner = Some(user.clone());
            }
            members.insert(user, Member { role, since: member.since });
        }
        let owner = owner.ok_or_else(|| damaged(&"it has no owner"))?;
        let title = stored.title.clone();
        let (created_ms, open) = (stored.created_ms, stored.open);
        Ok(Some(Self { id, title, owner, members, joining, created_ms, open }))
    }
}

/// What the names of groups' logs begin with.
pub(super) const LOGS: &str = "g.";

/// The log of a group.
pub(super) fn log(group: &GroupId) -> LogName {
    LogName::new(&format!("{LOGS}{group}"))
}

/// The group of a log.
pub(super) fn id_of(log: &LogName) -> Option<GroupId> {
    log.as_str().strip_prefix(LOGS)?.parse().ok()
}

fn role(number: i32) -> Option<Role> {
    [Role::Member, Role::Admin, Role::Owner].into_iter().find(|role| *role as i32 == number)
}
