//! Sabotage: servers that break a promise on purpose. The checker must turn red for each, by the counter that names the
//! promise; and green for the same run on a server that keeps it, or red would say nothing.

use std::sync::Arc;
use std::time::Duration;

use keepline_check::{Counter, Expect, Report, Verdict, check_files};
use keepline_server::store::Store;
use keepline_server::store::memory::Memory;
use keepline_witness::{History, Options, Witness, private};
use tokio::time::timeout;

use super::crowd::{Crowd, assert_green, runtime, seed};
use super::disk::Folder;
use super::inside::Inside;
use super::people::PASSWORD;
use super::saboteur::Saboteur;
use super::serving::Place;

const PATIENCE: Duration = Duration::from_secs(30);

/// With lines cut; whether a message was under way just then is chance.
fn with_cuts() -> Expect {
    let mut expect = Expect::default();
    expect.cut = true;
    expect
}

/// A server ends under load without a word, and another starts on what its store has.
fn crashed(store: Arc<dyn Store>, kept: Arc<Memory>) -> Crowd {
    let place = Place::new();
    let server = Inside::start(place, store);
    let mut crowd = Crowd::gather(place.server);
    crowd.send(Duration::from_millis(1), seed());
    crowd.wait_for_acks(200);
    server.stop();
    crowd.keep(Inside::start(place, kept));
    crowd.wait_for_acks(50);
    crowd
}

#[test]
fn a_server_that_acknowledges_before_it_stores_turns_the_checker_red() {
    let kept = Memory::new();
    let report = crashed(Saboteur::acks_first(Arc::clone(&kept)), kept).judge_as_it_is(Duration::from_secs(2));
    println!("{report}");
    assert!(report.count(Counter::Lost) >= 20, "{report}");

    let kept = Memory::new();
    let honest = crashed(Arc::clone(&kept) as _, kept);
    assert_green("the same with an honest store", &honest.judge(with_cuts()));
}

/// Every line is cut again and again, with messages under way whose answers are then never heard.
fn cut(store: Arc<dyn Store>) -> Crowd {
    let place = Place::new();
    let server = Inside::start(place, store);
    let mut crowd = Crowd::gather(place.server);
    crowd.keep(server);
    crowd.send(Duration::ZERO, seed());
    for _ in 0..20 {
        crowd.wait_for_acks(20);
        crowd.cut_all();
    }
    crowd
}

#[test]
fn a_server_that_stores_a_repetition_twice_turns_the_checker_red() {
    let report = cut(Saboteur::forgets_ids(Memory::new())).judge_as_it_is(Duration::from_secs(10));
    println!("{report}");
    // Judged as it is, with what its last messages became still open: no other counter is promised.
    assert!(report.count(Counter::DupApp) > 0, "{report}");

    let honest = cut(Memory::new());
    assert_green("the same with an honest store", &honest.judge(with_cuts()));
}

/// One device logs in twice, as two processes with one disk would, and then both send.
fn taken_over(start: fn(Place, Arc<dyn Store>) -> Inside) -> Report {
    let place = Place::new();
    let server = start(place, Memory::new());
    let (runtime, folder) = (runtime(), Folder::new());
    let history = History::create(&folder.path().join("p.jsonl"), "p").expect("a history");
    let conv = private("ann", "bob");
    runtime.block_on(async {
        let connect = async |user: &str, device: &str| {
            let token = place.server.token(user, PASSWORD, device).await.expect("a token");
            let options = Options::new(place.server.tcp, user, device, &token);
            (Witness::connect(options.clone(), &history).await.expect("a session"), options)
        };
        for user in ["ann", "bob"] {
            place.server.register(user, PASSWORD).await.expect("an account");
            history.member(user, &conv);
        }
        let (bob, _) = connect("bob", "phone").await;
        let (earlier, options) = connect("ann", "phone").await;
        let later = Witness::connect(options, &history).await.expect("a session");
        // Refused, where there is a fence.
        let _ = timeout(PATIENCE, earlier.send(&conv, b"still here")).await.expect("an answer, or the end");
        let sent = timeout(PATIENCE, later.send(&conv, b"here now")).await.expect("an answer");
        sent.expect("the later session lives");
        let own = later.seen().of(&conv).own;
        timeout(PATIENCE, bob.until(|seen| seen.of(&conv).highest >= own)).await.expect("it comes").expect("a session");
        let token = place.server.token("bob", PASSWORD, "console").await.expect("a token");
        place.server.read_back(&history, &token, &conv).await.expect("the store is read");
        for witness in [&bob, &later] {
            witness.drained(true);
        }
    });
    server.stop();
    drop(runtime);
    check_files(&[folder.path().join("p.jsonl")], Expect::default()).expect("a history")
}

#[test]
fn a_server_without_a_fence_turns_the_checker_red() {
    let report = taken_over(Inside::start_unfenced);
    assert_eq!(report.red(), [Counter::Zombie], "{report}");

    let report = taken_over(Inside::start);
    assert_eq!(report.verdict(), Verdict::Green, "{report}");
}
