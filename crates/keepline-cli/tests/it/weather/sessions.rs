//! Sessions: many quiet clients of a server, and the look that none of them was given up.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Fleet, Host, Im, PATIENCE, People, hello, ms, user};

/// Ten times what is waited for anything else: thousands of logins, on a slow machine or a starved server.
const LOGINS: Duration = ms(300_000);

/// Tells the threads of a test to end, also where it fails.
pub(super) struct End<'a>(pub(super) &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Logs so many of the crowd in, and waits until all are.
#[track_caller]
pub(super) fn log_in(im: &Im, host: &Host, people: &People, count: usize, every: Duration) -> Fleet {
    let hellos: Vec<Vec<u8>> = (0..count).map(|number| hello(people.token(&user(number)))).collect();
    let fleet = Fleet::of_sessions(im.server.tcp, &hellos, every);
    reaches(im, host, "keepline_sessions", LOGINS, |now| now >= count as u64);
    fleet
}

/// Waits until a metric is as it should be.
#[track_caller]
pub(super) fn reaches(im: &Im, host: &Host, name: &str, within: Duration, fits: impl Fn(u64) -> bool) {
    let by = Instant::now() + within;
    loop {
        let now = im.metric(host, name, "");
        if fits(now) {
            return;
        }
        assert!(Instant::now() < by, "{name} is {now}; {}", im.complaint());
        thread::sleep(ms(50));
    }
}

/// All hear from the server again from here on, and all but so many have their lines still.
#[track_caller]
pub(super) fn all_are_there(im: &Im, fleet: &Fleet, lost: usize) {
    let before = fleet.states();
    let by = Instant::now() + PATIENCE * 2;
    loop {
        let now = fleet.states();
        let gone = now.iter().filter(|state| state.lost).count();
        assert!(gone <= lost, "{gone} of {} have lost their lines; {}", now.len(), im.complaint());
        let deaf = now.iter().zip(&before).filter(|(now, before)| !now.lost && now.heard <= before.heard).count();
        if deaf == 0 {
            return;
        }
        assert!(Instant::now() < by, "{deaf} of {} hear nothing; {}", now.len(), im.complaint());
        thread::sleep(ms(50));
    }
}
