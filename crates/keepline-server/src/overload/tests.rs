//! Tests of the levels as they act: what a server does with a line that comes, one that is slow and a message, while so
//! much of its limit is in use.

use bytes::Bytes;
use keepline::liveness::Heartbeat;
use keepline::serve::Server;
use keepline::wire::line;
use keepline::{Driver, Flow, Handler, Settings, Turn};
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::net::TcpStream;

use super::*;
use crate::accounts::{Accounts, Hashing};
use crate::delivery::{Delivery, Draft, SendError, Sender};
use crate::directory::Directory;
use crate::groups::Groups;
use crate::id::MessageId;
use crate::message::Kind;
use crate::session::{Environment, Login, Session, Speaks};
use crate::store::memory;

/// A line that only listens.
struct Deaf;

impl Handler for Deaf {
    type Codec = line::Line;

    fn on_frame(&mut self, _: &[u8], _: &mut Turn<'_, line::Line>) -> Flow {
        Flow::Continue
    }
}

struct Scene {
    watch: Watch,
    delivery: Arc<Delivery>,
    shed_at: Option<Instant>,
    address: std::net::SocketAddr,
    /// They are never polled: what is pushed to them waits.
    lines: Vec<Driver<DuplexStream, Deaf>>,
}

impl Scene {
    async fn open() -> Self {
        let store = memory::Memory::new();
        let accounts = Arc::new(Accounts::load(store.clone(), Hashing::cheapest()).await.unwrap());
        accounts.create("ann".parse().unwrap(), "correct horse").await.unwrap();
        let groups = Arc::new(Groups::load(store.clone()).await.unwrap());
        let directory = Directory::load(&*store, groups, accounts).await.unwrap();
        let hub = Hub::start(Environment::new(store, Arc::new(directory))).await.unwrap();
        let settings = Settings::new(Heartbeat::off());
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap();
        let (address, lines) = (server.local_addr().unwrap(), server.handle());
        drop(tokio::spawn(server.run(|_| (Deaf, line::Line))));
        let delivery = Delivery::start(Arc::clone(&hub));
        let memory = Arc::new(Memory::of_process(None));
        Self { watch: Watch { memory, hub, lines }, delivery, shed_at: None, address, lines: Vec::new() }
    }

    /// A session for which so many bytes wait.
    fn session(&mut self, user: &str, waiting: usize) -> Arc<Session> {
        let line = Driver::standalone(tokio::io::duplex(64).0, Deaf, line::Line, Settings::new(Heartbeat::off()));
        let login = Login {
            user: user.parse().unwrap(),
            device: "phone".parse().unwrap(),
            speaks: Speaks::V1,
            connection: line.connection(),
            peer: None,
            token: None,
        };
        let session = self.watch.hub.login(login, 1, |_| None).unwrap();
        session.connection().push(vec![0; waiting].into()).unwrap();
        self.lines.push(line);
        session
    }

    /// So many thousandths of a limit of 1 GB are in use; when to look again.
    fn look(&mut self, share: u64) -> Duration {
        let usage = Usage { used: share * 1_000_000, limit: 1_000_000_000 };
        self.watch.look(Some(usage), &mut self.shed_at)
    }

    /// Whether a new line is let in.
    async fn lets_in(&self) -> bool {
        // Who was let in before may not have left yet, and is not to be counted for this one.
        while self.watch.lines.lines() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut buffer = [0];
        loop {
            tokio::select! {
                biased;
                end = stream.read(&mut buffer) => return end.is_ok_and(|count| count > 0),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            if self.watch.lines.lines() > 0 {
                return true;
            }
        }
    }

    async fn send(&self) -> Result<(), SendError> {
        let draft = Draft {
            conversation: "p.ann.ann".parse().unwrap(),
            id: MessageId::new(rand()),
            kind: Kind::Text,
            body: Bytes::from_static(b"hi"),
        };
        self.delivery.send(Sender { user: "ann".parse().unwrap(), session: None }, draft).await.map(|_| ())
    }
}

fn rand() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn each_level_gives_up_what_is_its_own_and_takes_it_back() {
    let mut scene = Scene::open().await;
    assert_eq!(scene.look(100), AT_EASE);
    let (slow, honest) = (scene.session("bob", 300 << 10), scene.session("eve", 1 << 10));
    let table = [
        // In use, new lines, the slow one, messages, when to look again.
        (790, true, true, true, SHORT),
        (800, false, true, true, SHORT),
        (760, false, true, true, SHORT),
        (740, true, true, true, SHORT),
        (901, false, false, true, SHORT),
        (951, false, false, false, SHORT),
        (910, false, false, false, SHORT),
        (890, false, false, true, SHORT),
        (499, true, false, true, AT_EASE),
    ];
    for (share, lets_in, slow_stays, takes, next) in table {
        assert_eq!(scene.look(share), next, "{share}");
        assert_eq!(scene.lets_in().await, lets_in, "new lines at {share}");
        assert_eq!(!slow.is_ended(), slow_stays, "the slow one at {share}");
        assert!(!honest.is_ended(), "for whom little waits, at {share}");
        let sent = scene.send().await;
        assert_eq!(sent.is_ok(), takes, "{sent:?} at {share}");
        let Err(refusal) = sent else { continue };
        assert_eq!((refusal.code(), refusal.is_retryable(), refusal.is_unknown()), ("overloaded", true, false));
    }
    assert_eq!(scene.watch.look(None, &mut None), WITHOUT, "the limit was lifted");
    let counted = scene.watch.hub.environment().metrics.render();
    for row in ["keepline_overload 0", "keepline_overload_dropped_total 1", "keepline_memory_limit_bytes 0"] {
        assert!(counted.contains(row), "{row} is not in {counted}");
    }
}

/// What the first dropping gave back shows a moment later: until then nobody else is dropped.
#[tokio::test(start_paused = true)]
async fn between_two_droppings_there_is_a_rest() {
    let mut scene = Scene::open().await;
    let sessions: Vec<_> = ["a", "b", "c"].iter().map(|user| scene.session(user, 64 << 10)).collect();
    let left = |sessions: &[Arc<Session>]| sessions.iter().filter(|session| !session.is_ended()).count();
    scene.look(900);
    assert_eq!(left(&sessions), 0, "50 MB are too much by far, and all that wait are not that much");
    let more: Vec<_> = ["d", "e"].iter().map(|user| scene.session(user, 64 << 10)).collect();
    tokio::time::advance(REST / 2).await;
    scene.look(901);
    assert_eq!(left(&more), 2);
    tokio::time::advance(REST / 2).await;
    scene.look(902);
    assert_eq!(left(&more), 0);
}
