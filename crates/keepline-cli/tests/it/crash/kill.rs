//! E1: the server is killed, at the calls that matter most, and at random instants; and started again at once.

use std::thread::sleep;
use std::time::Duration;

use keepline_check::Expect;

use super::crowd::{Crowd, assert_green, seed};
use super::disk::{Folder, can_run};
use super::people::settle_in;
use super::serving::{Place, Serving, injecting};

/// The call at which each server is killed, and which one of its thread's it is: while the store is opened again and
/// mended, while it writes, syncs, and tells clients what it has done.
const ENDS: [(&str, u32); 20] = [
    ("pwrite64", 1),
    ("pwrite64", 25),
    ("fdatasync", 3),
    ("sendto", 40),
    ("pwrite64", 60),
    ("fdatasync", 9),
    ("sendto", 90),
    ("pwrite64", 101),
    ("fdatasync", 14),
    ("pwrite64", 142),
    ("sendto", 7),
    ("fdatasync", 21),
    ("pwrite64", 193),
    ("fdatasync", 30),
    ("sendto", 150),
    ("pwrite64", 244),
    ("fdatasync", 38),
    ("pwrite64", 305),
    ("sendto", 200),
    ("fdatasync", 50),
];

/// What a run with kills must contain, or it shows nothing.
fn with_faults() -> Expect {
    let mut expect = Expect::default();
    (expect.cut, expect.info, expect.redelivery) = (true, true, true);
    expect
}

#[test]
fn e1_a_server_killed_at_twenty_chosen_calls_loses_and_doubles_nothing() {
    if !can_run(&["strace"]) {
        return;
    }
    let (folder, place) = (Folder::new(), Place::new());
    let data = folder.path().join("data");
    settle_in(&data);
    let first = Serving::listening(place, &data, &[], &[]);
    let mut crowd = Crowd::gather(place.server);
    crowd.send(Duration::from_millis(5), seed());
    crowd.wait_for_acks(20);
    first.kill();
    let mut under_load = 0;
    for (call, which) in ENDS {
        let before = crowd.acked();
        let inject = format!("inject={call}:signal=KILL:when={which}");
        let serving = Serving::start(place, &data, &injecting(&format!("trace={call}"), &inject), &[]);
        let end = serving.end(Duration::from_secs(30));
        assert!(end.killed, "{call} {which}: {end:?}");
        let acked = crowd.acked() - before;
        println!("killed at {call} {which}: {end:?}, {acked} acknowledged");
        under_load += usize::from(acked > 0);
    }
    let _last = Serving::listening(place, &data, &[], &[]);
    assert_green("20 kills", &crowd.judge(with_faults()));
    assert!(under_load >= 12, "most kills came before a message: {under_load} of 20");
}

#[test]
#[ignore = "long: 200 kills"]
fn e1_a_server_killed_at_200_random_instants_loses_and_doubles_nothing() {
    let (folder, place) = (Folder::new(), Place::new());
    let data = folder.path().join("data");
    settle_in(&data);
    let mut serving = Serving::listening(place, &data, &[], &[]);
    let mut crowd = Crowd::gather(place.server);
    let mut random = seed();
    crowd.send(Duration::from_millis(2), random);
    let mut under_load = 0;
    for _ in 0..200 {
        let before = crowd.acked();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Every fourth while it starts: no wait for the word that it listens.
        if random >> 62 != 0 {
            serving.listens();
        }
        sleep(Duration::from_micros((random >> 33) % 400_000));
        serving.kill();
        under_load += usize::from(crowd.acked() > before);
        serving = Serving::start(place, &data, &[], &[]);
    }
    println!("200 kills, {under_load} of them behind an acknowledgement");
    assert_green("200 kills", &crowd.judge(with_faults()));
    assert!(under_load >= 50, "most kills came before a message: {under_load} of 200");
}
