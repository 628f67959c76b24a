//! Groups: who talks with whom, and who decides that.
//!
//! A group is an entity of its own in the store, and all of them are in memory: at most 110 bytes for each member. A
//! change writes the whole group, up to 81 bytes a member.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::{Clock as _, System};
use crate::conversation::Conversation;
use crate::entity;
use crate::entity::follow::{Follow as _, Source, follow};
use crate::entity::{Entities, Held};
use crate::id::{GroupId, UserId};
use crate::store::{LogName, Store, StoreError};

mod error;
mod group;
mod known;

pub use error::GroupError;
pub use group::{Group, Member, Role};

use group::{Stored, log};
use known::Known;

/// The longest title, in bytes.
pub const LONGEST_TITLE: usize = 256;

/// How many members a group can have at the most, whatever the limit is: its record must fit the store's.
pub const MOST_MEMBERS: usize = 10_000;

/// How large things may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two limits")]
pub struct Limits {
    /// Members of one group; at most [`MOST_MEMBERS`].
    pub members: usize,
    /// Groups of one user.
    pub groups_of_a_user: usize,
}

impl Default for Limits {
    /// 5,000 members, 1,000 groups.
    fn default() -> Self {
        Self { members: 5_000, groups_of_a_user: 1_000 }
    }
}

/// The groups of a store.
///
/// They do not look whether their members have accounts: the caller knows the accounts.
pub struct Groups {
    entities: Entities,
    known: Arc<Known>,
    limits: Limits,
    _following: AbortOnDropHandle<()>,
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Groups {
    /// Reads every group of the store, and follows their changes until it is dropped.
    ///
    /// # Errors
    /// The store's. A group whose record is damaged is left out instead.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn load(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        Self::load_with(store, Limits::default()).await
    }

