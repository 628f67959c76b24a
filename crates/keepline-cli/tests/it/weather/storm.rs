//! Storm: row C2: what those who are in notice as hundreds of others log in at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keepline_check::{Counter, Expect, Op, Phase, Record};
use keepline_witness::{Witness, private};

use super::sessions::reaches;
use crate::harness::{Cast, Fleet, Host, Im, PATIENCE, People, hello, ms, user};

/// Those who talk, in pairs.
const TALKING: usize = 24;
/// Those who come.
const STORM: usize = 400;
/// How long is talked before they come, to compare with, and at the least after they began to.
const TALK: Duration = ms(2000);
/// From one message of each to his next.
const EVERY: Duration = ms(100);

struct Scene {
    im: Im,
    host: Host,
    people: People,
    cast: Cast,
    talking: Vec<Arc<Witness>>,
    convs: Vec<String>,
}

impl Scene {
    fn open() -> Self {
        let talkers: Vec<String> = (0..TALKING).map(|number| format!("t{number}")).collect();
        let names: Vec<&str> = talkers.iter().map(String::as_str).collect();
        let (people, host, mut cast) = (People::crowd(STORM, &names), Host::here(), Cast::new());
        let im = Im::start(None, &people, "--limits proxied --ping-after 5s --silence 10s");
        let enter = |name: &String| {
            let mut options = Cast::options(&im, &people, name);
            (options.in_flight, options.patience) = (256, PATIENCE);
            cast.enter(&host, options)
        };
        let talking: Vec<_> = talkers.iter().map(enter).collect();
        cast.up(&host, &talking);
        let convs: Vec<_> = (0..TALKING).map(|number| private(&talkers[number], &talkers[number ^ 1])).collect();
        for (conv, talker) in convs.iter().zip(&talkers) {
            cast.share(conv, [talker].iter());
        }
        Self { im, host, people, cast, talking, convs }
    }

    /// All talk until it is over, and for [`TALK`] at the least; how many messages they have sent.
    fn talk(&mut self, mut is_over: impl FnMut(&Self) -> bool) -> usize {
        let (mut rounds, begin) = (0, Instant::now());
        while !is_over(self) || begin.elapsed() < TALK {
            for (witness, conv) in self.talking.iter().zip(&self.convs) {
                self.cast.say_in(&self.host, witness, std::slice::from_ref(conv), 1, 100);
            }
            rounds += 1;
            // The pace of the conversation.
            thread::sleep(EVERY);
        }
        self.cast.stored(&self.host);
        rounds * TALKING
    }
}

/// How long each message waited for its acknowledgement, in the order in which they were sent.
fn waits(records: &[Record]) -> Vec<Duration> {
    let (mut sent, mut waits) = (HashMap::new(), Vec::new());
    for record in records.iter().filter(|record| record.op == Op::Send) {
        let Some(id) = record.id else { continue };
        match record.phase {
            Phase::Invoke if !sent.contains_key(&id) => {
                sent.insert(id, (record.mono, waits.len()));
                waits.push(Duration::ZERO);
            }
            Phase::Ok => {
                if let Some((at, place)) = sent.get(&id) {
                    waits[*place] = Duration::from_nanos(record.mono - at);
                }
            }
            _ => {}
        }
    }
    waits
}

/// How long they waited is printed; on a machine that others use too it says little about the server.
#[test]
fn c2_who_is_in_loses_nothing_while_hundreds_log_in_at_once() {
    let mut scene = Scene::open();
    let hellos: Vec<Vec<u8>> = (0..STORM).map(|number| hello(scene.people.token(&user(number)))).collect();
    let before = scene.talk(|_| true);
    let (server, begin) = (scene.im.server.tcp, Instant::now());
    let (storming, mut took) = (thread::spawn(move || Fleet::of_sessions(server, &hellos, ms(3000))), None);
    let meanwhile = scene.talk(|scene| {
        let live = scene.im.sessions(&scene.host);
        assert!(begin.elapsed() < PATIENCE, "{live} are in; {}", scene.im.complaint());
        took = took.or_else(|| (live == (TALKING + STORM) as u64).then(|| begin.elapsed()));
        took.is_some()
    });
    let fleet = storming.join().expect("all connect");
    let took = took.expect("all are in");
    reaches(&scene.im, &scene.host, "keepline_sessions", PATIENCE, |now| now == (TALKING + STORM) as u64);
    assert!(fleet.states().iter().all(|state| !state.lost), "one who came was lost; {}", scene.im.complaint());
    assert!(scene.talking.iter().all(|witness| witness.seen().logins == 1), "a line was lost");
    let Scene { im, host, people, cast, .. } = &scene;
    assert_eq!(im.metric(host, "keepline_connections_closed_total", ""), 0, "{}", im.complaint());
    let report = cast.judge(im, host, people, Expect::default());
    println!("{report}");
    assert_eq!(report.count(Counter::Cuts), 0, "{report}");
    let waits = waits(&cast.records());
    assert_eq!(waits.len(), before + meanwhile, "each message is sent once");
    let [alone, beside] = [&waits[..before], &waits[before..]].map(|waits| waits.iter().max().expect("some"));
    println!(
        "{STORM} logged in within {took:?} beside {TALKING} who talk: the longest wait of one of these for an \
         acknowledgement {beside:?}, and {alone:?} before; false evictions 0, lost 0"
    );
    scene.im.stop();
}
