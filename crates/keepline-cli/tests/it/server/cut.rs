//! Cut: rows A1 to A3: users whose network goes, and who say nothing about it.

use std::time::Instant;

use keepline_check::{Counter, Expect};
use keepline_witness::Acks;

use super::scene::{LIMIT, Scene};
use crate::harness::{CLIENT_PATIENCE, Net, PATIENCE, SCHEDULING, SLOT, ms};

fn with_cuts() -> Expect {
    let mut expect = Expect::default();
    expect.cut = true;
    expect
}

/// Everybody is cut off and evicted, comes back, and has everything once.
#[track_caller]
fn cut_and_heal(count: usize, acks: Acks, cut: fn(&Net), heal: fn(&Net)) -> Option<u64> {
    let mut scene = Scene::open(count, acks)?;
    cut(&scene.net);
    scene.evicts_everybody(Instant::now());
    heal(&scene.net);
    let report = scene.judge(with_cuts());
    assert!(report.count(Counter::Cuts) >= count as u64, "{report}");
    Some(report.count(Counter::DupRaw))
}

fn drop_both_ways(net: &Net) {
    net.near.deafen();
    net.near.gag();
}

#[test]
fn a1_a_hundred_cut_off_both_ways_are_evicted_in_time_and_get_everything_when_they_are_back() {
    cut_and_heal(100, Acks::Each, drop_both_ways, |net| net.near.heal());
}

#[test]
fn a1_a_hundred_whose_cable_is_out_are_evicted_in_time_and_get_everything_when_they_are_back() {
    cut_and_heal(100, Acks::Each, |net| net.near.unplug(), |net| net.near.plug_in());
}

/// Each acknowledges the fifth of five, and is cut off with two that it has and did not acknowledge: they come again,
/// and its application takes them once.
#[test]
fn a2_what_was_not_acknowledged_comes_again_and_is_taken_once() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Every(5)) else { return };
    scene.write(2);
    let remote = scene.remote.clone();
    scene.home.run(async move {
        for witness in remote {
            witness.until(|seen| seen.delivered == 7).await.expect("it has not ended");
        }
    });
    drop_both_ways(&scene.net);
    let since = Instant::now();
    scene.write(3);
    let (delivered, head) = scene.delivered();
    assert_eq!((delivered, head), (5 * USERS as u64, 10 * USERS as u64), "delivered is what was acknowledged");
    scene.im.evictions(USERS, LIMIT, since);
    scene.net.near.heal();
    let mut expect = with_cuts();
    expect.redelivery = true;
    let report = scene.judge(expect);
    assert!(report.count(Counter::DupRaw) >= 2 * USERS as u64, "{report}");
}

/// The server hears nothing, and so evicts; what it sends arrives until then, and is acknowledged in vain.
#[test]
fn a3_only_the_way_to_the_server_is_lost() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Each) else { return };
    scene.net.far.deafen();
    let since = Instant::now();
    scene.write(5);
    assert_eq!(scene.delivered().0, 5 * USERS as u64, "acknowledgements that did not come through");
    let took = scene.im.evictions(USERS, LIMIT, since);
    println!("only the way to the server lost: evicted after max {:?}", took[USERS - 1]);
    scene.net.far.heal();
    scene.judge(with_cuts());
}

/// The client hears nothing, and so leaves: after its quiet time and its patience. What it said meanwhile came through.
#[test]
fn a3_only_the_way_to_the_client_is_lost() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Each) else { return };
    let (ping_after, patience) = (ms(1000), CLIENT_PATIENCE);
    scene.net.near.deafen();
    let since = Instant::now();
    scene.write(5);
    assert_eq!(scene.delivered().0, 5 * USERS as u64, "nothing came through");
    let mut last = since;
    for _ in 0..USERS {
        let end = scene.im.session_end(LIMIT + PATIENCE);
        // Its FIN waits behind the data that, for all its kernel knows, has not arrived.
        let said = ["silent", "peer_closed", "reset"].iter().any(|reason| end.reason.starts_with(reason));
        assert!(said && (!end.reason.starts_with("silent") || end.silence >= LIMIT), "{end:?}");
        last = end.at;
    }
    let took = last - since;
    assert!(took < ping_after + patience + LIMIT + 2 * SLOT + SCHEDULING, "the last one left after {took:?}");
    println!("only the way to the client lost: all sessions ended after max {took:?}");
    scene.net.near.heal();
    scene.judge(with_cuts());
}
