//! What a witness does on its lines: heartbeat, cuts, leaving, freezing.

use std::time::Duration;

use keepline_check::{Op, Phase};
use keepline_witness::{Acks, History, Line, Options, Verdict, Witness, private};

use crate::folder::Folder;
use crate::server::{Fake, Faults, PING};
use crate::soon;

fn options(fake: &Fake, user: &str) -> Options {
    let mut options = Options::new(fake.server.tcp, user, "phone", &format!("{user}/phone"));
    options.first_wait = Duration::from_millis(5);
    options
}

async fn connect(options: Options, history: &History) -> Witness {
    soon("the login", Witness::connect(options, history)).await.expect("a session")
}

#[tokio::test]
async fn a_cut_is_noted_and_the_witness_comes_back_in_a_new_session() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("cut");
    let ann = connect(options(&fake, "ann"), &folder.history("p")).await;
    ann.cut().await;
    soon("the second login", ann.until(|seen| seen.logins == 2)).await.expect("it comes back");
    assert_eq!((ann.seen().cuts, ann.seen().line), (1, Line::Up { session: 2 }));
    let records = folder.records("p");
    let shapes: Vec<_> = records.iter().map(|r| (r.op, r.phase, r.sess_epoch)).collect();
    let expected = [
        (Op::Login, Phase::Invoke, 0),
        (Op::Login, Phase::Ok, 1),
        (Op::Cut, Phase::Info, 1),
        (Op::Login, Phase::Invoke, 0),
        (Op::Login, Phase::Ok, 2),
    ];
    assert_eq!(shapes, expected);
    assert!(records.iter().all(|r| r.proc == "p.0" && r.user == "ann" && r.device == "phone" && r.mono > 0));
}

#[tokio::test]
async fn who_goes_away_comes_back_when_told_and_is_not_cut() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("away");
    let history = folder.history("p");
    let (ann, bob) = (connect(options(&fake, "ann"), &history).await, connect(options(&fake, "bob"), &history).await);
    bob.away().await;
    soon("bob is away", bob.until(|seen| seen.line == Line::Down)).await.expect("it is away, not ended");
    let conv = private("ann", "bob");
    let verdict = soon("the answer", ann.send(&conv, b"are you there?")).await;
    assert_eq!(verdict, Ok(Verdict::Stored { seq: 1, duplicate: false }));
    bob.back().await;
    soon("the message", bob.until(|seen| seen.delivered == 1)).await.expect("it is back");
    assert_eq!((bob.seen().cuts, bob.seen().logins), (0, 2));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_after_a_ping() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("mute");
    let mut options = options(&fake, "ann");
    options.patience = Duration::from_millis(300);
    let ann = connect(options, &folder.history("p")).await;
    fake.set(Faults { mute: true, ..Faults::default() });
    soon("the cut", ann.until(|seen| seen.cuts == 1)).await.expect("it goes on trying");
    fake.set(Faults::default());
    soon("the next login", ann.until(|seen| seen.logins == 2)).await.expect("it comes back");
}

#[tokio::test]
async fn a_ping_is_answered_with_its_nonce() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("pong");
    let _ann = connect(options(&fake, "ann"), &folder.history("p")).await;
    soon("the pong", fake.until(|state| state.pongs == [PING])).await;
}

#[tokio::test]
async fn a_quiet_line_to_a_living_server_is_kept() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("quiet");
    let mut options = options(&fake, "ann");
    options.patience = Duration::from_secs(1);
    let ann = connect(options, &folder.history("p")).await;
    // One each 200 ms, as the server states: more than the patience would last without an answer.
    soon("ten pings", fake.until(|state| state.pings == 10)).await;
    assert_eq!((ann.seen().cuts, ann.seen().logins), (0, 1));
}

