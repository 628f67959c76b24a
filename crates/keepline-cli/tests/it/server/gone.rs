//! Gone: rows A5 and A6: clients that die unheard, and a server's host that goes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use keepline_check::Expect;
use keepline_witness::{Acks, Line};

use super::scene::{LIMIT, Scene};
use crate::harness::{CLIENT_PATIENCE, SCHEDULING, SLOT, ms};

/// The packets that would say that a client has died are lost. It is evicted by its silence, and the device that comes
/// back has what its application lacks.
#[test]
fn a5_clients_whose_death_nobody_hears_of_are_evicted_in_time() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Each) else { return };
    scene.net.near.hide_ends();
    let since = Instant::now();
    scene.remote.drain(..).for_each(|witness| scene.cast.kill(witness));
    scene.evicts_everybody(since);
    scene.net.near.heal();
    scene.come_back(false);
    scene.judge(Expect::default());
}

/// The clients leave in time by themselves, and are back once the host is.
#[test]
fn a6_a_host_that_goes_and_comes_back_at_its_address() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Each) else { return };
    scene.net.far.unplug();
    let since = Instant::now();
    scene.everybody_leaves(since);
    scene.write(5);
    scene.net.far.plug_in();
    let back = Instant::now();
    scene.cast.up(&scene.home, &scene.remote.clone());
    println!("all back {:?} after the host", back.elapsed());
    let mut expect = Expect::default();
    expect.cut = true;
    scene.judge(expect);
}

/// As above, but the host has another address then: the devices go there with what they have, and say so.
#[test]
fn a6_a_host_that_goes_and_comes_back_at_another_address() {
    const USERS: usize = 20;
    let Some(mut scene) = Scene::open(USERS, Acks::Each) else { return };
    scene.net.far.unplug();
    let since = Instant::now();
    scene.everybody_leaves(since);
    scene.write(5);
    let port = scene.im.by_cable.port();
    scene.remote.drain(..).for_each(|witness| scene.cast.kill(witness));
    scene.net.far.move_to(Ipv4Addr::new(10, 99, 1, 3));
    scene.net.far.plug_in();
    scene.im.by_cable = SocketAddr::from((scene.net.far.address, port));
    scene.come_back(true);
    scene.judge(Expect::default());
}

impl Scene {
    /// Each client notices within its own limits that the server is gone; the server then evicts whom it does not hear.
    #[track_caller]
    fn everybody_leaves(&mut self, since: Instant) {
        let (ping_after, patience) = (ms(1000), CLIENT_PATIENCE);
        let remote = self.remote.clone();
        let left = self.home.run(async move {
            for witness in &remote {
                witness.until(|seen| seen.line == Line::Down).await.expect("it comes back");
            }
            Instant::now()
        });
        let took = left.saturating_duration_since(since);
        assert!(took < ping_after + patience + 2 * SLOT + SCHEDULING, "left after {took:?}");
        self.im.evictions(self.users.len(), LIMIT, since);
        println!("a host that is gone: left after max {took:?}");
    }
}
