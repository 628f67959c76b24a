//! Roles: what an owner, an admin, a member and a stranger may do.

use keepline_server::groups::{GroupError, Groups, LONGEST_TITLE, Limits, Role};
use keepline_server::store::memory::Memory;

use super::{members, node};
use crate::support::id;

/// What somebody does to a group.
#[derive(Clone, Copy)]
enum Act {
    Add(&'static str, Role),
    Remove(&'static str),
    Give(&'static str, Role),
    Rename,
    Delete,
}

async fn act(groups: &Groups, by: &str, act: Act) -> &'static str {
    let (by, team) = (id(by), id("team"));
    let done = match act {
        Act::Add(user, role) => groups.add(&by, &team, &id(user), role).await,
        Act::Remove(user) => groups.remove(&by, &team, &id(user)).await,
        Act::Give(user, role) => groups.set_role(&by, &team, &id(user), role).await,
        Act::Rename => groups.rename(&by, &team, "Another").await,
        Act::Delete => groups.delete(&by, &team).await,
    };
    done.map_or_else(|error| error.code(), |()| "ok")
}

#[tokio::test]
async fn who_may_do_what() {
    use Act::{Add, Delete, Give, Remove, Rename};
    use Role::{Admin, Member, Owner};
    const BEFORE: &str = "adm=admin ann=owner bob=member";
    let table = [
        ("ann", Add("new", Member), "ok", "adm=admin ann=owner bob=member new=member"),
        ("ann", Add("new", Admin), "ok", "adm=admin ann=owner bob=member new=admin"),
        ("ann", Add("new", Owner), "not_member", BEFORE),
        ("ann", Add("bob", Member), "ok", BEFORE),
        ("adm", Add("new", Member), "ok", "adm=admin ann=owner bob=member new=member"),
        ("adm", Add("new", Admin), "not_allowed", BEFORE),
        ("bob", Add("new", Member), "not_allowed", BEFORE),
        ("eve", Add("eve", Member), "not_found", BEFORE),
        ("eve", Add("new", Member), "not_found", BEFORE),
        ("ann", Remove("bob"), "ok", "adm=admin ann=owner"),
        ("ann", Remove("adm"), "ok", "ann=owner bob=member"),
        ("ann", Remove("ann"), "owner_stays", BEFORE),
        ("ann", Remove("eve"), "ok", BEFORE),
        ("adm", Remove("bob"), "ok", "adm=admin ann=owner"),
        ("adm", Remove("ann"), "not_allowed", BEFORE),
        ("adm", Remove("adm"), "ok", "ann=owner bob=member"),
        ("bob", Remove("bob"), "ok", "adm=admin ann=owner"),
        ("bob", Remove("adm"), "not_allowed", BEFORE),
        ("bob", Remove("ann"), "not_allowed", BEFORE),
        ("bob", Remove("eve"), "not_allowed", BEFORE),
        ("eve", Remove("bob"), "not_found", BEFORE),
        ("ann", Give("bob", Admin), "ok", "adm=admin ann=owner bob=admin"),
        ("ann", Give("adm", Member), "ok", "adm=member ann=owner bob=member"),
        ("ann", Give("bob", Owner), "ok", "adm=admin ann=admin bob=owner"),
        ("ann", Give("ann", Owner), "ok", BEFORE),
        ("ann", Give("ann", Member), "owner_stays", BEFORE),
        ("ann", Give("eve", Admin), "not_member", BEFORE),
        ("adm", Give("bob", Admin), "not_allowed", BEFORE),
        ("adm", Give("adm", Owner), "not_allowed", BEFORE),
        ("bob", Give("bob", Admin), "not_allowed", BEFORE),
        ("eve", Give("eve", Owner), "not_found", BEFORE),
        ("ann", Rename, "ok", BEFORE),
        ("adm", Rename, "ok", BEFORE),
        ("bob", Rename, "not_allowed", BEFORE),
        ("eve", Rename, "not_found", BEFORE),
        ("ann", Delete, "ok", "-"),
        ("adm", Delete, "not_allowed", BEFORE),
        ("bob", Delete, "not_allowed", BEFORE),
        ("eve", Delete, "not_found", BEFORE),
    ];
    for (row, (by, what, said, after)) in table.into_iter().enumerate() {
        let groups = node(Memory::new()).await;
        let others = ["adm", "bob", "ann", "bob"].map(id);
        groups.create(&id("team"), "The team", &id("ann"), others).await.unwrap();
        groups.set_role(&id("ann"), &id("team"), &id("adm"), Admin).await.unwrap();
        assert_eq!(members(&groups, "team"), BEFORE);
        assert_eq!(act(&groups, by, what).await, said, "row {row}");
        assert_eq!(members(&groups, "team"), after, "row {row}");
        let renamed = matches!(what, Rename) && said == "ok";
        let title = groups.get(&id("team")).map(|group| group.title.clone());
        assert!(title.is_none_or(|title| title == if renamed { "Another" } else { "The team" }), "row {row}");
    }
}

#[tokio::test]
async fn an_owner_who_handed_over_may_leave() {
    let groups = node(Memory::new()).await;
    groups.create(&id("team"), "", &id("ann"), [id("bob")]).await.unwrap();
    groups.set_role(&id("ann"), &id("team"), &id("bob"), Role::Owner).await.unwrap();
    assert_eq!(groups.get(&id("team")).unwrap().owner, id("bob"));
    groups.remove(&id("ann"), &id("team"), &id("ann")).await.unwrap();
    assert_eq!(members(&groups, "team"), "bob=owner");
}

#[tokio::test]
async fn a_group_and_a_user_have_limits() {
    let limits = Limits { members: 3, groups_of_a_user: 2 };
    let groups = Groups::load_with(Memory::new(), limits).await.unwrap();
    let ann = id("ann");
    let three = ["b", "c", "d"].map(id);
    let full = GroupError::Full { limit: 3 };
    assert_eq!(groups.create(&id("one"), "", &ann, three.clone()).await, Err(full.clone()));
    groups.create(&id("one"), "", &ann, three[..2].to_vec()).await.unwrap();
    assert_eq!(groups.add(&ann, &id("one"), &id("d"), Role::Member).await, Err(full));
    groups.add(&ann, &id("one"), &id("b"), Role::Member).await.unwrap();

    groups.create(&id("two"), "", &ann, []).await.unwrap();
    let many = GroupError::TooManyGroups { limit: 2 };
    assert_eq!(groups.create(&id("three"), "", &ann, []).await, Err(many.clone()));
    groups.create(&id("three"), "", &id("eve"), []).await.unwrap();
    assert_eq!(groups.add(&id("eve"), &id("three"), &ann, Role::Member).await, Err(many));
    groups.delete(&ann, &id("two")).await.unwrap();
    groups.add(&id("eve"), &id("three"), &ann, Role::Member).await.unwrap();

    let long = "x".repeat(LONGEST_TITLE + 1);
    assert_eq!(groups.create(&id("four"), &long, &id("eve"), []).await.unwrap_err().code(), "bad_title");
    assert_eq!(groups.rename(&id("eve"), &id("three"), &long).await.unwrap_err().code(), "bad_title");
}

/// The largest group there can be, of the longest names, still fits a record.
#[tokio::test]
async fn the_largest_group_can_be_kept() {
    let limits = Limits { members: usize::MAX, ..Limits::default() };
    let store = Memory::new();
    let groups = Groups::load_with(store.clone(), limits).await.unwrap();
    let long = |number: usize| id(&format!("{number:064}"));
    let title = "x".repeat(LONGEST_TITLE);
    let most = keepline_server::groups::MOST_MEMBERS;
    let made = groups.create(&id("team"), &title, &long(0), (1..=most).map(long)).await;
    assert_eq!(made, Err(GroupError::Full { limit: most }));
    groups.create(&id("team"), &title, &long(0), (1..most).map(long)).await.unwrap();
    let again = Groups::load_with(store, limits).await.unwrap();
    assert_eq!(again.get(&id("team")).unwrap().members.len(), most);
}
