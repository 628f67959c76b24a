//! Sabotage: servers that break a promise on purpose. The checker must turn red for each, by the counter that names the
//! promise; and green for the same run on a server that keeps it, or red would say nothing.

use std::sync::Arc;
use std::time::Duration;

use keepline_check::{Counter, Expect, Report, Verdict, check_files};
use keepline_server::conversation::Conversation;
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

/// Ann, bob, and the conversation between them.
struct Pair {
    place: Place,
    history: History,
    conv: String,
}

impl Pair {
    /// Makes both at a server, lets them play, reads the store, and judges. The witnesses that are given back have had
    /// their time.
    fn play(server: impl FnOnce(Place) -> Inside, scene: impl AsyncFnOnce(&Self) -> [Witness; 2]) -> Report {
        let place = Place::new();
        let server = server(place);
        let (runtime, folder) = (runtime(), Folder::new());
        let history = History::create(&folder.path().join("p.jsonl"), "p").expect("a history");
        let pair = Self { place, history, conv: private("ann", "bob") };
        runtime.block_on(async {
            for user in ["ann", "bob"] {
                place.server.register(user, PASSWORD).await.expect("an account");
                pair.history.member(user, &pair.conv);
            }
            let witnesses = scene(&pair).await;
            let token = place.server.token("bob", PASSWORD, "console").await.expect("a token");
            place.server.read_back(&pair.history, &token, &pair.conv).await.expect("the store is read");
            witnesses.iter().for_each(|witness| witness.drained(true));
        });
        server.stop();
        drop(runtime);
        check_files(&[folder.path().join("p.jsonl")], Expect::default()).expect("a history")
    }

    async fn connect(&self, user: &str, device: &str) -> (Witness, Options) {
        let token = self.place.server.token(user, PASSWORD, device).await.expect("a token");
        let options = Options::new(self.place.server.tcp, user, device, &token);
        (Witness::connect(options.clone(), &self.history).await.expect("a session"), options)
    }

    async fn say(&self, witness: &Witness, text: &str) {
        let sent = timeout(PATIENCE, witness.send(&self.conv, text.as_bytes())).await.expect("an answer");
        sent.expect("its session lives");
    }

    async fn wait_for(&self, witness: &Witness, seq: u64) {
        let has_it = witness.until(|seen| seen.of(&self.conv).highest >= seq);
        timeout(PATIENCE, has_it).await.expect("it comes").expect("a session");
    }
}

/// One device logs in twice, as two processes with one disk would, and then both send.
fn taken_over(server: impl FnOnce(Place) -> Inside) -> Report {
    Pair::play(server, async |pair| {
        let (bob, _) = pair.connect("bob", "phone").await;
        let (earlier, options) = pair.connect("ann", "phone").await;
        let later = Witness::connect(options, &pair.history).await.expect("a session");
        // Refused, where there is a fence.
        let _ = timeout(PATIENCE, earlier.send(&pair.conv, b"still here")).await.expect("an answer, or the end");
        pair.say(&later, "here now").await;
        pair.wait_for(&bob, later.seen().of(&pair.conv).own).await;
        [bob, later]
    })
}

#[test]
fn a_server_without_a_fence_turns_the_checker_red() {
    let report = taken_over(|place| Inside::start_unfenced(place, Memory::new()));
    assert_eq!(report.red(), [Counter::Zombie], "{report}");

    let report = taken_over(|place| Inside::start(place, Memory::new()));
    assert_eq!(report.verdict(), Verdict::Green, "{report}");
}

/// Bob is away while ann writes ten messages and something happens to the store; then he is back.
fn away(store: Arc<dyn Store>, meanwhile: impl AsyncFnOnce(&Pair)) -> Report {
    Pair::play(
        |place| Inside::start(place, store),
        async |pair| {
            let ((ann, _), (bob, _)) = (pair.connect("ann", "phone").await, pair.connect("bob", "phone").await);
            bob.away().await;
            for number in 1..=10 {
                pair.say(&ann, &format!("message {number}")).await;
            }
            meanwhile(pair).await;
            bob.back().await;
            pair.wait_for(&bob, 10).await;
            [ann, bob]
        },
    )
}

#[test]
fn a_server_that_says_that_what_it_has_is_gone_turns_the_checker_red() {
    let report = away(Saboteur::overlooks(Memory::new()), async |_| {});
    assert_eq!(report.red(), [Counter::FalseGap], "{report}");
    assert_eq!(report.count(Counter::FalseGap), 3, "{report}");

    let report = away(Memory::new(), async |_| {});
    assert_eq!((report.verdict(), report.count(Counter::Announced)), (Verdict::Green, 0), "{report}");
}

#[test]
fn only_what_retention_dropped_may_be_gone() {
    let trimmed = |noted: bool| {
        let store = Memory::new();
        away(Arc::clone(&store) as _, async |pair| {
            if noted {
                pair.history.dropped(&pair.conv, 4);
            }
            let conversation: Conversation = pair.conv.parse().expect("a conversation");
            store.trim(&conversation.log(), 4).await.expect("a store that takes it");
        })
    };
    let report = trimmed(true);
    assert_eq!((report.verdict(), report.count(Counter::Announced)), (Verdict::Green, 1), "{report}");

    let report = trimmed(false);
    assert_eq!(report.red(), [Counter::Lost, Counter::FalseGap], "{report}");
}
