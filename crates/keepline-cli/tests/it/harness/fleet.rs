//! Fleet: many quiet clients on one thread, of the echo pair or of the IM server, which ping in turn and never close.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::net::Namespace;
use super::raw::PING;

/// A ping of the IM protocol, with a number.
const IM_PING: [u8; 8] = [0x07, 0x32, 0x05, 0x0d, 1, 2, 3, 4];

/// Clients that ping until they are dropped.
pub(crate) struct Fleet {
    members: Arc<Mutex<Vec<Member>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Member {
    stream: TcpStream,
    talk: Talk,
    /// Whether anything was heard since the last ping.
    answered: bool,
    state: State,
}

/// What a client says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Talk {
    /// Pings, whatever comes back.
    Echo,
    /// A ping after the last has its answer: a second one before that would say no more.
    Im,
}

/// How one client stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// By which the server knows it.
    pub(crate) address: SocketAddr,
    /// Just before its last ping.
    pub(crate) pinged: Instant,
    /// Bytes of pongs, and before them of what a server says first.
    pub(crate) heard: u64,
    /// Whether its line has ended.
    pub(crate) lost: bool,
}

impl Fleet {
    /// Connects `count` clients, from a namespace or from here, each of which pings every so often.
    pub(crate) fn start(place: Option<&Namespace>, server: SocketAddr, count: usize, every: Duration) -> Self {
        Self::of(place, every, || (0..count).map(|_| Member::connect(server, Talk::Echo, &[])).collect())
    }

    /// Sessions of the IM server, one for each of these first frames, which ping as the clients of its protocol do.
    pub(crate) fn of_sessions(server: SocketAddr, hellos: &[Vec<u8>], every: Duration) -> Self {
        Self::of(None, every, || hellos.iter().map(|hello| Member::connect(server, Talk::Im, hello)).collect())
    }

    fn of(place: Option<&Namespace>, every: Duration, connect: impl FnOnce() -> Vec<Member> + Send) -> Self {
        let members = match place {
            Some(place) => place.enter(connect),
            None => connect(),
        };
        let members = Arc::new(Mutex::new(members));
        let over = Arc::new(AtomicBool::new(false));
        let (theirs, stop) = (Arc::clone(&members), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut due = Instant::now();
            while !stop.load(Relaxed) {
                lock(&theirs).iter_mut().for_each(Member::turn);
                // One that is late is not made up for: pings that come too close are a flood.
                due = (due + every).max(Instant::now());
                thread::park_timeout(due.saturating_duration_since(Instant::now()));
            }
        });
        Self { members, over, thread: Some(thread) }
    }

    /// How they all stand at this moment.
    pub(crate) fn states(&self) -> Vec<State> {
        lock(&self.members).iter().map(|member| member.state).collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Member {
    fn connect(server: SocketAddr, talk: Talk, hello: &[u8]) -> Self {
        let mut stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("an open socket");
        stream.write_all(hello).expect("the kernel takes it");
        stream.set_nonblocking(true).expect("an open socket");
        let address = stream.local_addr().expect("an open socket");
        let state = State { address, pinged: Instant::now(), heard: 0, lost: false };
        Self { stream, talk, answered: false, state }
    }

    /// Takes what has come, and pings.
    fn turn(&mut self) {
        let mut buffer = [0; 256];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.state.lost = true,
                Ok(count) => {
                    self.state.heard += count as u64;
                    self.answered = true;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.state.lost = true,
            }
            break;
        }
        if self.state.lost || (self.talk == Talk::Im && !self.answered) {
            return;
        }
        (self.state.pinged, self.answered) = (Instant::now(), false);
        let ping = if self.talk == Talk::Im { &IM_PING[..] } else { &PING };
        // What goes wrong here shows at the next read.
        let _ = self.stream.write(ping);
    }
}

fn lock(members: &Mutex<Vec<Member>>) -> std::sync::MutexGuard<'_, Vec<Member>> {
    members.lock().unwrap_or_else(PoisonError::into_inner)
}
