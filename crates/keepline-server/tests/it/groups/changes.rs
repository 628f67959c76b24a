//! Changes: many at once, on several nodes, over a store that loses answers; and what a restart finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keepline_server::conversation::Conversation;
use keepline_server::groups::{GroupError, Groups, Role};
use keepline_server::id::{GroupId, MessageId, UserId};
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, Store};
use proptest::prelude::*;

use super::{members, node};
use crate::support::cue::{Cue, Fate};
use crate::support::id;

async fn say(store: &Memory, group: &str, number: u8) {
    let log = Conversation::Group(id(group)).log();
    let append = Append { log, expected: Expected::Any, id: MessageId::new([number; 16]), body: "hello".into() };
    let _ = store.append(append).await.unwrap();
}

#[tokio::test]
async fn a_member_has_a_part_in_what_is_said_after_he_came() {
    let store = Memory::new();
    let groups = node(store.clone()).await;
    let since = |user: &str| groups.get(&id("team")).unwrap().members[&id::<UserId>(user)].since;
    groups.create(&id("team"), "", &id("ann"), []).await.unwrap();
    say(&store, "team", 1).await;
    groups.add(&id("ann"), &id("team"), &id("bob"), Role::Member).await.unwrap();
    say(&store, "team", 2).await;
    say(&store, "team", 3).await;
    assert_eq!((since("ann"), since("bob")), (0, 1));
    // Once more changes nothing; leaving and coming back does.
    groups.add(&id("ann"), &id("team"), &id("bob"), Role::Member).await.unwrap();
    assert_eq!(since("bob"), 1);
    groups.remove(&id("bob"), &id("team"), &id("bob")).await.unwrap();
    groups.add(&id("ann"), &id("team"), &id("bob"), Role::Member).await.unwrap();
    assert_eq!(since("bob"), 3);
}

#[tokio::test]
async fn groups_outlast_the_process_and_a_name_is_given_once() {
    let store = Memory::new();
    let before = node(store.clone()).await;
    before.create(&id("team"), "The team", &id("ann"), [id("bob")]).await.unwrap();
    before.create(&id("gone"), "", &id("ann"), [id("bob")]).await.unwrap();
    assert_eq!(before.create(&id("team"), "", &id("eve"), []).await, Err(GroupError::Taken));
    before.delete(&id("ann"), &id("gone")).await.unwrap();
    let was = before.get(&id("team")).unwrap();
    drop(before);

    let after = node(store).await;
    assert_eq!(after.get(&id("team")).unwrap(), was);
    assert_eq!(after.groups_of(&id("bob")), [id("team")]);
    assert!(after.get(&id("gone")).is_none());
    assert_eq!(after.create(&id("gone"), "", &id("ann"), []).await, Err(GroupError::Taken));
    assert_eq!(after.add(&id("ann"), &id("gone"), &id("bob"), Role::Member).await, Err(GroupError::NotFound));
}

/// Two nodes add 30 members each to one group at once: sixty are in it, and both nodes come to know all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_changes_at_once_none_is_lost() {
    let store = Memory::new();
    let nodes = [Arc::new(node(store.clone()).await), Arc::new(node(store.clone()).await)];
    let mut feed = store.subscribe();
    nodes[0].create(&id("team"), "", &id("ann"), []).await.unwrap();
    let adds: Vec<_> = (0..60)
        .map(|number| {
            let groups = nodes[number % 2].clone();
            tokio::spawn(async move {
                let user: UserId = id(&format!("user-{number}"));
                // Sixteen times another node was faster: said, and nothing done.
                while let Err(error) = groups.add(&id("ann"), &id("team"), &user, Role::Member).await {
                    assert_eq!(error, GroupError::Conflict);
                }
            })
        })
        .collect();
    for add in adds {
        add.await.unwrap();
    }
    // Each of the sixty is announced, and then settled.
    for _ in 0..121 {
        feed.recv().await.unwrap();
    }
    let expected = node(store).await.get(&id("team")).unwrap();
    assert_eq!(expected.members.len(), 61);
    for groups in nodes {
        // Each node follows the feed at its own pace.
        while groups.get(&id("team")).as_ref() != Some(&expected) {
            tokio::task::yield_now().await;
        }
        assert_eq!(groups.groups_of(&id("user-59")), [id("team")]);
    }
}

/// One thing that is done to one of three groups by one of four users, on one of two nodes.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: usize,
    group: u8,
    by: u8,
    user: u8,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Create,
    Add,
    AddAdmin,
    Remove,
    HandOver,
    Demote,
    Delete,
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        2 => Just(What::Create),
        6 => Just(What::Add),
        2 => Just(What::AddAdmin),
        3 => Just(What::Remove),
        1 => Just(What::HandOver),
        1 => Just(What::Demote),
        1 => Just(What::Delete),
    ];
    (0..2_usize, 0..2_u8, 0..4_u8, 0..4_u8, what).prop_map(|(node, group, by, user, what)| Step {
        node,
        group,
        by,
        user,
        what,
    })
}

