//! Groups: who comes hears what is said from then on, who leaves hears no more.

use crate::stage::*;

const TEAM: &str = "g.team";

#[tokio::test(start_paused = true)]
async fn who_comes_hears_from_then_on_and_who_leaves_no_more() {
    let stage = Stage::new(&["ann", "bob", "eve"]).await;
    stage.group("team", &["ann", "bob"]).await;
    let (mut bob, mut eve) = (stage.login("bob", "phone").await, stage.login("eve", "phone").await);
    stage.say("ann", TEAM, "one").await.unwrap();
    assert_eq!(bob.delivery().await, deliver(TEAM, 1, "one"));
    bob.ack(TEAM, 1).await;
    let (ann, team, eves) = ("ann".parse().unwrap(), "team".parse().unwrap(), "eve".parse().unwrap());
    stage.groups.add(&ann, &team, &eves, keepline_server::groups::Role::Member).await.unwrap();
    stage.say("ann", TEAM, "two").await.unwrap();
    assert_eq!(bob.delivery().await, deliver(TEAM, 2, "two"));
    assert_eq!(eve.delivery().await, deliver(TEAM, 2, "two"), "and not what was said before she came");
    eve.ack(TEAM, 2).await;
    // A device of hers that was never there starts there too, and is told of no hole.
    let mut tablet = stage.login("eve", "tablet").await;
    assert_eq!(tablet.delivery().await, deliver(TEAM, 2, "two"));
    stage.groups.remove(&ann, &team, &eves).await.unwrap();
    until("she is out", || !stage.groups.get(&team).unwrap().members.contains_key(&eves)).await;
    stage.say("ann", TEAM, "three").await.unwrap();
    bob.ack(TEAM, 2).await;
    assert_eq!(bob.delivery().await, deliver(TEAM, 3, "three"));
    eve.hears_nothing().await;
    // What she still acknowledges changes nothing, and costs her nothing.
    tablet.ack(TEAM, 2).await;
    tablet.hears_nothing().await;
}
