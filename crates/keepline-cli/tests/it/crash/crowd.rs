//! Crowd: a few witnesses in conversations of two and of many, who send until they are told to stop, and the verdict on
//! what they saw.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keepline_check::{Expect, Report, Verdict, check_files};
use keepline_witness::{Ended, History, Line, Load, Options, Response, Server, Swarm, Witness, request, swarm};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::disk::Folder;
use super::inside::Inside;

/// Witnesses: each has a conversation with the next, and all are in two groups.
pub(crate) const CLIENTS: usize = 6;

/// For everything that only a test that hangs would wait for.
const LIMIT: Duration = Duration::from_secs(60);

/// Witnesses on a runtime of their own, apart from the thread of the test, which waits for processes.
pub(crate) struct Crowd {
    runtime: Runtime,
    swarm: Arc<Swarm>,
    server: Server,
    history: History,
    folder: Folder,
    over: Arc<AtomicBool>,
    load: Option<JoinHandle<Result<(), Ended>>>,
    /// A server that must live as long.
    inside: Option<Inside>,
}

impl Crowd {
    /// Makes accounts and groups at a server that listens, and waits until all are logged in.
    #[track_caller]
    pub(crate) fn gather(server: Server) -> Self {
        let runtime = runtime();
        let folder = Folder::new();
        let history = History::create(&folder.path().join("p.jsonl"), "p").expect("a history");
        let tune = |number: usize, options: &mut Options| {
            options.in_flight = 4;
            options.resume = number.is_multiple_of(2);
            (options.first_wait, options.longest_wait) = (Duration::from_millis(5), Duration::from_millis(100));
        };
        let swarm = runtime.block_on(async {
            let made = timeout(LIMIT, swarm(CLIENTS, "c", server, &history, tune)).await;
            let mut swarm = made.expect("accounts in time").expect("accounts");
            swarm.group("some", &[0, 1, 2, 3]).await.expect("a group");
            swarm.group("others", &[2, 3, 4, 5]).await.expect("a group");
            timeout(LIMIT, swarm.up()).await.expect("sessions in time").expect("sessions");
            swarm
        });
        let over = Arc::new(AtomicBool::new(false));
        Self { runtime, swarm: Arc::new(swarm), server, history, folder, over, load: None, inside: None }
    }

    /// Begins to send, with this pause behind each message of each witness.
    pub(crate) fn send(&mut self, think: Duration, seed: u64) {
        let (swarm, over) = (Arc::clone(&self.swarm), Arc::clone(&self.over));
        self.load = Some(self.runtime.spawn(async move {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                swarm.run(Load { messages: 10, think, body: 40, seed: seed.wrapping_mul(1_000_003) + round }).await?;
                round += 1;
            }
            Ok(())
        }));
    }

    /// Messages acknowledged so far.
    pub(crate) fn acked(&self) -> u64 {
        self.swarm.witnesses().map(|witness| witness.seen().acked).sum()
    }

    /// Attempts to send that were neither acknowledged nor refused for good.
    pub(crate) fn put_off(&self) -> u64 {
        self.swarm.witnesses().map(|witness| witness.seen().infos).sum()
    }

    /// Sessions opened so far; `CLIENTS` while nobody has lost his line.
    pub(crate) fn logins(&self) -> u64 {
        self.swarm.witnesses().map(|witness| witness.seen().logins).sum()
    }

    /// Whether everybody has had one session only, and has it still.
    pub(crate) fn undisturbed(&self) -> bool {
        let up = |witness: &Witness| matches!(witness.seen().line, Line::Up { .. });
        self.logins() == CLIENTS as u64 && self.swarm.witnesses().all(up)
    }

    /// Keeps a server until the end.
    pub(crate) fn keep(&mut self, server: Inside) {
        self.inside = Some(server);
    }

    /// Drops every line without a word; all come back.
    pub(crate) fn cut_all(&self) {
        self.run(async {
            for witness in self.swarm.witnesses() {
                witness.cut().await;
            }
        });
    }

    /// Waits until so many more messages are acknowledged than were.
    #[track_caller]
    pub(crate) fn wait_for_acks(&self, more: u64) {
        let until = self.acked() + more;
        self.wait("acknowledgements", || self.acked() >= until);
    }

    /// Waits until it is so.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < LIMIT, "{what} did not come in {LIMIT:?}; {} are acknowledged", self.acked());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs it beside the load.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Asks the HTTP API; there must be an answer.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, token: &str, body: Option<&serde_json::Value>) -> Response {
        let request = request(self.server.http, method, path, Some(token), body);
        self.run(async { timeout(LIMIT, request).await }).expect("an answer in time").expect("an answer")
    }

    /// Stops sending, waits until all is answered and everybody has everything, reads the store back, and judges.
    #[track_caller]
    pub(crate) fn judge(mut self, expect: Expect) -> Report {
        self.over.store(true, Ordering::Relaxed);
        if let Some(load) = self.load.take() {
            let answered = self.runtime.block_on(async { timeout(LIMIT, load).await });
            answered.expect("all answers in time").expect("the load does not panic").expect("nobody ends");
        }
        let settled = self.runtime.block_on(self.swarm.settle(LIMIT));
        // While the store is being opened again it can't be read.
        self.wait("the store's reading", || self.run(self.swarm.read_back()).is_ok());
        let report = self.report(expect);
        assert!(settled, "not all have everything: {report}");
        report
    }

    /// As `judge`, of a server that is not trusted to answer, or to have what it acknowledged.
    pub(crate) fn judge_as_it_is(self, patience: Duration) -> Report {
        self.over.store(true, Ordering::Relaxed);
        self.runtime.block_on(self.swarm.settle(patience));
        // What can't be read is unknown.
        let _ = self.runtime.block_on(self.swarm.read_back());
        self.report(Expect::default())
    }

    fn report(self, expect: Expect) -> Report {
        let Self { runtime, swarm, history, folder, .. } = self;
        // The witnesses end with their handles: nothing is noted while the history is read.
        drop((runtime, swarm, history));
        check_files(&[folder.path().join("p.jsonl")], expect).expect("a history")
    }
}

/// Asserts that every promise was kept, and prints the table.
#[track_caller]
pub(crate) fn assert_green(what: &str, report: &Report) {
    println!("{what}: {report}");
    assert_eq!(report.verdict(), Verdict::Green, "{what}: {report}");
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// The seed of what is random: `KEEPLINE_SEED`, or 1; printed.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("KEEPLINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("KEEPLINE_SEED={seed}");
    seed
}
