//! Quota: row C6: a server that gets a small part of one core, under quiet clients and requests that take all there is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use keepline_witness::request;

use super::sessions::{End, all_are_there, log_in};
use crate::harness::{Cgroup, Controller, Host, Im, People, ms, user};

const SILENCE: Duration = ms(3000);
/// Clients that ask for what costs something, without a pause.
const ASKING: usize = 4;

/// So many quiet clients, with so many hundredths of a core, for so long.
#[track_caller]
fn starve(count: usize, percent: u32, time: Duration) {
    let Some(group) = Cgroup::open(Controller::Cpu) else { return };
    let (people, host) = (People::crowd(count, &[]), Host::here());
    let command = group.command(env!("CARGO_BIN_EXE_keepline"));
    let im = Im::start_by(command, &people, "--ping-after 1500ms --silence 3s --limits bench");
    let fleet = log_in(&im, &host, &people, count, ms(1200));
    group.limit_cpu(percent);
    let (throttled, begin) = (group.throttled(), Instant::now());
    let (over, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    let (http, token) = (im.server.http, people.token(&user(0)));
    thread::scope(|scope| {
        for _ in 0..ASKING {
            scope.spawn(|| {
                let host = Host::here();
                while !over.load(Relaxed) {
                    let token = token.to_owned();
                    let path = "/v1/users?prefix=u&limit=100";
                    // It may be refused, as in a drain; what counts is that it costs.
                    let asked = host.run(async move { request(http, "GET", path, Some(&token), None).await });
                    answers.fetch_add(u64::from(asked.is_ok()), Relaxed);
                }
            });
        }
        let _end = End(&over);
        thread::sleep(time);
    });
    let waited = group.throttled() - throttled;
    let periods = begin.elapsed().as_millis() / 100;
    // More than half of the time it had to wait for its next share.
    assert!(u128::from(waited) > periods / 2, "in {waited} of {periods} periods only it had too little");
    // Still starved: what was late is not judged.
    all_are_there(&im, &fleet, 0);
    group.limit_cpu(400);
    thread::sleep(SILENCE);
    all_are_there(&im, &fleet, 0);
    assert_eq!(im.metric(&host, "keepline_connections_closed_total", ""), 0, "{}", im.complaint());
    println!(
        "{count} lines with {percent} % of a core for {time:?}: false evictions 0; it waited in {waited} of {periods} periods, {} requests were answered",
        answers.load(Relaxed)
    );
    im.stop();
}

#[test]
fn c6_a_starved_server_evicts_nobody() {
    // So little that a ping is read a second and more after it came.
    starve(600, 1, ms(6000));
}

#[test]
#[ignore = "long: 5,000 lines for 30 s, and their logins"]
fn c6_a_starved_server_evicts_none_of_five_thousand() {
    starve(5000, 20, ms(30_000));
}
