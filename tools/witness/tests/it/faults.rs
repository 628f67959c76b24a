//! A faithful server under faults: lines cut before and after the store, refusals, put-offs. All green.

use std::time::Duration;

use keepline_check::{Counter, Op, Phase, Record, Verdict as Judgement};
use keepline_witness::{Acks, Load, swarm};

use crate::folder::Folder;
use crate::server::{Fake, Faults};
use crate::soon;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swarm_under_faults_is_green_and_every_message_has_its_answer() {
    let faults = Faults { cut_after: 17, cut_before: 23, refuse: 29, put_off: 31, ..Faults::default() };
    let fake = Fake::start(faults).await;
    let folder = Folder::new("faults");
    let history = folder.history("p");
    let made = swarm(6, "u", fake.server, &history, |_, options| {
        options.in_flight = 4;
        options.acks = Acks::Every(3);
        options.first_wait = Duration::from_millis(5);
    });
    let made = soon("the swarm", made).await.expect("accounts");
    soon("all logins", made.up()).await.expect("no refusal");
    assert_eq!((made.witnesses().len(), made.convs().len()), (6, 6));
    let load = Load { messages: 50, think: Duration::ZERO, body: 40, seed: 1 };
    soon("all answers", made.run(load)).await.expect("nobody ends");
    assert!(made.settle(Duration::from_secs(30)).await, "everybody catches up");
    soon("the store", made.read_back()).await.expect("pages");

    let report = folder.check(&["p"]);
    assert_eq!(report.verdict(), Judgement::Green, "{report}");
    for counter in [Counter::Cuts, Counter::Infos, Counter::DupRaw] {
        assert!(report.count(counter) > 0, "no {}:\n{report}", counter.name());
    }
    let totals = report.totals();
    assert_eq!(totals.sent, 300, "{report}");
    let answered: u64 = made.witnesses().map(|witness| witness.seen().answered()).sum();
    assert_eq!(answered, 300, "{report}");
    assert!(totals.refused > 0, "{report}");
}

#[tokio::test]
async fn the_store_is_read_page_by_page_and_what_can_not_be_read_is_unknown() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("store");
    let history = folder.history("p");
    let made = soon("the swarm", swarm(2, "u", fake.server, &history, |_, _| {})).await.expect("accounts");
    let load = Load { messages: 5, think: Duration::ZERO, body: 0, seed: 1 };
    soon("all answers", made.run(load)).await.expect("nobody ends");
    soon("the store", made.read_back()).await.expect("pages");
    let found = |folder: &Folder| {
        let read = |record: &Record| record.op == Op::Read && record.id.is_some();
        folder.records("p").iter().filter(|record| read(record)).filter_map(|record| record.seq).collect::<Vec<_>>()
    };
    assert_eq!(found(&folder), (1..=10).collect::<Vec<_>>());
    assert!(soon("the refusal", fake.server.read_back(&history, "u0/phone", "p.no.body")).await.is_err());
    let last = folder.records("p").pop().expect("a record");
    assert_eq!((last.op, last.phase, last.conv.as_deref()), (Op::Read, Phase::Info, Some("p.no.body")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_away_at_the_end_makes_the_run_void_not_red() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("void");
    let history = folder.history("p");
    let made = soon("the swarm", swarm(2, "u", fake.server, &history, |_, _| {})).await.expect("accounts");
    soon("all logins", made.up()).await.expect("no refusal");
    for witness in made.witnesses().skip(1) {
        witness.away().await;
    }
    let first = made.witnesses().next().expect("one of two");
    soon("the answer", first.send(&made.convs()[0], b"hello")).await.expect("stored");
    assert!(!made.settle(Duration::from_millis(200)).await, "one is away");
    fake.read(&history);
    let report = folder.check(&["p"]);
    assert!(matches!(report.verdict(), Judgement::Void(_)), "{report}");
}
