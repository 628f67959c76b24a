//! Joining: which messages are a new member's, whatever is said while he is being added.
//!
//! A test holds one answer of the store, lets something happen, and lets go.

use std::sync::Arc;

use keepline_server::conversation::Conversation;
use keepline_server::groups::{GroupError, Groups, Role};
use keepline_server::id::{MessageId, UserId};
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, Outcome, Store};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{members, node};
use crate::support::cue::{Cue, Fate};
use crate::support::id;

/// A group of ann's in which one message was said.
struct Team {
    store: Arc<Cue>,
    groups: Arc<Groups>,
}

impl Team {
    async fn new(fates: &[Fate]) -> Self {
        let store = Cue::new(Memory::new(), "g.", fates);
        let groups = Arc::new(node(store.clone()).await);
        groups.create(&id("team"), "", &id("ann"), []).await.unwrap();
        let team = Self { store, groups };
        team.say(1).await;
        team
    }

    async fn say(&self, seq: u8) {
        let log = Conversation::Group(id("team")).log();
        let append = Append { log, expected: Expected::Any, id: MessageId::new([seq; 16]), body: "hello".into() };
        assert_eq!(self.store.append(append).await.unwrap(), Outcome::Appended(seq.into()));
    }

    fn add(&self) -> JoinHandle<Result<(), GroupError>> {
        let groups = self.groups.clone();
        tokio::spawn(async move { groups.add(&id("ann"), &id("team"), &id("bob"), Role::Member).await })
    }

    /// Adds bob, who comes as far as the answer that is held.
    async fn add_until_held(&self) -> JoinHandle<Result<(), GroupError>> {
        let adding = self.add();
        while !self.store.is_waited_for() {
            tokio::task::yield_now().await;
        }
        adding
    }

    async fn remove(&self) {
        self.groups.remove(&id("ann"), &id("team"), &id("bob")).await.unwrap();
    }

    /// The message behind which bob reads; `None` if he reads none.
    fn since(&self) -> Option<u64> {
        self.groups.get(&id("team")).unwrap().members.get(&id::<UserId>("bob")).map(|member| member.since)
    }

    fn is_announced(&self) -> bool {
        self.groups.get(&id("team")).unwrap().joining.contains_key(&id::<UserId>("bob"))
    }
}

#[tokio::test]
async fn what_was_said_before_he_was_in_the_list_is_not_his() {
    let team = Team::new(&[]).await;
    // The group's record is read, and nothing is written yet.
    let open = team.store.hold_a_read();
    let adding = team.add_until_held().await;
    assert!(!team.is_announced());
    team.say(2).await;
    drop(open);
    adding.await.unwrap().unwrap();
    assert_eq!(team.since(), Some(2));
    team.say(3).await;
}

#[tokio::test]
async fn what_is_said_once_he_is_a_member_is_his() {
    let team = Team::new(&[]).await;
    let open = team.store.hold_a_head();
    let adding = team.add_until_held().await;
    // Everybody sees him, and he has no part in the group.
    assert_eq!((team.is_announced(), team.since(), members(&team.groups, "team")), (true, None, "ann=owner".into()));
    assert_eq!(team.groups.groups_of(&id("bob")), []);
    team.say(2).await;
    open.send(()).unwrap();
    adding.await.unwrap().unwrap();
    // The head was looked at before: what was said to a list with him in it may be his.
    assert_eq!((team.is_announced(), team.since()), (false, Some(1)));
    assert_eq!(team.groups.groups_of(&id("bob")), [id("team")]);
}

#[tokio::test]
async fn who_is_removed_while_he_is_added_does_not_come_back_by_himself() {
    let team = Team::new(&[]).await;
    let open: oneshot::Sender<()> = team.store.hold_a_head();
    let adding = team.add_until_held().await;
    team.remove().await;
    team.say(2).await;
    // Nor by another's announcement, with a head from before it.
    let late = team.store.hold_a_head();
    let again = team.add_until_held().await;
    drop(open);
    adding.await.unwrap().unwrap();
    assert_eq!((team.is_announced(), team.since()), (true, None));
    drop(late);
    again.await.unwrap().unwrap();
    assert_eq!(team.since(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn who_was_announced_and_forgotten_is_a_member_when_he_is_added_again() {
    // The group, the announcement; then nothing is heard any more.
    let fates = [&[Fate::Done; 2][..], &[Fate::Lost; 6]].concat();
    let team = Team::new(&fates).await;
    assert_eq!(team.add().await.unwrap(), Err(GroupError::UnknownOutcome));
    let after = Team { groups: Arc::new(node(team.store.clone()).await), store: team.store };
    assert_eq!((after.is_announced(), after.since()), (true, None));
    after.say(2).await;
    after.add().await.unwrap().unwrap();
    assert_eq!((after.is_announced(), after.since()), (false, Some(2)));
    // And one who is removed instead is gone.
    after.remove().await;
    assert_eq!((after.is_announced(), after.since()), (false, None));
}

/// Who was left announced as a member, and is then added as an admin, is an admin; and the other way round.
#[tokio::test(start_paused = true)]
async fn who_was_announced_and_forgotten_becomes_what_he_is_added_as_later() {
    for (first, then, is) in [(Role::Member, Role::Admin, "admin"), (Role::Admin, Role::Member, "member")] {
        let fates = [&[Fate::Done; 2][..], &[Fate::Lost; 6]].concat();
        let Team { store, groups } = Team::new(&fates).await;
        let add = async |role| groups.add(&id("ann"), &id("team"), &id("bob"), role).await;
        assert_eq!(add(first).await, Err(GroupError::UnknownOutcome));
        assert!(store.is_over());
        assert_eq!(add(then).await, Ok(()));
        assert_eq!(members(&groups, "team"), format!("ann=owner bob={is}"));
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_owner_changes_what_he_has_announced() {
    // The group with its admin, the announcement; then nothing is heard any more.
    let fates = [&[Fate::Done; 4][..], &[Fate::Lost; 6]].concat();
    let Team { groups, .. } = Team::new(&fates).await;
    let add = async |by: &str, user: &str, role| groups.add(&id(by), &id("team"), &id(user), role).await;
    add("ann", "eve", Role::Admin).await.unwrap();
    assert_eq!(add("ann", "bob", Role::Admin).await, Err(GroupError::UnknownOutcome));
    assert_eq!(add("eve", "bob", Role::Member).await, Err(GroupError::NotAllowed("owner")));
    assert_eq!(members(&groups, "team"), "ann=owner eve=admin");
}
