//! Stage: a server without HTTP around a store, and peers that talk to it in memory.

use std::net::SocketAddr;
use std::sync::Arc;

use keepline::serve::{Limits, Server, tcp};
use keepline::{Driver, KernelWatch, Report};
use keepline_proto::wire::dialect::Dialect;
use keepline_server::accounts::{Accounts, Hashing};
use keepline_server::clock::{Clock, System};
use keepline_server::conversation::Conversation;
use keepline_server::delivery::{Delivery, Draft, Receipt, SendError, Sender};
use keepline_server::directory::Directory;
use keepline_server::groups::Groups;
use keepline_server::id::{MessageId, UserId};
use keepline_server::line::{LineService, LineSettings, Lines};
use keepline_server::message::Kind;
use keepline_server::session::{Environment, Hub};
use keepline_server::store::memory::Memory;
use keepline_server::store::{LogName, Store};
use tokio::io::duplex;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

mod moody;
mod peer;

pub(crate) use moody::Moody;
pub(crate) use peer::{Peer, deliver, hello};

pub(crate) use keepline_proto::wire::im::cim;
pub(crate) use keepline_proto::wire::im::v1::{self, frame::Body};

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct horse";

/// A server without HTTP.
pub(crate) struct Stage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) lines: Arc<Lines>,
}

/// A listener on loopback, until it is dropped.
pub(crate) struct Listening {
    address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

impl Listening {
    /// A client of cim that has sent its login.
    pub(crate) async fn cim(&self, dialect: Dialect, id: i64, name: &str) -> Peer {
        let mut peer = Peer::new(TcpStream::connect(self.address).await.unwrap(), dialect);
        peer.login_of_cim(dialect, id, name).await;
        peer
    }

    /// As [`cim`](Self::cim), with a kernel that takes little before its program reads.
    pub(crate) async fn narrow_cim(&self, id: i64, name: &str) -> Peer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut peer = Peer::new(socket.connect(self.address).await.unwrap(), Dialect::Cim21);
        peer.login_of_cim(Dialect::Cim21, id, name).await;
        peer
    }
}

/// How a stage is set.
pub(crate) struct Setting {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) lines: LineSettings,
    pub(crate) fenced: bool,
    /// The accounts' clock, if not the machine's.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            store: Memory::new(),
            lines: LineSettings { pace: None, ..LineSettings::default() },
            fenced: true,
            clock: None,
        }
    }
}

impl Stage {
    /// Around an empty store in memory.
    pub(crate) async fn new(users: &[&str]) -> Self {
        Self::set(Setting::default(), users).await
    }

    pub(crate) async fn set(setting: Setting, users: &[&str]) -> Self {
        let Setting { store, lines, fenced, clock } = setting;
        let clock = clock.unwrap_or_else(|| Arc::new(System));
        let accounts = Arc::new(Accounts::load_at(Arc::clone(&store), Hashing::cheapest(), clock).await.unwrap());
        let groups = Arc::new(Groups::load(Arc::clone(&store)).await.unwrap());
        let directory = Directory::load(&*store, Arc::clone(&groups), Arc::clone(&accounts)).await.unwrap();
        let environment = Environment::new(Arc::clone(&store), Arc::new(directory));
        let hub = if fenced { Hub::start(environment).await } else { Hub::start_unfenced(environment).await }.unwrap();
        let delivery = Delivery::start(Arc::clone(&hub));
        let lines = Lines::new(Arc::clone(&hub), Arc::clone(&delivery), Arc::clone(&accounts), lines).unwrap();
        let stage = Self { store, accounts, groups, hub, delivery, lines };
        for name in users {
            let user: UserId = name.parse().unwrap();
            if !stage.accounts.exists(&user) {
                stage.accounts.create(user, PASSWORD).await.unwrap();
            }
        }
        stage
    }

    /// A group of these users; the first is its owner.
    pub(crate) async fn group(&self, group: &str, members: &[&str]) {
        let mut users = members.iter().map(|user| user.parse::<UserId>().unwrap());
        let owner = users.next().unwrap();
        self.groups.create(&group.parse().unwrap(), "", &owner, users).await.unwrap();
    }