async fn take(groups: &Groups, step: Step) -> Result<(), GroupError> {
    let (group, by, user): (GroupId, UserId, UserId) =
        (id(&format!("g{}", step.group)), id(&format!("u{}", step.by)), id(&format!("u{}", step.user)));
    match step.what {
        What::Create => groups.create(&group, "", &by, [user]).await,
        What::Add => groups.add(&by, &group, &user, Role::Member).await,
        What::AddAdmin => groups.add(&by, &group, &user, Role::Admin).await,
        What::Remove => groups.remove(&by, &group, &user).await,
        What::HandOver => groups.set_role(&by, &group, &user, Role::Owner).await,
        What::Demote => groups.set_role(&by, &group, &user, Role::Member).await,
        What::Delete => groups.delete(&by, &group).await,
    }
}

/// The rules once more, as simply as can be: the groups there are, and those there were.
#[derive(Default)]
struct Model {
    groups: BTreeMap<u8, BTreeMap<u8, Role>>,
    gone: BTreeSet<u8>,
}

impl Model {
    /// Does the step if it is allowed; whether it is.
    fn take(&mut self, step: Step) -> bool {
        if let What::Create = step.what {
            let free = !self.groups.contains_key(&step.group) && !self.gone.contains(&step.group);
            if free {
                let members = [(step.user, Role::Member), (step.by, Role::Owner)];
                self.groups.insert(step.group, members.into_iter().collect());
            }
            return free;
        }
        let Some(group) = self.groups.get_mut(&step.group) else { return false };
        let Some(mine) = group.get(&step.by).copied() else { return false };
        let his = group.get(&step.user).copied();
        let (owner, staff) = (mine == Role::Owner, mine != Role::Member);
        let allowed = match (step.what, his) {
            (What::Create, _) => false,
            (What::Add, _) => staff,
            (What::AddAdmin | What::Delete, _) | (What::HandOver, Some(_)) => owner,
            (What::Remove, _) if step.by == step.user => !owner,
            (What::Remove, None | Some(Role::Member)) => staff,
            (What::Remove, Some(_)) => owner,
            (What::Demote, Some(his)) => owner && his != Role::Owner,
            (What::HandOver | What::Demote, None) => false,
        };
        match step.what {
            _ if !allowed => {}
            What::Add => drop(group.entry(step.user).or_insert(Role::Member)),
            What::AddAdmin => drop(group.entry(step.user).or_insert(Role::Admin)),
            What::Remove => drop(group.remove(&step.user)),
            What::HandOver => {
                group.insert(step.by, Role::Admin);
                group.insert(step.user, Role::Owner);
            }
            What::Demote => drop(group.insert(step.user, Role::Member)),
            What::Delete => {
                self.groups.remove(&step.group);
                self.gone.insert(step.group);
            }
            What::Create => {}
        }
        allowed
    }

    fn members(&self, group: u8) -> String {
        let Some(group) = self.groups.get(&group) else { return "-".to_owned() };
        let members = group.iter().map(|(user, role)| format!("u{user}={role:?}").to_lowercase());
        members.collect::<Vec<_>>().join(" ")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Step by step on two nodes, each sees what it did at once, and the log says what the rules say.
    #[test]
    fn groups_do_what_their_rules_say(
        steps in prop::collection::vec(step(), 1..40),
        lost in prop::collection::vec(prop_oneof![Just(Fate::Done), Just(Fate::AnswerLost), Just(Fate::Lost)], 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            // Never six in a row, so that each outcome is known.
            let fates: Vec<_> = lost.iter().flat_map(|fate| [*fate, Fate::Done]).collect();
            let store = Cue::new(Memory::new(), "g.", &fates);
            let nodes = [node(store.clone()).await, node(store.clone()).await];
            let mut model = Model::default();
            for step in steps {
                let done = take(&nodes[step.node], step).await;
                assert_eq!(done.is_ok(), model.take(step), "{step:?} {done:?}");
                if done.is_ok() {
                    let group = format!("g{}", step.group);
                    assert_eq!(members(&nodes[step.node], &group), model.members(step.group), "{step:?}");
                }
            }
            let last = node(store).await;
            for group in 0..2 {
                assert_eq!(members(&last, &format!("g{group}")), model.members(group));
            }
            for user in 0..4 {
                let expected = model.groups.iter().filter(|(_, members)| members.contains_key(&user));
                let expected: Vec<GroupId> = expected.map(|(group, _)| id(&format!("g{group}"))).collect();
                assert_eq!(last.groups_of(&id(&format!("u{user}"))), expected);
            }
        });
    }
}
