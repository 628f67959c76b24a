//! Panics in what the program gave to a server: they end one connection at most, never the accept loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use keepline::serve::{Limits, Listener, Server};
use keepline::wire::echo::Echo;
use keepline::{Observer, Reason};
use tokio::net::{TcpListener, TcpStream};

use crate::serve_support::*;
use crate::support::*;

/// An observer that fails at what the accept loop tells it.
struct Clumsy;

impl Observer for Clumsy {
    fn on_refused(&self, _: Option<SocketAddr>, _: Reason) {
        panic!("on purpose");
    }

    fn on_accept_error(&self, _: &io::Error) {
        panic!("on purpose");
    }
}

/// A listener whose first accept fails.
struct Stumbles {
    listener: TcpListener,
    failed: bool,
}

impl Listener for Stumbles {
    type Io = TcpStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, Option<SocketAddr>)>> {
        if !self.failed {
            self.failed = true;
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Listener::poll_accept(&mut self.listener, cx)
    }
}

#[tokio::test]
async fn a_panicking_observer_stops_no_accept_loop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut settings = watched();
    settings.observer = Some(Arc::new(Clumsy));
    let mut limits = Limits::default();
    limits.connections = 1;
    let server = Server::new(Stumbles { listener, failed: false }, settings, limits);
    let handle = server.handle();
    let running = tokio::spawn(server.run(|_| (Witness::mirror(), Echo::strict())));
    let first = joined(address).await;
    assert!(is_turned_away(address).await);
    drop(first);
    down_to(&handle, 0).await;
    joined(address).await;
    assert!(!running.is_finished());
}

#[tokio::test]
async fn a_panicking_upgrade_ends_its_own_connection() {
    let books = Arc::new(Books::default());
    let mut settings = watched();
    settings.observer = Some(Arc::clone(&books) as _);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let seen = AtomicUsize::new(0);
    let upgrade = move |io: TcpStream| {
        let place = seen.fetch_add(1, Ordering::Relaxed);
        assert_ne!(place, 0, "on purpose: at the call");
        async move {
            assert_ne!(place, 1, "on purpose: later");
            Ok(io)
        }
    };
    let running = tokio::spawn(server.run_upgraded(upgrade, |_| (Witness::mirror(), Echo::strict())));
    assert!(is_turned_away(address).await);
    assert!(is_turned_away(address).await);
    let _third = joined(address).await;
    assert_eq!(handle.lines(), 1, "the places of the others are free");
    assert_eq!(*books.refused.lock().unwrap(), [Reason::ServerError; 2]);
    assert!(!running.is_finished());
}
