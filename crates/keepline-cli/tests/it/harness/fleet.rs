//! Fleet: many quiet clients on one thread, which ping in turn and never close.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::net::Namespace;
use super::raw::PING;

/// Clients that ping until they are dropped.
pub(crate) struct Fleet {
    members: Arc<Mutex<Vec<Member>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Member {
    stream: TcpStream,
    state: State,
}

/// How one client stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// By which the server knows it.
    pub(crate) address: SocketAddr,
    /// Just before its last ping.
    pub(crate) pinged: Instant,
    /// Bytes of pongs.
    pub(crate) heard: u64,
    /// Whether its line has ended.
    pub(crate) lost: bool,
}

impl Fleet {
    /// Connects `count` clients, from a namespace or from here, each of which pings every so often.
    pub(crate) fn start(place: Option<&Namespace>, server: SocketAddr, count: usize, every: Duration) -> Self {
        let connect = || (0..count).map(|_| Member::connect(server)).collect::<Vec<_>>();
        let members = Arc::new(Mutex::new(place.map_or_else(connect, |place| place.enter(connect))));
        let over = Arc::new(AtomicBool::new(false));
        let (theirs, stop) = (Arc::clone(&members), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut due = Instant::now();
            while !stop.load(Relaxed) {
                lock(&theirs).iter_mut().for_each(Member::turn);
                due += every;
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
    fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("an open socket");
        stream.set_nonblocking(true).expect("an open socket");
        let address = stream.local_addr().expect("an open socket");
        Self { stream, state: State { address, pinged: Instant::now(), heard: 0, lost: false } }
    }

    /// Takes what has come, and pings.
    fn turn(&mut self) {
        let mut buffer = [0; 256];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.state.lost = true,
                Ok(count) => {
                    self.state.heard += count as u64;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.state.lost = true,
            }
            break;
        }
        if !self.state.lost {
            self.state.pinged = Instant::now();
            // What goes wrong here shows at the next read.
            let _ = self.stream.write(&PING);
        }
    }
}

fn lock(members: &Mutex<Vec<Member>>) -> std::sync::MutexGuard<'_, Vec<Member>> {
    members.lock().unwrap_or_else(PoisonError::into_inner)
}
