//! Open: a group into which whoever knows its name goes by himself.

use keepline_server::groups::{GroupError, Groups, Limits, Role};
use keepline_server::id::{GroupId, UserId};
use keepline_server::store::memory::Memory;

use super::members;
use crate::support::id;

#[tokio::test]
async fn an_open_group_takes_who_knows_its_name_and_a_closed_one_tells_him_nothing() {
    let store = Memory::new();
    let limits = Limits { members: 3, groups_of_a_user: 2 };
    let groups = Groups::load_with(store.clone(), limits).await.unwrap();
    let (ann, bob, team): (UserId, UserId, GroupId) = (id("ann"), id("bob"), id("team"));
    let join = async |groups: &Groups, user: &str| groups.join(&id(user), &team).await;
    assert_eq!(join(&groups, "eve").await, Err(GroupError::NotFound), "there is none");
    groups.create(&team, "", &ann, [bob.clone()]).await.unwrap();
    assert_eq!(join(&groups, "eve").await, Err(GroupError::NotFound), "the same words");
    assert_eq!(groups.set_open(&bob, &team, true).await.unwrap_err().code(), "not_allowed");
    assert_eq!(groups.set_open(&id("eve"), &team, true).await, Err(GroupError::NotFound));
    groups.set_open(&ann, &team, true).await.unwrap();

    // Another process on the same store knows it too.
    let again = Groups::load_with(store, limits).await.unwrap();
    assert!(again.get(&team).unwrap().open);
    join(&again, "eve").await.unwrap();
    join(&again, "eve").await.unwrap();
    assert_eq!(members(&again, "team"), "ann=owner bob=member eve=member");
    assert_eq!(join(&again, "dan").await, Err(GroupError::Full { limit: 3 }));
    again.set_role(&ann, &team, &bob, Role::Admin).await.unwrap();
    again.set_open(&bob, &team, false).await.unwrap();
    assert_eq!(members(&again, "team"), "ann=owner bob=admin eve=member", "who is in stays");
    again.remove(&id("eve"), &team, &id("eve")).await.unwrap();
    assert_eq!(join(&again, "eve").await, Err(GroupError::NotFound));

    again.set_open(&ann, &team, true).await.unwrap();
    again.delete(&ann, &team).await.unwrap();
    assert_eq!(join(&again, "eve").await, Err(GroupError::NotFound), "what is deleted is closed");
    assert_eq!(members(&again, "team"), "-");
}
