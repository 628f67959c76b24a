//! Two witnesses of one device: the later one takes over, with the application of the first.

use keepline_check::{Op, Verdict as Judgement};
use keepline_witness::{Application, Line, Options, Witness, private};

use crate::folder::Folder;
use crate::server::{Fake, Faults};
use crate::soon;

#[tokio::test]
async fn a_replaced_witness_ends_and_its_successor_takes_nothing_twice() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("takeover");
    let history = folder.history("p");
    let conv = private("ann", "bob");
    for user in ["ann", "bob"] {
        history.member(user, &conv);
    }
    let options = |user: &str| Options::new(fake.server.tcp, user, "phone", &format!("{user}/phone"));
    let ann = soon("ann", Witness::connect(options("ann"), &history)).await.expect("a session");
    let application = Application::default();
    let mut bobs = options("bob");
    bobs.acks = keepline_witness::Acks::Never;
    bobs.application = application.clone();
    let first = soon("bob", Witness::connect(bobs.clone(), &history)).await.expect("a session");
    soon("the answer", ann.send(&conv, b"one")).await.expect("stored");
    soon("one", first.until(|seen| seen.delivered == 1)).await.expect("bob is there");

    let second = soon("bob again", Witness::connect(bobs, &history)).await.expect("a session");
    let replaced = soon("the fence", first.until(|seen| matches!(seen.line, Line::Ended(_)))).await;
    assert_eq!((replaced, first.seen().line), (Ok(()), Line::Ended("replaced".to_owned())));
    assert_eq!(first.seen().cuts, 0, "giving way is no cut");
    soon("the answer", ann.send(&conv, b"two")).await.expect("stored");
    soon("both", second.until(|seen| seen.received == 2)).await.expect("bob is there");
    assert_eq!(second.seen().delivered, 1, "the application had the first");

    for witness in [&ann, &second] {
        witness.drained(true);
    }
    fake.read(&history);
    assert!(folder.records("p").iter().any(|record| record.op == Op::Fence));
    let report = folder.check(&["p"]);
    assert_eq!(report.verdict(), Judgement::Green, "{report}");
}
