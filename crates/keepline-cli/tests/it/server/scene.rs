//! Scene: a server with users at the other end of a cable, and others beside it who write to them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keepline_check::{Expect, Report};
use keepline_witness::{Acks, Application, Options, Witness};

use crate::harness::{Cast, Host, Im, Net, People, SCHEDULING, ms, user};

/// When clients ping, and when they are given up, in every scene.
pub(super) const LIMIT: Duration = ms(3000);
const TERMS: &str = "--ping-after 1s --silence 3s";

/// Users beside the server who write: more than one, as each may send no more than 100 messages at once.
const WRITERS: [&str; 4] = ["w0", "w1", "w2", "w3"];

/// A server in the far namespace, and users in the near one.
pub(super) struct Scene {
    pub(super) net: Net,
    pub(super) im: Im,
    /// In the server's namespace.
    pub(super) home: Host,
    /// At the other end of the cable.
    pub(super) abroad: Host,
    pub(super) people: People,
    pub(super) cast: Cast,
    pub(super) users: Vec<String>,
    pub(super) remote: Vec<Arc<Witness>>,
    /// What each user's device has: it outlives its witness.
    applications: HashMap<String, Application>,
    writers: Vec<Arc<Witness>>,
}

impl Scene {
    /// So many users, who acknowledge as told; all have the first messages, and nothing is under way.
    pub(super) fn open(count: usize, acks: Acks) -> Option<Self> {
        let net = Net::open()?;
        let people = People::crowd(count, &WRITERS);
        let im = Im::start(Some(&net.far), &people, TERMS);
        let (home, abroad) = (Host::of(&net.far), Host::of(&net.near));
        let users: Vec<String> = (0..count).map(user).collect();
        let mut scene = Self {
            net,
            im,
            home,
            abroad,
            people,
            cast: Cast::new(),
            users: users.clone(),
            remote: Vec::new(),
            applications: users.iter().map(|name| (name.clone(), Application::default())).collect(),
            writers: Vec::new(),
        };
        for name in WRITERS {
            let mut options = Cast::options(&scene.im, &scene.people, name);
            options.in_flight = 16;
            scene.writers.push(scene.cast.enter(&scene.home, options));
        }
        for name in &users {
            let mut options = scene.options(name);
            options.acks = acks;
            scene.remote.push(scene.cast.enter(&scene.abroad, options));
        }
        scene.cast.up(&scene.home, &scene.writers);
        scene.cast.up(&scene.home, &scene.remote);
        scene.write(5);
        scene.cast.settle(&scene.im, &scene.home, &scene.people, SCHEDULING * 10);
        Some(scene)
    }

    /// The options of a user abroad, with what his device has.
    pub(super) fn options(&self, name: &str) -> Options {
        let mut options = Cast::options(&self.im, &self.people, name);
        options.server = self.im.by_cable;
        options.application = self.applications[name].clone();
        options
    }

    /// Each user gets so many messages more; returns when all are stored.
    pub(super) fn write(&mut self, count: usize) {
        let share = self.users.len().div_ceil(self.writers.len());
        for (writer, users) in self.writers.clone().iter().zip(self.users.clone().chunks(share)) {
            self.cast.say(&self.home, writer, users, count);
        }
        self.cast.stored(&self.home);
    }

    /// Of all users the messages that their devices have acknowledged, and those that there are.
    #[track_caller]
    pub(super) fn delivered(&self) -> (u64, u64) {
        let mut sum = (0, 0);
        for name in &self.users {
            for (_, head, delivered) in self.im.marks(&self.home, self.people.token(name)) {
                sum = (sum.0 + delivered, sum.1 + head);
            }
        }
        sum
    }

    /// How many of the users are online.
    #[track_caller]
    pub(super) fn online(&self) -> usize {
        self.im.online(&self.home, self.people.token(WRITERS[0]), &self.users)
    }

    /// How many lines hold bytes that their peers have not taken.
    pub(super) fn half_open(&self) -> usize {
        self.net.far.unacknowledged(self.im.by_cable.port())
    }

    /// Messages are written to users who have been cut off at `since` and whom the server does not know to be: all are
    /// in its log, many in half-open sockets, and none counts as delivered. Then all users are evicted, in time, and
    /// are offline at once.
    #[track_caller]
    pub(super) fn evicts_everybody(&mut self, since: Instant) {
        let before = self.delivered();
        self.write(5);
        let half_open = self.half_open();
        assert!(half_open > 0, "nothing was written to a half-open socket: the test says nothing");
        assert_eq!(self.delivered().0, before.0, "what was only written counts as delivered");
        let count = self.users.len();
        let took = self.im.evictions(count, LIMIT, since);
        assert_eq!(self.online(), 0, "evicted and online");
        self.write(5);
        let after = self.delivered();
        assert_eq!(after.0, before.0, "what was only written counts as delivered");
        assert_eq!(after.1 - before.1, 10 * count as u64, "not all is stored");
        println!(
            "{count} cut off: evicted after p50 {:?}, max {:?}; {half_open} half-open lines were written to, false \
             \"delivered\" 0",
            took[count / 2],
            took[count - 1]
        );
    }

    /// The devices come back, each as a new process with what it had.
    pub(super) fn come_back(&mut self, resume: bool) {
        for name in self.users.clone() {
            let mut options = self.options(&name);
            options.resume = resume;
            let witness = self.cast.enter(&self.abroad, options);
            self.remote.push(witness);
        }
    }

    /// Waits until all are back and have everything, and has the run judged.
    #[track_caller]
    pub(super) fn judge(self, expect: Expect) -> Report {
        let report = self.cast.judge(&self.im, &self.home, &self.people, expect);
        println!("{report}");
        self.im.stop();
        report
    }
}