#[tokio::test]
async fn a_frozen_witness_reads_nothing_and_still_sends() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("frozen");
    let history = folder.history("p");
    let (ann, bob) = (connect(options(&fake, "ann"), &history).await, connect(options(&fake, "bob"), &history).await);
    let conv = private("ann", "bob");
    bob.freeze().await;
    let answer = bob.submit(&conv, b"from the ice").await.expect("it takes it");
    soon("it arrives", ann.until(|seen| seen.delivered == 1)).await.expect("ann is there");
    assert_eq!(bob.seen().acked, 0, "its answer is not read");
    bob.thaw().await;
    assert_eq!(soon("the answer", answer).await, Ok(Verdict::Stored { seq: 1, duplicate: false }));
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_is_taken_once() {
    for (acks, again) in [(Acks::Each, 0), (Acks::Never, 5), (Acks::Every(3), 2)] {
        let fake = Fake::start(Faults::default()).await;
        let folder = Folder::new("acks");
        let history = folder.history("p");
        let ann = connect(options(&fake, "ann"), &history).await;
        let mut bobs = options(&fake, "bob");
        bobs.acks = acks;
        let bob = connect(bobs, &history).await;
        for number in 0..5_u8 {
            soon("the answer", ann.send(&private("ann", "bob"), &[number])).await.expect("stored");
        }
        soon("all of them", bob.until(|seen| seen.delivered == 5)).await.expect("bob is there");
        // A message of his own is answered behind his acknowledgements: they have arrived.
        soon("the answer", bob.send(&private("ann", "bob"), b"seen")).await.expect("stored");
        bob.cut().await;
        soon("the next login", bob.until(|seen| seen.logins == 2)).await.expect("it comes back");
        soon("the answer", ann.send(&private("ann", "bob"), b"the last")).await.expect("stored");
        soon("the last", bob.until(|seen| seen.delivered == 6)).await.expect("bob is there");
        assert_eq!(bob.seen().received, 6 + again, "{acks:?}");
    }
}

#[tokio::test]
async fn a_witness_with_an_account_of_its_own_states_it_after_each_login() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("resume");
    let history = folder.history("p");
    let ann = connect(options(&fake, "ann"), &history).await;
    let mut bobs = options(&fake, "bob");
    (bobs.acks, bobs.resume) = (Acks::Never, true);
    let bob = connect(bobs, &history).await;
    let conv = private("ann", "bob");
    for number in 0..3_u8 {
        soon("the answer", ann.send(&conv, &[number])).await.expect("stored");
    }
    soon("all of them", bob.until(|seen| seen.delivered == 3)).await.expect("bob is there");
    assert!(fake.shared.state().resumes.is_empty(), "at the first login he has nothing");
    // The epoch that he states is the one in which he got them.
    let before = std::mem::replace(&mut fake.shared.state().epoch, 8);
    bob.cut().await;
    soon("the next login", bob.until(|seen| seen.logins == 2)).await.expect("it comes back");
    soon("the answer", bob.send(&conv, b"behind it")).await.expect("stored");
    assert_eq!(fake.shared.state().resumes, [(conv, before, 3)]);
}

#[tokio::test]
async fn no_more_messages_are_on_the_way_than_the_option_says() {
    for in_flight in [1, 4] {
        let fake = Fake::start(Faults::default()).await;
        let folder = Folder::new("in-flight");
        let mut options = options(&fake, "ann");
        (options.in_flight, options.reconnect) = (in_flight, false);
        options.patience = Duration::from_millis(300);
        let ann = connect(options, &folder.history("p")).await;
        fake.set(Faults { mute: true, ..Faults::default() });
        // One more waits in the witness's mailbox, and the next not even there.
        for number in 0..=in_flight {
            soon("a place", ann.submit(&private("ann", "bob"), &[number as u8])).await.expect("it takes it");
        }
        soon("the end", ann.until(|seen| matches!(seen.line, Line::Ended(_)))).await.expect("the server is mute");
        assert_eq!(ann.seen().infos, in_flight as u64);
        let records = folder.records("p");
        let count = |phase| records.iter().filter(|r| r.op == Op::Send && r.phase == phase).count();
        assert_eq!((count(Phase::Invoke), count(Phase::Info)), (in_flight, in_flight));
    }
}
