//! A process without descriptors: its listener must not spin, and must accept again. Alone in its process, as the limit
//! is the process's.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration as StdDuration, Instant};

use keepline::KernelWatch;
use keepline::liveness::Heartbeat;
use keepline::serve::{Limits, Server, tcp};
use keepline::wire::echo::{Echo, Frame};
use keepline::{Flow, Handler, Observer, Settings, Turn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PING: &[u8] = b"\0\0\0\x05\x01";

struct Mirror;

impl Handler for Mirror {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        turn.reply(frame)
    }
}

#[derive(Default)]
struct Errors(AtomicUsize);

impl Observer for Errors {
    fn on_accept_error(&self, _: &std::io::Error) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

async fn answers(peer: &mut TcpStream) -> bool {
    peer.write_all(PING).await.is_ok() && peer.read_exact(&mut [0; 5]).await.is_ok()
}

fn cpu_time() -> StdDuration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    StdDuration::new(spent.tv_sec.cast_unsigned(), u32::try_from(spent.tv_nsec).unwrap())
}

#[tokio::test]
async fn without_descriptors_the_listener_backs_off_and_comes_back() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(100), maximum }).unwrap();
    let errors = Arc::new(Errors::default());
    let mut settings = Settings::new(Heartbeat::off());
    settings.observer = Some(Arc::clone(&errors) as _);
    let mut limits = Limits::default();
    limits.connections = 1000;
    let listener = tcp("127.0.0.1:0".parse().unwrap(), KernelWatch::default()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(listener, settings, limits);
    let handle = server.handle();
    let running = tokio::spawn(server.run(|_| (Mirror, Echo::strict())));
    let mut open = TcpStream::connect(address).await.unwrap();
    assert!(answers(&mut open).await);

    // Sockets first, as a connect takes no descriptor; then all that is left.
    let waiting: Vec<_> = (0..20).map(|_| Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()).collect();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    for socket in &waiting {
        // The kernel's backlog takes it.
        socket.connect(&address.into()).unwrap();
    }
    let before = cpu_time();
    let start = Instant::now();
    while start.elapsed() < StdDuration::from_secs(2) {
        assert!(answers(&mut open).await, "open lines go on");
        tokio::time::sleep(StdDuration::from_millis(100)).await;
    }
    let spent = cpu_time() - before;
    let seen = errors.0.load(Ordering::Relaxed);
    assert!((1..=8).contains(&seen), "{seen} errors in 2 s: pauses of 50 ms, doubled up to 1 s");
    assert!(spent < StdDuration::from_millis(400), "{spent:?} of CPU time in 2 s");
    let turned_away = waiting.iter().filter(|socket| {
        socket.set_nonblocking(true).unwrap();
        socket.recv(&mut [std::mem::MaybeUninit::uninit()]).is_ok_and(|count| count == 0)
    });
    assert_eq!(turned_away.count(), waiting.len(), "all of them, one after another by the descriptor held back");

    drop(taken);
    let mut late = TcpStream::connect(address).await.unwrap();
    let answered = tokio::time::timeout(StdDuration::from_secs(10), answers(&mut late)).await;
    assert_eq!(answered, Ok(true), "accepts again");
    assert_eq!(handle.lines(), 2);
    handle.stop();
    drop((open, late, waiting));
    running.await.unwrap();
}
