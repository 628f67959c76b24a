//! Storm: lines that are cut, servers that are killed, sends and acknowledgements in any order, from a seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepline::im::{Chat, Event, Events, Kind};
use tokio::task::JoinHandle;

use super::house::*;

const STEPS: u64 = 150;

/// The dice of one storm: SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What a device was given, by conversation, in the order in which it came.
type Got = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// A device, and what it is given.
struct Device {
    chat: Chat,
    got: Got,
    reader: JoinHandle<u64>,
}

/// Takes everything, is done with each third, and counts the lines that ended.
async fn read(chat: Chat, mut events: Events, got: Got) -> u64 {
    let mut downs = 0;
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) => {
                let mut got = got.lock().unwrap();
                let said = got.entry(message.conversation.to_string()).or_default();
                said.push(message.text().into_owned());
                assert_eq!(said.len() as u64, message.seq, "of {}", message.conversation);
                if message.seq % 3 == 0 {
                    chat.done(&message.mark());
                }
            }
            Event::Down { .. } => downs += 1,
            Event::Gap(_) | Event::Reset(_) | Event::Refused { .. } => panic!("{event:?}"),
            _ => {}
        }
    }
    downs
}

async fn device(house: &House, user: &str, name: &str, seed: u64) -> Device {
    let mut options = house.options(user, name).await;
    options.seed = Some(seed);
    let (chat, events) = house.chat_with(options);
    let got = Got::default();
    let reader = tokio::spawn(read(chat.clone(), events, Arc::clone(&got)));
    Device { chat, got, reader }
}

/// One storm; how many lines ended.
async fn storm(seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let mut house = House::new().await;
    let mut devices = Vec::new();
    for (user, name) in [("ann", "phone"), ("ann", "desk"), ("ben", "phone")] {
        devices.push(device(&house, user, name, dice.below(1 << 40)).await);
    }
    let mut sendings = Vec::new();
    for step in 0..STEPS {
        match dice.below(12) {
            0 => house.net.cut(),
            1 => {
                let store = house.kill();
                tokio::time::sleep(Duration::from_millis(dice.below(5000))).await;
                house.start(store).await;
            }
            2 => {
                let (to_server, to_client) = (dice.below(2000) as usize, dice.below(2000) as usize);
                house.net.breaks([Break { to_server, to_client }]);
            }
            3..6 => tokio::time::sleep(Duration::from_millis(dice.below(1000))).await,
            _ => {
                let chat = &devices[dice.below(3) as usize].chat;
                let conversation = [TALK, "all"][dice.below(2) as usize];
                sendings.push(chat.send(conversation, Kind::Text, step.to_string()).unwrap());
            }
        }
    }
    for sending in sendings {
        stored(sending).await;
    }
    let mut downs = 0;
    for Device { chat, got, reader } in devices {
        for conversation in [TALK, "all"] {
            let said = house.said(conversation).await;
            let mut once = said.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), said.len(), "each is stored once: {said:?}");
            let all = || got.lock().unwrap().get(conversation).map_or(0, Vec::len) == said.len();
            let waiting = async {
                while !all() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let waited = tokio::time::timeout(Duration::from_secs(300), waiting).await;
            assert!(waited.is_ok(), "{:?} instead of {said:?}", got.lock().unwrap().get(conversation));
            assert_eq!(got.lock().unwrap().get(conversation).cloned().unwrap_or_default(), said);
        }
        chat.close().await;
        downs += reader.await.unwrap();
    }
    downs
}

#[tokio::test(start_paused = true)]
async fn through_cuts_and_kills_everything_is_stored_once_and_comes_once() {
    let first = std::env::var("KEEPLINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count = if std::env::var("KEEPLINE_LONG").is_ok_and(|long| long == "1") { 400 } else { 12 };
    let mut downs = 0;
    for seed in first..first + count {
        println!("seed {seed}");
        downs += storm(seed).await;
    }
    // A storm without wind would show nothing.
    assert!(downs > count * 10, "{downs} lines ended");
}
