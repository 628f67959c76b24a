//! A server of mirrors, an observer that writes down, and plain peers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keepline::KernelWatch;
use keepline::serve::{Limits, Server, ServerHandle, tcp};
use keepline::wire::echo::Echo;
use keepline::{LineId, Observer, Reason, Report, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::*;

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) opened: Mutex<Vec<Option<SocketAddr>>>,
    pub(crate) refused: Mutex<Vec<Reason>>,
    pub(crate) closed: Mutex<Vec<Reason>>,
    pub(crate) accept_errors: Mutex<usize>,
}

impl Observer for Books {
    fn on_open(&self, _: LineId, peer: Option<SocketAddr>) {
        self.opened.lock().unwrap().push(peer);
    }

    fn on_close(&self, report: &Report) {
        self.closed.lock().unwrap().push(report.reason);
    }

    fn on_refused(&self, _: Option<SocketAddr>, reason: Reason) {
        self.refused.lock().unwrap().push(reason);
    }

    fn on_accept_error(&self, _: &std::io::Error) {
        *self.accept_errors.lock().unwrap() += 1;
    }
}

/// A server that runs in its own task.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle,
    pub(crate) task: JoinHandle<()>,
    pub(crate) books: Arc<Books>,
}

pub(crate) fn server(mut settings: Settings, limits: Limits) -> Running {
    let books = Arc::new(Books::default());
    settings.observer = Some(Arc::clone(&books) as _);
    let listener = tcp("127.0.0.1:0".parse().unwrap(), KernelWatch::default()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(listener, settings, limits);
    let handle = server.handle();
    let task = tokio::spawn(server.run(|_| (Witness::mirror(), Echo::strict())));
    Running { address, handle, task, books }
}

/// A peer that has spoken with its line: the line is open.
pub(crate) async fn joined(address: SocketAddr) -> TcpStream {
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(PING).await.unwrap();
    let mut pong = [0; 5];
    peer.read_exact(&mut pong).await.unwrap();
    peer
}

/// Waits until there are no more lines than that.
pub(crate) async fn down_to(handle: &ServerHandle, lines: usize) {
    let by = Instant::now() + Duration::from_secs(30);
    while handle.lines() > lines {
        assert!(Instant::now() < by, "{} lines are left, and not {lines}", handle.lines());
        tokio::task::yield_now().await;
    }
}

/// Whether the server has closed on the peer, in order or not.
pub(crate) async fn is_turned_away(address: SocketAddr) -> bool {
    let mut peer = TcpStream::connect(address).await.unwrap();
    let _ = peer.write_all(PING).await;
    !matches!(peer.read(&mut [0; 5]).await, Ok(count) if count > 0)
}
