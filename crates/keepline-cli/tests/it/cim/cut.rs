//! Cut: cim's clients behind a network that loses everything, which neither end is told of.

use std::thread;
use std::time::{Duration, Instant};

use super::peer::Peer;
use super::server::Server;
use super::user::DIALECTS;
use super::user::Way::Stored;
use crate::harness::{Java, Net, PATIENCE, ms};

/// When cim's clients are taken for dead: cim looks every 11 s whether 30 s have gone by.
const EVICTION: Duration = ms(33_000);

#[test]
fn what_was_written_into_a_dead_line_was_not_delivered() {
    let Some(java) = Java::open() else { return };
    let Some(net) = Net::open() else { return };
    let server = Server::start_in(&net.far);
    let mut here = Peer::start_in(Some(&net.far), &java, &server, "--seed 1");
    let mut there = Peer::start_in(Some(&net.near), &java, &server, "--fetch-after-ms 200 --seed 1");
    let one = here.enter("crossover", DIALECTS[0]);
    let mut receivers = Vec::new();
    let mut heard = Instant::now();
    for (name, dialect) in ["zs", "cj"].into_iter().zip(DIALECTS) {
        let user = there.enter(name, dialect);
        heard = Instant::now();
        there.wait_for_fetch(&user);
        receivers.push(user);
    }
    net.far.deafen();
    net.far.gag();
    let cut = Instant::now();
    // The kernel takes each of them, and the server is none the wiser.
    for text in ["1", "2", "3"] {
        receivers.iter().for_each(|user| here.p2p(&one, user, text, "9000"));
    }
    while here.online(&one, "get").len() > 1 {
        assert!(cut.elapsed() < EVICTION + PATIENCE, "nobody is evicted");
        thread::sleep(ms(250));
    }
    // The last ping of the second came after this stamp.
    assert!(heard.elapsed() >= EVICTION, "evicted after {:?}", heard.elapsed());
    println!("evicted {:?} after the cut", cut.elapsed());
    receivers.iter().for_each(|user| here.p2p(&one, user, "4", "7000"));
    there.kill();
    net.far.heal();
    let mut there = Peer::start_in(Some(&net.near), &java, &server, "--fetch-after-ms 200 --seed 1");
    for user in &receivers {
        let user = &there.again(user);
        there.login(user);
        for text in ["1", "2", "3", "4"] {
            there.expect(user, &one, text, Stored);
        }
        there.wait_for_fetch(user);
    }
    there.finish();
    here.finish();
}
