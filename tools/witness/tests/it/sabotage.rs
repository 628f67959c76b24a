//! Sabotaged servers: each must turn the checker red through the histories that witnesses keep.

use std::time::Duration;

use keepline_check::Counter;
use keepline_witness::{Load, Options, Witness, private, swarm};

use crate::folder::Folder;
use crate::server::{Fake, Faults};
use crate::soon;

/// The broken promises of a run of a small swarm.
async fn run(name: &str, faults: Faults) -> Vec<Counter> {
    let fake = Fake::start(faults).await;
    let folder = Folder::new(name);
    let history = folder.history("p");
    let made = swarm(3, "u", fake.server, &history, |_, options| options.first_wait = Duration::from_millis(5));
    let made = soon("the swarm", made).await.expect("accounts");
    let load = Load { messages: 20, think: Duration::ZERO, body: 0, seed: 1 };
    soon("all answers", made.run(load)).await.expect("nobody ends");
    // Where acknowledged messages are gone, nobody has the last: look anyway.
    made.settle(Duration::from_secs(2)).await;
    fake.read(&history);
    folder.check(&["p"]).red()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_acknowledges_without_storing_loses() {
    let red = run("ack-only", Faults { ack_only: 7, ..Faults::default() }).await;
    assert!(red.contains(&Counter::Lost), "{red:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_skips_a_message_to_a_device_loses_it_though_it_is_stored() {
    let red = run("skip", Faults { skip: 3, ..Faults::default() }).await;
    assert_eq!(red, [Counter::Lost]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_of_what_it_has_that_it_is_gone_lies() {
    let red = run("say-gone", Faults { say_gone: 3, ..Faults::default() }).await;
    assert_eq!(red, [Counter::FalseGap]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_ids_doubles() {
    let red = run("forget-ids", Faults { cut_after: 5, forget_ids: true, ..Faults::default() }).await;
    assert!(red.contains(&Counter::DupApp), "{red:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_fence_answers_zombies() {
    let fake = Fake::start(Faults { no_fence: true, ..Faults::default() }).await;
    let folder = Folder::new("no-fence");
    let history = folder.history("p");
    let options = Options::new(fake.server.tcp, "ann", "phone", "ann/phone");
    let old = soon("the login", Witness::connect(options.clone(), &history)).await.expect("a session");
    let _new = soon("the next login", Witness::connect(options, &history)).await.expect("a session");
    soon("the answer", old.send(&private("ann", "bob"), b"still here")).await.expect("stored");
    fake.read(&history);
    let report = folder.check(&["p"]);
    assert_eq!(report.red(), [Counter::Zombie], "{report}");
}
