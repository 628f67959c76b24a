//! A server of a page: accounts over HTTP, private conversations over TCP, all in memory; faithful, or sabotaged.

mod http;
mod line;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use keepline_proto::wire::im::v1;
use keepline_witness::{History, Server};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) use line::PING;

/// What the server does wrong, each to every so many messages that are sent; 0 is never.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Stores the message, and cuts the line instead of the answer.
    pub(crate) cut_after: u64,
    /// Cuts the line before it stores the message.
    pub(crate) cut_before: u64,
    /// Refuses the message.
    pub(crate) refuse: u64,
    /// Says that it may be sent again.
    pub(crate) put_off: u64,
    /// Sabotage: acknowledges it, and does not store it.
    pub(crate) ack_only: u64,
    /// Sabotage: never gives a device the messages whose number is a multiple of this.
    pub(crate) skip: u64,
    /// Sabotage: says of the messages whose number is a multiple of this that they are gone.
    pub(crate) say_gone: u64,
    /// Sabotage: forgets which ids it has.
    pub(crate) forget_ids: bool,
    /// Sabotage: lets an old session go on.
    pub(crate) no_fence: bool,
    /// Answers nothing any more, pings neither, but keeps the line: as a process that was stopped.
    pub(crate) mute: bool,
}

/// A server on loopback; it ends with the value.
pub(crate) struct Fake {
    pub(crate) server: Server,
    pub(crate) shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    /// Goes up with each change of the state that somebody may wait for.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    pub(crate) sent: u64,
    pub(crate) pings: u64,
    /// The nonces of the answers to its own.
    pub(crate) pongs: Vec<u32>,
    pub(crate) sessions: u64,
    /// The session of each device.
    pub(crate) live: HashMap<(String, String), u64>,
    pub(crate) logs: HashMap<String, Vec<Stored>>,
    pub(crate) ids: HashMap<(String, Vec<u8>), u64>,
    /// What each device acknowledged of each conversation.
    pub(crate) cursors: HashMap<(String, String, String), u64>,
    pub(crate) epoch: u64,
    /// Accounts that devices stated: conversation, epoch, number.
    pub(crate) resumes: Vec<(String, u64, u64)>,
}

#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) device: String,
    pub(crate) message: v1::Deliver,
}

impl Fake {
    pub(crate) async fn start(faults: Faults) -> Self {
        let state = Mutex::new(State { faults, epoch: 7, ..State::default() });
        let shared = Arc::new(Shared { state, changes: watch::Sender::new(0) });
        let mut tasks = JoinSet::new();
        let (http, web) = listen().await;
        let (tcp, lines) = listen().await;
        tasks.spawn(http::serve(web, Arc::clone(&shared)));
        let on_lines = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = lines.accept().await {
                open.spawn(line::serve(stream, Arc::clone(&on_lines)));
            }
        });
        Self { server: Server { http, tcp }, shared, _tasks: tasks }
    }

    pub(crate) fn set(&self, faults: Faults) {
        self.shared.state().faults = faults;
    }

    /// Waits until its state fits.
    pub(crate) async fn until(&self, fits: impl Fn(&State) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        while !fits(&self.shared.state()) {
            changes.changed().await.expect("the server is there");
        }
    }

    /// The final reading of the store.
    pub(crate) fn read(&self, history: &History) {
        let state = self.shared.state();
        for (conv, log) in &state.logs {
            for stored in log {
                let v1::Deliver { seq, message_id, body, .. } = &stored.message;
                let id = u128::from_be_bytes(message_id[..].try_into().expect("16 bytes"));
                history.found(conv, *seq, keepline_check::MessageId(id), body);
            }
            history.read(conv, true);
        }
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with it")
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

async fn listen() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    (listener.local_addr().expect("its address"), listener)
}
