//! Storm: seeded interleavings of sends, acknowledgements, cuts, logins, resumes, trims and a store in bad moods; at the
//! end each device has each message of its conversations once, in order, or was told that it is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use keepline_server::groups::Role;
use tokio::sync::watch;

use crate::stage::*;

mod device;
mod dice;

use device::{Device, Phase};
use dice::Dice;

const USERS: [&str; 4] = ["ann", "bob", "carl", "dora"];
/// In the group from the start; dora comes in the middle.
const FOUNDERS: [&str; 3] = ["ann", "bob", "carl"];
const CONVERSATIONS: [&str; 5] = ["p.ann.bob", "p.bob.carl", "p.ann.ann", "g.team", "all"];
const MESSAGES: usize = 120;

/// Who may send into a conversation, and gets what is said there.
fn members(conversation: &str) -> &'static [&'static str] {
    match conversation {
        "p.ann.bob" => &["ann", "bob"],
        "p.bob.carl" => &["bob", "carl"],
        "p.ann.ann" => &["ann"],
        "g.team" => &FOUNDERS,
        _ => &USERS,
    }
}

#[tokio::test(start_paused = true)]
async fn every_device_has_everything_once_and_in_order() {
    let first = std::env::var("KEEPLINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count = if std::env::var("KEEPLINE_LONG").is_ok_and(|long| long == "1") { 400 } else { 12 };
    let mut seen = device::Seen::default();
    for seed in first..first + count {
        println!("seed {seed}");
        seen += storm(seed).await;
    }
    // A run in which nothing went wrong would show nothing.
    let happened = [seen.cuts, seen.again, seen.gaps, seen.resets, seen.rollbacks];
    assert!(happened.iter().all(|count| *count > 0), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_device_has_everything_with_real_threads() {
    for seed in 1000..1004 {
        println!("seed {seed}");
        let _ = storm(seed).await;
    }
}

async fn storm(seed: u64) -> device::Seen {
    let mut dice = Dice::new(seed);
    // A feed of so few records that the fan-out falls behind it now and then.
    let store = Moody::new(4 + dice.below(30));
    let stage = Arc::new(Stage::set(Setting { store: Arc::new(store.clone()), ..Setting::default() }, &USERS).await);
    stage.group("team", &FOUNDERS).await;
    let (phase, phases) = watch::channel(Phase::Storm);
    let devices: Vec<_> = USERS
        .iter()
        .flat_map(|user| ["phone", "tablet"].map(|name| (*user, name)))
        .map(|(user, name)| {
            let device = Device::new(Arc::clone(&stage), user, name, dice.fork(), phases.clone());
            tokio::spawn(device.run())
        })
        .collect();
    let senders: Vec<_> =
        CONVERSATIONS.map(|conversation| tokio::spawn(send(Arc::clone(&stage), conversation, dice.fork()))).into();
    let since = trouble(&stage, &store, &mut dice, || senders.iter().all(|sender| sender.is_finished())).await;
    for sender in senders {
        sender.await.unwrap();
    }
    store.lose_each.store(0, Ordering::Relaxed);
    store.bad_reads.store(0, Ordering::Relaxed);
    // A record that the feed has lost is missed when the next one comes.
    let mut heads = BTreeMap::new();
    for conversation in CONVERSATIONS {
        let receipt = stage.say(members(conversation)[0], conversation, &format!("{conversation} last")).await.unwrap();
        heads.insert(conversation, receipt.seq);
    }
    phase.send_replace(Phase::Calm(Arc::new(heads.clone())));
    let mut seen = device::Seen::default();
    for device in devices {
        let device = tokio::time::timeout(Duration::from_secs(300), device).await;
        let device = device.unwrap_or_else(|_| panic!("seed {seed}: a device never had everything")).unwrap();
        device.assert_complete(seed, &heads, since);
        seen += device.seen;
    }
    seen
}

/// Sends into one conversation, as its members in turn.
async fn send(stage: Arc<Stage>, conversation: &'static str, mut dice: Dice) {
    for i in 0..MESSAGES {
        let members = members(conversation);
        let text = format!("{conversation} {i}");
        while stage.say(members[dice.below(members.len())], conversation, &text).await.is_err() {}
        dice.rest(6).await;
    }
}

/// Puts the store into moods while the messages are sent, takes what is old away, and has dora join; behind which
/// number of the group she came.
async fn trouble(stage: &Stage, store: &Moody, dice: &mut Dice, is_over: impl Fn() -> bool) -> u64 {
    let mut since = None;
    while !is_over() {
        match dice.below(10) {
            0 => store.lose_each.store(3 + dice.below(5), Ordering::Relaxed),
            1 => store.lose_each.store(0, Ordering::Relaxed),
            2 => store.bad_reads.store(dice.below(6), Ordering::Relaxed),
            3 => store.unknown.store(dice.below(3), Ordering::Relaxed),
            4 => {
                let log = stage.log(CONVERSATIONS[dice.below(CONVERSATIONS.len())]);
                let head = stage.store.head(&log).await.unwrap().seq;
                stage.store.trim(&log, head.saturating_sub(dice.below(60) as u64)).await.unwrap();
            }
            5 if since.is_none() => since = Some(join(stage).await),
            _ => {}
        }
        dice.rest(40).await;
    }
    match since {
        Some(since) => since,
        None => join(stage).await,
    }
}

async fn join(stage: &Stage) -> u64 {
    let (ann, team, dora) = ("ann".parse().unwrap(), "team".parse().unwrap(), "dora".parse().unwrap());
    stage.groups.add(&ann, &team, &dora, Role::Member).await.unwrap();
    stage.groups.get(&team).unwrap().members[&dora].since
}
