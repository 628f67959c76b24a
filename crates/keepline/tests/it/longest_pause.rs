//! Lines that stay paused for too long, and may have lost their peer meanwhile.

use std::sync::{Arc, Mutex};

use keepline::{Duration, Flow, Reason, Settings};

use crate::support::*;

fn bounded(longest: Duration) -> Settings {
    let mut settings = watched();
    settings.longest_pause = Some(longest);
    settings.answers_in_flight = 1;
    settings.outbox.high_water = 64;
    settings.outbox.age = Duration::MAX;
    settings
}

/// Owes an answer for ever.
fn owing() -> Witness {
    let owed = Arc::new(Mutex::new(Vec::new()));
    Witness::new(move |_, turn| {
        owed.lock().unwrap().extend(turn.defer());
        Flow::Continue
    })
}

#[tokio::test(start_paused = true)]
async fn a_pause_over_the_limit_ends_the_line_with_the_reason_of_who_kept_it() {
    let table: [(fn() -> Witness, Reason); 3] = [
        (|| Witness::new(|_, _| Flow::Pause), Reason::ServerError),
        (owing, Reason::ServerError),
        (Witness::mirror, Reason::SlowConsumer),
    ];
    for (witness, reason) in table {
        let (mut peer, line) = line(witness(), bounded(secs(30)), 512);
        tokio::time::sleep(secs(3).to_std()).await;
        // Three requests, and more than the pipe holds of their answers.
        peer.send(&frame(&[7; 295]).repeat(3)).await;
        let paused = line.opened.elapsed();
        let connection = line.connection.clone();
        tokio::time::sleep(millis(29_900).to_std()).await;
        assert!(!connection.is_ended(), "{reason} too early");
        // A peer that has gone: nobody reads, so nobody knows. Where something waits for it, a write would tell.
        let _slow = (reason == Reason::SlowConsumer).then_some(peer);
        let (report, took) = line.end().await;
        assert_eq!(report.reason, reason);
        assert!(is_on_time(took, secs(30) + paused.into()), "{reason} after {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_pause_has_the_whole_limit_and_a_line_that_reads_has_none() {
    let (mut peer, line) = line(Witness::new(|_, _| Flow::Pause), bounded(secs(30)), 4096);
    let connection = line.connection.clone();
    for _ in 0..3 {
        peer.send(&frame(b"request")).await;
        tokio::time::sleep(secs(29).to_std()).await;
        connection.resume();
        for _ in 0..8 {
            peer.settle().await;
            tokio::time::sleep(secs(5).to_std()).await;
        }
    }
    assert!(!line.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn another_reason_to_pause_does_not_begin_the_limit_anew() {
    let mut witness = Witness::woken(|_| Flow::Pause);
    witness.on_open = Flow::Pause;
    let (peer, line) = line(witness, bounded(secs(30)), 4096);
    tokio::time::sleep(secs(20).to_std()).await;
    line.connection.wake();
    tokio::time::sleep(secs(1).to_std()).await;
    drop(peer);
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::ServerError);
    assert!(is_on_time(took, secs(30)), "after {took}");
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_our_own_gives_the_pause_its_time_anew() {
    let mut witness = Witness::mirror();
    witness.on_open = Flow::Pause;
    let (peer, line) = line(witness, bounded(secs(30)), 4096);
    tokio::time::sleep(secs(1).to_std()).await;
    // The clock leaps without a turn of the wheel, as when the process was stopped.
    tokio::time::advance(secs(60).to_std()).await;
    tokio::time::sleep(secs(29).to_std()).await;
    assert!(!line.task.is_finished());
    drop(peer);
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::ServerError);
    assert!(is_on_time(took, secs(91)), "after {took}");
}