    /// A token for one device.
    pub(crate) async fn token(&self, user: &str, device: &str) -> String {
        let (user, device) = (user.parse().unwrap(), device.parse().unwrap());
        self.accounts.issue(&user, PASSWORD, device).await.unwrap().text
    }

    /// A fresh connection with so many bytes of room each way.
    pub(crate) fn connect_with(&self, room: usize) -> (Peer, JoinHandle<Report>) {
        self.connect_as(Dialect::V1, room)
    }

    pub(crate) fn connect_as(&self, dialect: Dialect, room: usize) -> (Peer, JoinHandle<Report>) {
        let (theirs, ours) = duplex(room);
        let (line, codec) = self.lines.line(Some(([127, 0, 0, 1], 4000).into()));
        let task = tokio::spawn(Driver::standalone(ours, line, codec, self.lines.server_settings()));
        (Peer::new(theirs, dialect), task)
    }

    /// A device that has logged in.
    pub(crate) async fn login(&self, user: &str, device: &str) -> Peer {
        self.login_with(user, device, 1 << 16).await.0
    }

    pub(crate) async fn login_with(&self, user: &str, device: &str, room: usize) -> (Peer, JoinHandle<Report>) {
        let (mut peer, task) = self.connect_with(room);
        peer.send(hello(&self.token(user, device).await, device)).await;
        match peer.next().await {
            Some(Body::Welcome(welcome)) => assert_eq!(welcome.user, user),
            other => panic!("{other:?} instead of a welcome"),
        }
        (peer, task)
    }

    /// A listener on loopback.
    pub(crate) fn listen(&self) -> Listening {
        let listener = tcp("127.0.0.1:0".parse().unwrap(), KernelWatch::default()).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(listener, self.lines.server_settings(), Limits::default());
        let task = AbortOnDropHandle::new(tokio::spawn(server.run(LineService(Arc::clone(&self.lines)))));
        Listening { address, _task: task }
    }

    /// Sends as HTTP does.
    pub(crate) async fn say(&self, user: &str, conversation: &str, text: &str) -> Result<Receipt, SendError> {
        self.say_as(user, conversation, text, text).await
    }

    /// As [`say`](Self::say), with an id made of another text.
    pub(crate) async fn say_as(
        &self,
        user: &str,
        conversation: &str,
        name: &str,
        text: &str,
    ) -> Result<Receipt, SendError> {
        let sender = Sender { user: user.parse().unwrap(), session: None };
        self.delivery.send(sender, draft(conversation, name, text)).await
    }

    /// Waits until the feed has told of a message.
    pub(crate) async fn told(&self, conversation: &str, seq: u64) {
        let conversation = conversation.parse().unwrap();
        until("the feed has told", || self.hub.environment().directory.head(&conversation) >= seq).await;
    }

    /// The log of a conversation.
    pub(crate) fn log(&self, conversation: &str) -> LogName {
        conversation.parse::<Conversation>().unwrap().log()
    }

    pub(crate) async fn marks(&self, user: &str, device: &str) -> Vec<(String, u64)> {
        let marks = self.store.marks(&format!("d.{user}.{device}")).await.unwrap();
        marks.into_iter().map(|(log, seq)| (log.to_string(), seq)).collect()
    }

    pub(crate) fn is_online(&self, user: &str) -> bool {
        self.hub.online(&user.parse::<UserId>().unwrap())
    }

    /// Every live session is caught up, with everything acknowledged.
    pub(crate) fn is_quiet(&self) -> bool {
        let users = self.hub.online_users();
        users.iter().flat_map(|user| self.hub.sessions_of(user)).all(|session| session.is_caught_up())
    }
}

/// A text whose id is made of `name`.
pub(crate) fn draft(conversation: &str, name: &str, text: &str) -> Draft {
    let conversation: Conversation = conversation.parse().unwrap();
    Draft { conversation, id: id(name), kind: Kind::Text, body: text.to_owned().into() }
}

/// A message id that begins with the end of a name.
pub(crate) fn id(name: &str) -> MessageId {
    let mut id = [0; 16];
    name.bytes().rev().zip(&mut id).for_each(|(byte, place)| *place = byte);
    MessageId::new(id)
}

/// Lets other tasks go on until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came to be: {what}");
}

/// As [`until`], where the kernel has a part in it: in real time, within 10 s.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await;
    assert!(waited.is_ok(), "it never came to be: {what}");
}
