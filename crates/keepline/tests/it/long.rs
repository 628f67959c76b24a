//! Hours of many lines in paused time: nobody is evicted, and the counts are those that the settings predict.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keepline::liveness::{Heartbeat, IdleKind};
use keepline::serve::Server;
use keepline::wire::echo::{Echo, Frame};
use keepline::{Beat, Driver, Duration, Flow, Handler, Observer, Report, Settings, Turn};
use tokio::io::duplex;

use crate::support::*;

const INTERVAL: Duration = secs(30);
const SILENCE: Duration = secs(75);

struct Quiet;

impl Handler for Quiet {
    type Codec = Echo;

    fn on_frame(&mut self, _: Frame<'_>, _: &mut Turn<'_, Echo>) -> Flow {
        Flow::Continue
    }
}

#[derive(Default)]
struct Counts {
    pings: AtomicUsize,
    pongs: AtomicUsize,
    ends: AtomicUsize,
}

impl Observer for Counts {
    fn on_beat(&self, _: keepline::LineId, beat: Beat) {
        match beat {
            Beat::PingSent => self.pings.fetch_add(1, Ordering::Relaxed),
            Beat::PongReceived(_) => self.pongs.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    fn on_close(&self, _: &Report) {
        self.ends.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs both ends of so many lines for so long.
async fn run(lines: usize, time: Duration) {
    let counts = Arc::new(Counts::default());
    let client = Heartbeat::builder().ping(IdleKind::All, INTERVAL).pong_within(secs(10)).spread_first_ping();
    let mut client = Settings::new(client.build().unwrap());
    let mut server = Settings::new(Heartbeat::watch(SILENCE).unwrap());
    client.observer = Some(Arc::clone(&counts) as _);
    server.observer = Some(Arc::clone(&counts) as _);
    for _ in 0..lines {
        let (ours, theirs) = duplex(16);
        drop(tokio::spawn(Driver::standalone(ours, Quiet, Echo::strict(), client.clone())));
        drop(tokio::spawn(Driver::standalone(theirs, Quiet, Echo::strict(), server.clone())));
    }
    // A server without lines: its handle looks into the wheel that all lines of the runtime share.
    let wheel = Server::bind("127.0.0.1:0".parse().unwrap(), unwatched()).unwrap().handle();
    tokio::time::sleep(time.to_std()).await;

    assert_eq!(counts.ends.load(Ordering::Relaxed), 0, "false evictions");
    let pings = counts.pings.load(Ordering::Relaxed);
    // Each gap is the interval, rounded up to a slot; the first may be half of it.
    let least = time.as_nanos() / (INTERVAL + SLOT).as_nanos();
    let most = time.as_nanos() / INTERVAL.as_nanos() + 1;
    let predicted = least as usize * lines..=most as usize * lines;
    assert!(predicted.contains(&pings), "{pings} pings, not within {predicted:?}");
    let unanswered = pings - counts.pongs.load(Ordering::Relaxed);
    assert_eq!(unanswered, 0, "the clock stands still while somebody has something to do");
    let limits = |limit: Duration| time.as_nanos().div_ceil(limit.as_nanos());
    let bound = 2 * (limits(INTERVAL) + limits(SILENCE)) * lines as u64;
    assert!(wheel.wheel_checks() <= bound, "{} checks, {bound} allowed", wheel.wheel_checks());
}

#[tokio::test(start_paused = true)]
async fn a_hundred_lines_for_a_day() {
    run(100, secs(24 * 3600)).await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_lines_for_an_hour() {
    run(10_000, secs(3600)).await;
}
