//! Stopped: row A4: processes that stand still behind a kernel that answers for them.

use std::time::Instant;

use keepline_check::{Counter, Expect};
use keepline_witness::{Acks, Line};
use rustix::process::Signal;

use super::scene::{LIMIT, Scene};
use crate::harness::{CLIENT_PATIENCE, PATIENCE, SCHEDULING, SLOT, ms};

#[test]
fn a4_clients_that_stand_still_are_evicted_and_catch_up_once_they_go_on() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Each) else { return };
    let stopped = scene.abroad.stop();
    // Their kernels take everything: only the heartbeat can tell.
    scene.evicts_stopped(Instant::now());
    let goes_on = Instant::now();
    drop(stopped);
    scene.cast.up(&scene.home, &scene.remote.clone());
    scene.cast.settle(&scene.im, &scene.home, &scene.people, PATIENCE);
    println!("caught up {:?} after they went on", goes_on.elapsed());
    let report = scene.judge(Expect::default());
    assert_eq!(report.count(Counter::Cuts), USERS as u64, "each learned that its session had ended: {report}");
}

impl Scene {
    /// As [`evicts_everybody`](Scene::evicts_everybody), but what is written leaves the server.
    #[track_caller]
    fn evicts_stopped(&mut self, since: Instant) {
        let before = self.delivered().0;
        self.write(5);
        assert_eq!(self.delivered().0, before, "what only a kernel has counts as delivered");
        let took = self.im.evictions(self.users.len(), LIMIT, since);
        assert_eq!(self.online(), 0, "evicted and online");
        self.write(5);
        println!("{} that stand still: evicted after max {:?}", took.len(), took[took.len() - 1]);
    }
}

/// A stopped server is left by its clients within their own limits. When it goes on it evicts nobody who is there:
/// those who have left come back, and what was sent meanwhile is stored once.
#[test]
fn a4_a_server_that_stands_still_is_left_and_found_again() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Each) else { return };
    let (ping_after, patience) = (ms(1000), CLIENT_PATIENCE);
    let since = scene.im.signal(Signal::STOP);
    let remote = scene.remote.clone();
    let left = scene.home.run(async move {
        for witness in &remote {
            witness.until(|seen| seen.line == Line::Down).await.expect("it comes back");
        }
        Instant::now()
    });
    let took = left.saturating_duration_since(since);
    assert!(took < ping_after + patience + 2 * SLOT + SCHEDULING, "left after {took:?}");
    let goes_on = scene.im.signal(Signal::CONT);
    scene.cast.up(&scene.home, &scene.remote.clone());
    println!("a stopped server: left after max {took:?}, all back {:?} after it went on", goes_on.elapsed());
    scene.write(5);
    let mut expect = Expect::default();
    expect.cut = true;
    scene.judge(expect);
}