    /// As [`load`](Self::load), with other limits.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_with(store: Arc<dyn Store>, limits: Limits) -> Result<Self, StoreError> {
        let limits = Limits { members: limits.members.min(MOST_MEMBERS), ..limits };
        let known = Arc::new(Known::new());
        let following = follow(store.clone(), known.clone()).await?;
        Ok(Self { entities: Entities::new(store), known, limits, _following: following })
    }

    /// A group as it is. Looks into memory only.
    #[must_use]
    pub fn get(&self, group: &GroupId) -> Option<Arc<Group>> {
        self.known.get(group)
    }

    /// Every group. Looks into memory only.
    #[must_use]
    pub fn ids(&self) -> Vec<GroupId> {
        self.known.ids()
    }

    /// Groups that have changed, told after [`get`](Self::get) shows the change. Who is too slow misses some, and
    /// looks at all of them.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<GroupId> {
        self.known.changes()
    }

    /// The groups that a user is in, by name. Looks into memory only.
    #[must_use]
    pub fn groups_of(&self, user: &UserId) -> Vec<GroupId> {
        self.known.groups_of(user)
    }

    /// Makes a group with its owner, and others as plain members. Of many at once with the same name, one gets it; the
    /// name of a deleted group is not given again.
    ///
    /// # Errors
    /// `Taken`, `Full`, `TooManyGroups`, `BadTitle`, `UnknownOutcome` and the store's.
    pub async fn create(
        &self,
        group: &GroupId,
        title: &str,
        owner: &UserId,
        members: impl IntoIterator<Item = UserId> + Send,
    ) -> Result<(), GroupError> {
        check_title(title)?;
        let mut others = BTreeSet::new();
        for user in members.into_iter().filter(|user| user != owner) {
            others.insert(user);
            // With the owner. Asked for each, so that no more of them are taken in than may be.
            if others.len() >= self.limits.members {
                return Err(GroupError::Full { limit: self.limits.members });
            }
        }
        others.iter().chain([owner]).try_for_each(|user| self.has_room(user))?;
        let mut state = Stored { title: title.to_owned(), created_ms: System.now_ms(), ..Stored::default() };
        state.add(owner, Role::Owner, 0);
        for user in &others {
            state.add(user, Role::Member, 0);
        }
        let log = log(group);
        let seq = self.entities.create(&log, &state).await?.ok_or(GroupError::Taken)?;
        self.known.take(&log, Held { seq, state }, Source::Own);
        Ok(())
    }

    /// Adds a member, who sees messages from now on; nothing happens if he is one, whatever his role. The owner and the admins may, and
    /// only the owner adds an admin.
    ///
    /// He sees every message that is sent after this has returned, and none that was acknowledged while he was not in
    /// the group's list ([`Group::members`], [`Group::joining`]). The group and its messages are two logs, and no
    /// append is to both, so he is announced in the list first, and where the messages are is read after that: read
    /// before, it would give him what was said between, by people who did not see him there.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `Full`, `TooManyGroups`, `Conflict`, `UnknownOutcome` and the store's. With the last
    /// three he may stay announced, with no part in anything, until he is added again or removed.
    pub async fn add(&self, by: &UserId, group: &GroupId, user: &UserId, role: Role) -> Result<(), GroupError> {
        let announced = self.announce(by, group, user, role).await?;
        self.settle(group, user, &announced).await
    }

    /// Goes into an open group as a plain member, as by [`add`](Self::add); nothing happens if he is one. Of a closed
    /// group a stranger is not told that there is one.
    ///
    /// # Errors
    /// `NotFound`, `Full`, `TooManyGroups`, `Conflict`, `UnknownOutcome` and the store's. With the last three he may
    /// stay announced, as there.
    pub async fn join(&self, user: &UserId, group: &GroupId) -> Result<(), GroupError> {
        let announcement = u64::from_le_bytes(entity::random()?).max(1);
        let announced = self.update(group, |now| {
            if now.role(user).is_some() || now.joining(user).is_some() {
                return Ok(None);
            }
            // A deleted one has no members, and was closed.
            if !now.open {
                return Err(GroupError::NotFound);
            }
            self.announced(now, user, Role::Member, announcement).map(Some)
        });
        self.settle(group, user, &announced.await?).await
    }

    /// Gives whom the list announces his part in what is said from now on.
    async fn settle(&self, group: &GroupId, user: &UserId, announced: &Stored) -> Result<(), GroupError> {
        let Some(announcement) = announced.announcement(user) else { return Ok(()) };
        let since = self.entities.store().head(&Conversation::Group(group.clone()).log()).await?.seq;
        // Not who adds him, who may be out by now: what he was allowed to do is done. Who was removed meanwhile stays
        // so, and whom another has settled has his number.
        let settled = self.update(group, |now| {
            let still = now.announcement(user) == Some(announcement);
            Ok(still.then(|| with(now, |next| next.settle(announcement, since))))
        });
        settled.await.map(|_| ())
    }

    /// Puts a user into the list of a group, unless he is there; what the list is now.
    async fn announce(&self, by: &UserId, group: &GroupId, user: &UserId, role: Role) -> Result<Stored, GroupError> {
        let announcement = u64::from_le_bytes(entity::random()?).max(1);
        self.change(by, group, |now, mine| {
            need(mine, if role == Role::Member { Role::Admin } else { Role::Owner })?;
            if now.role(user).is_some() {
                return Ok(None);
            }
            if role == Role::Owner {
                return Err(GroupError::NotMember);
            }
            match now.joining(user) {
                Some(announced) if announced == role => return Ok(None),
                Some(announced) => {
                    // Left by a failure, as something else: only the owner takes back what he meant.
                    need(mine, if announced == Role::Member { Role::Admin } else { Role::Owner })?;
                    return Ok(Some(with(now, |next| next.set_role(user, role))));
                }
                None => {}
            }
            self.announced(now, user, role, announcement).map(Some)
        })
        .await
    }

    /// The list with one more, if there is room.
    fn announced(&self, now: &Stored, user: &UserId, role: Role, announcement: u64) -> Result<Stored, GroupError> {
        if now.members.len() >= self.limits.members {
            return Err(GroupError::Full { limit: self.limits.members });
        }
        self.has_room(user)?;
        Ok(with(now, |next| next.announce(user, role, announcement)))
    }

    /// Removes a member; nothing happens if he is none. Each may remove himself but the owner, the owner everybody
    /// else, and an admin plain members.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `OwnerStays`, `Conflict`, `UnknownOutcome` and the store's.
    pub async fn remove(&self, by: &UserId, group: &GroupId, user: &UserId) -> Result<(), GroupError> {
        self.change(by, group, |now, mine| {
            match now.role(user).or_else(|| now.joining(user)) {
                Some(Role::Owner) if by == user => return Err(GroupError::OwnerStays),
                Some(_) if by == user => {}
                Some(Role::Member) => need(mine, Role::Admin)?,
                Some(Role::Admin | Role::Owner) => need(mine, Role::Owner)?,
                None => {
                    need(mine, Role::Admin)?;
                    return Ok(None);
                }
            }
            Ok(Some(with(now, |next| next.remove(user))))
        })
        .await
        .map(|_| ())
    }

    /// Gives a member another role; only the owner may. Who makes another the owner hands the group over, and is an
    /// admin then.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `NotMember`, `OwnerStays`, `Conflict`, `UnknownOutcome` and the store's.
    pub async fn set_role(&self, by: &UserId, group: &GroupId, user: &UserId, role: Role) -> Result<(), GroupError> {
        self.change(by, group, |now, mine| {
            need(mine, Role::Owner)?;
            match now.role(user) {
                None => Err(GroupError::NotMember),
                Some(now) if now == role => Ok(None),
                Some(Role::Owner) => Err(GroupError::OwnerStays),
                Some(_) => Ok(Some(with(now, |next| {
                    if role == Role::Owner {
                        next.set_role(by, Role::Admin);
                    }
                    next.set_role(user, role);
                }))),
            }
        })
        .await
        .map(|_| ())
    }

    /// Gives the group another title. The owner and the admins may.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `BadTitle`, `Conflict`, `UnknownOutcome` and the store's.
    pub async fn rename(&self, by: &UserId, group: &GroupId, title: &str) -> Result<(), GroupError> {
        check_title(title)?;
        self.change(by, group, |now, mine| {
            need(mine, Role::Admin)?;
            Ok(Some(with(now, |next| title.clone_into(&mut next.title))))
        })
        .await
        .map(|_| ())
    }

    /// Opens the group to whoever knows its name, or closes it again; who is in stays. The owner and the admins may.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `Conflict`, `UnknownOutcome` and the store's.
    pub async fn set_open(&self, by: &UserId, group: &GroupId, open: bool) -> Result<(), GroupError> {
        self.change(by, group, |now, mine| {
            need(mine, Role::Admin)?;
            Ok((now.open != open).then(|| with(now, |next| next.open = open)))
        })
        .await
        .map(|_| ())
    }

    /// Deletes the group; only the owner may. Its messages are nobody's then, and its name is not given again.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `Conflict`, `UnknownOutcome` and the store's.
    pub async fn delete(&self, by: &UserId, group: &GroupId) -> Result<(), GroupError> {
        self.change(by, group, |now, mine| {
            need(mine, Role::Owner)?;
            Ok(Some(with(now, |next| {
                next.members.clear();
                next.open = false;
            })))
        })
        .await
        .map(|_| ())
    }

    /// A change by a member of a group, who is told his role; what the group is now.
    async fn change(
        &self,
        by: &UserId,
        group: &GroupId,
        mut change: impl FnMut(&Stored, Role) -> Result<Option<Stored>, GroupError>,
    ) -> Result<Stored, GroupError> {
        self.update(group, |now| change(now, now.role(by).ok_or(GroupError::NotFound)?)).await
    }

    async fn update(
        &self,
        group: &GroupId,
        change: impl FnMut(&Stored) -> Result<Option<Stored>, GroupError>,
    ) -> Result<Stored, GroupError> {
        let log: LogName = log(group);
        let held = self.entities.change(&log, change).await?;
        let state = held.state.clone();
        self.known.take(&log, held, Source::Own);
        Ok(state)
    }

    fn has_room(&self, user: &UserId) -> Result<(), GroupError> {
        let limit = self.limits.groups_of_a_user;
        if self.known.how_many_of(user) < limit { Ok(()) } else { Err(GroupError::TooManyGroups { limit }) }
    }
}

fn need(mine: Role, least: Role) -> Result<(), GroupError> {
    if mine >= least {
        return Ok(());
    }
    Err(GroupError::NotAllowed(if least == Role::Owner { "owner" } else { "owner or an admin" }))
}

fn with(now: &Stored, change: impl FnOnce(&mut Stored)) -> Stored {
    let mut next = now.clone();
    change(&mut next);
    next
}

fn check_title(title: &str) -> Result<(), GroupError> {
    if title.len() <= LONGEST_TITLE { Ok(()) } else { Err(GroupError::BadTitle { limit: LONGEST_TITLE }) }
}
