//! Fixture: one session on a line in memory, for the tests of a session's parts. Its line is never polled: what is
//! pushed stays in its outbox, and nothing happens between two steps of a test.

use std::sync::Arc;

use bytes::Bytes;
use keepline::{Driver, Flow, Handler, Settings, Turn};
use keepline_proto::liveness::Heartbeat;
use keepline_proto::wire::line;
use tokio::io::DuplexStream;

use super::{Environment, Hub, Login, Run, Session, Speaks, Token};
use crate::accounts::{Accounts, Hashing};
use crate::conversation::Conversation;
use crate::directory::Directory;
use crate::groups::Groups;
use crate::id::MessageId;
use crate::message::{Kind, Message};
use crate::session::Envelope;
use crate::store::Record;
use crate::store::memory::Memory;

/// A live session of bob's, with the line that it would end with.
pub(super) struct Fixture {
    pub(super) hub: Arc<Hub>,
    pub(super) session: Arc<Session>,
    _line: Driver<DuplexStream, Deaf>,
}

/// The handler of a line that is never polled.
struct Deaf;

impl Handler for Deaf {
    type Codec = line::Line;

    fn on_frame(&mut self, _: &[u8], _: &mut Turn<'_, line::Line>) -> Flow {
        Flow::Continue
    }
}

impl Fixture {
    /// Synced, with nothing to hear.
    pub(super) async fn new(speaks: Speaks) -> Self {
        Self::holding(speaks, None).await
    }

    /// As [`new`](Self::new), with a token.
    pub(super) async fn holding(speaks: Speaks, token: Option<Token>) -> Self {
        let store = Memory::new();
        let accounts = Arc::new(Accounts::load(store.clone(), Hashing::cheapest()).await.unwrap());
        let groups = Arc::new(Groups::load(store.clone()).await.unwrap());
        let directory = Directory::load(&*store, groups, accounts).await.unwrap();
        let hub = Hub::start(Environment::new(store, Arc::new(directory))).await.unwrap();
        let line = Driver::standalone(tokio::io::duplex(64).0, Deaf, line::Line, Settings::new(Heartbeat::off()));
        let login = Login {
            user: "bob".parse().unwrap(),
            device: "phone".parse().unwrap(),
            speaks,
            connection: line.connection(),
            peer: None,
            token,
        };
        let session = hub.login(login, 1, |_| None).unwrap();
        Arc::clone(&session).sync().await;
        Self { hub, session, _line: line }
    }

    /// What was stored up to this number is known, as after the feed has told of it.
    pub(super) fn told(&self, conversation: &Conversation, seq: u64) {
        self.session.environment.directory.advance(conversation, seq);
        self.session.environment.directory.settle(conversation, seq);
    }

    /// Offers the messages with these numbers.
    pub(super) fn offer(&self, conversation: &Conversation, from: u64, to: u64) {
        self.told(conversation, to);
        let open = |seq| Envelope::open(conversation.clone(), &record(seq)).unwrap();
        self.session.offer(&Run::new(conversation.clone(), (from..=to).map(open).collect()));
    }
}

/// A stored message of ann's.
pub(super) fn record(seq: u64) -> Record {
    let message =
        Message { sender: "ann".parse().unwrap(), kind: Kind::Text, body: Bytes::from_static(b"hi"), at_ms: 7 };
    Record { seq, id: MessageId::new([1; 16]), body: message.to_record() }
}
