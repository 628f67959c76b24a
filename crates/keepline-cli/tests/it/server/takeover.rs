//! Takeover: row D1: a device logs in again while it is logged in.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use keepline_check::{Counter, Expect, Report};
use keepline_witness::{Application, Line, Witness};

use crate::harness::{Cast, Host, Im, PATIENCE, People, ms};

const CONVERSATION: &str = "p.ann.bob";

/// One device that is taken over again and again, and somebody who writes to its user.
struct Device {
    im: Im,
    people: People,
    home: Host,
    cast: Cast,
    application: Application,
    writer: Arc<Witness>,
    logins: u64,
}

impl Device {
    #[track_caller]
    fn open() -> Self {
        let people = People::crowd(0, &["ann", "bob"]);
        let (im, home, mut cast) = (Im::start(None, &people, ""), Host::here(), Cast::new());
        let mut options = Cast::options(&im, &people, "bob");
        options.in_flight = 16;
        let writer = cast.enter(&home, options);
        cast.up(&home, std::slice::from_ref(&writer));
        Self { im, people, home, cast, application: Application::default(), writer, logins: 0 }
    }

    /// Another process of the same device, with the same disk.
    fn log_in(&mut self) -> Arc<Witness> {
        let mut options = Cast::options(&self.im, &self.people, "ann");
        options.application = self.application.clone();
        options.patience = PATIENCE;
        // No two of them may choose the same message ids.
        self.logins += 1;
        options.seed = self.logins;
        self.cast.enter(&self.home, options)
    }

    #[track_caller]
    fn write(&mut self, from: &Arc<Witness>) {
        let to = if from.user() == "ann" { "bob" } else { "ann" };
        self.cast.say(&self.home, from, &[to.to_owned()], 1);
    }

    #[track_caller]
    fn judge(self) -> Report {
        let report = self.cast.judge(&self.im, &self.home, &self.people, Expect::default());
        println!("{report}");
        assert_eq!(report.count(Counter::Zombie), 0, "{report}");
        self.im.stop();
        report
    }
}

/// Each login ends the one before: it is told so, or hears nothing any more if it stands still. Both send all the while;
/// what the older one is told after that counts against the server.
#[track_caller]
fn takeovers(count: usize) {
    let mut device = Device::open();
    let mut old = device.log_in();
    device.cast.up(&device.home, std::slice::from_ref(&old));
    let begin = Instant::now();
    for round in 0..count {
        let frozen = round % 2 == 1;
        if frozen {
            let old = Arc::clone(&old);
            device.home.run(async move { old.freeze().await });
        }
        if round % 10 < 2 {
            let writer = Arc::clone(&device.writer);
            device.write(&writer);
        }
        device.write(&old);
        // Two of three are overtaken with their message under way.
        if round % 3 == 0 && !frozen {
            device.cast.stored(&device.home);
        }
        let new = device.log_in();
        device.cast.up(&device.home, std::slice::from_ref(&new));
        if !frozen {
            let old = Arc::clone(&old);
            let ended = device.home.run(async move { old.until(|_| false).await });
            assert_eq!(ended.expect_err("it has ended").reason, "replaced");
        }
        device.cast.kill(std::mem::replace(&mut old, new));
    }
    println!("{count} takeovers in {:?}", begin.elapsed());
    assert_eq!(device.im.sessions(&device.home), 2);
    let report = device.judge();
    assert!(report.count(Counter::Cuts) == 0, "{report}");
}

#[test]
fn d1_a_device_that_logs_in_a_thousand_times_has_one_session_and_loses_nothing() {
    takeovers(1000);
}

/// Fifty at once: one is left, the others are told, and nothing is lost or taken twice.
#[test]
fn d1_of_fifty_logins_at_once_one_is_left() {
    let mut device = Device::open();
    for _ in 0..4 {
        let writer = Arc::clone(&device.writer);
        device.write(&writer);
        let all: Vec<Arc<Witness>> = (0..50).map(|_| device.log_in()).collect();
        for witness in all.clone() {
            // It may have been replaced already.
            device.home.run(async move { drop(witness.submit(CONVERSATION, b"from one of fifty").await) });
        }
        device.write(&writer);
        let by = Instant::now() + PATIENCE;
        let count = |is: fn(&Line) -> bool| all.iter().filter(|witness| is(&witness.seen().line)).count();
        while count(|line| *line == Line::Ended("replaced".into())) < 49
            || count(|line| matches!(line, Line::Up { .. })) < 1
        {
            let lines: Vec<Line> = all.iter().map(|witness| witness.seen().line).collect();
            assert!(Instant::now() < by, "not one is left: {lines:?}");
            thread::sleep(ms(5));
        }
        assert_eq!(device.im.sessions(&device.home), 2);
    }
    // Every send of one that was replaced has been settled, or the checker reads the store too early.
    device.cast.stored(&device.home);
    device.judge();
}
