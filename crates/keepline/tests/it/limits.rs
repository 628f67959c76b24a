//! How many connections a server takes, what it knows of them, and what it gives back.

use keepline::serve::{Limits, LineEvent, Rate, Server, tcp};
use keepline::wire::echo::{Echo, Frame};
use keepline::{Flow, Handler, KernelWatch, Reason, Report, Turn};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::serve_support::*;
use crate::support::*;

fn at_most(connections: usize, per_address: Option<usize>) -> Limits {
    let mut limits = Limits::default();
    limits.connections = connections;
    limits.per_address = per_address;
    limits
}

#[tokio::test]
async fn a_full_server_refuses_and_takes_again_what_becomes_free() {
    let cases = [(at_most(3, None), Reason::ServerFull), (at_most(100, Some(3)), Reason::RateLimited)];
    for (limits, reason) in cases {
        let server = server(watched(), limits);
        let mut events = server.handle.events();
        let mut peers = vec![joined(server.address).await, joined(server.address).await, joined(server.address).await];
        for _ in 0..5 {
            assert!(is_turned_away(server.address).await);
        }
        assert_eq!(*server.books.refused.lock().unwrap(), [reason; 5]);
        assert_eq!(server.handle.lines(), 3, "the refused are none");
        peers.pop();
        while !matches!(events.recv().await.unwrap(), LineEvent::Closed(_)) {}
        // The event comes just before the place is free.
        down_to(&server.handle, 2).await;
        peers.push(joined(server.address).await);
        assert!(is_turned_away(server.address).await);
    }
}

/// Says that the handshake is done at the first frame.
struct Polite;

impl Handler for Polite {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        turn.establish();
        turn.reply(frame)
    }
}

#[tokio::test]
async fn who_has_not_done_the_handshake_has_a_limit_of_his_own() {
    let mut all = Limits::default();
    all.unestablished = Some(2);
    let mut each = Limits::default();
    each.unestablished_per_address = Some(2);
    for (limits, reason) in [(all, Reason::ServerFull), (each, Reason::RateLimited)] {
        let books = std::sync::Arc::new(Books::default());
        let mut settings = watched();
        settings.observer = Some(std::sync::Arc::clone(&books) as _);
        let listener = tcp("127.0.0.1:0".parse().unwrap(), KernelWatch::default()).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(listener, settings, limits);
        let handle = server.handle();
        let _running = tokio::spawn(server.run(|_| (Polite, Echo::strict())));
        let mut polite = Vec::new();
        for _ in 0..5 {
            let mut peer = joined(address).await;
            peer.write_all(&frame(b"hello")).await.unwrap();
            peer.read_exact(&mut [0; 10]).await.unwrap();
            polite.push(peer);
        }
        let silent = [joined(address).await, joined(address).await];
        assert!(is_turned_away(address).await, "{reason}: a third that has not said hello");
        assert_eq!(*books.refused.lock().unwrap(), [reason]);
        drop(silent);
        down_to(&handle, 5).await;
        drop(joined(address).await);
    }
}

#[tokio::test]
async fn who_comes_by_ipv4_to_a_listener_for_both_has_his_ipv4_address() {
    let listener = tcp("[::]:0".parse().unwrap(), KernelWatch::default()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, mut told) = mpsc::channel(8);
    let server = Server::new(listener, watched(), Limits::default());
    let serving = server.run(move |peer| {
        tell.try_send(peer).unwrap();
        (Witness::mirror(), Echo::strict())
    });
    let _serving = tokio::spawn(serving);
    for address in ["127.0.0.1", "::1"] {
        let peer = TcpStream::connect((address, port)).await.unwrap();
        assert_eq!(told.recv().await, Some(Some(peer.local_addr().unwrap())));
    }
}

#[tokio::test]
async fn other_limits_hold_for_who_comes_and_nobody_who_is_in_goes() {
    let server = server(watched(), at_most(3, None));
    let mut peers = vec![joined(server.address).await, joined(server.address).await, joined(server.address).await];
    assert!(is_turned_away(server.address).await);
    server.handle.set_limits(at_most(100, Some(4)));
    assert_eq!(server.handle.limits(), at_most(100, Some(4)));
    peers.push(joined(server.address).await);
    assert!(is_turned_away(server.address).await, "a fifth of one address, of which three came before the limit");
    server.handle.set_limits(at_most(2, None));
    assert!(is_turned_away(server.address).await);
    for peer in &mut peers {
        peer.write_all(PING).await.unwrap();
        peer.read_exact(&mut [0; 5]).await.unwrap();
    }
    let (full, limited) = (Reason::ServerFull, Reason::RateLimited);
    assert_eq!(*server.books.refused.lock().unwrap(), [full, limited, full]);
}

#[tokio::test(start_paused = true)]
async fn a_storm_is_accepted_at_its_pace_and_nobody_is_refused() {
    let mut limits = Limits::default();
    limits.accepts = Some(Rate { per_second: 100, burst: 10 });
    let server = server(watched(), limits);
    let start = tokio::time::Instant::now();
    let mut peers = Vec::new();
    for _ in 0..300 {
        peers.push(TcpStream::connect(server.address).await.unwrap());
    }
    while server.handle.lines() < 300 {
        tokio::time::sleep(millis(5).to_std()).await;
    }
    let took = start.elapsed();
    assert!((2.2..3.2).contains(&took.as_secs_f64()), "{took:?} for 300 at 100 a second, of which 10 to 73 at once");
    assert!(server.books.refused.lock().unwrap().is_empty());
    // Ten times the pace from now on.
    limits.accepts = Some(Rate { per_second: 1000, burst: 10 });
    server.handle.set_limits(limits);
    let start = tokio::time::Instant::now();
    for _ in 0..300 {
        peers.push(TcpStream::connect(server.address).await.unwrap());
    }
    while server.handle.lines() < 600 {
        tokio::time::sleep(millis(5).to_std()).await;
    }
    assert!(start.elapsed().as_secs_f64() < 1.0, "{:?} for 300 more at 1,000 a second", start.elapsed());
}

#[tokio::test]
async fn the_snapshot_and_the_events_tell_of_each_line() {
    let server = server(watched(), Limits::default());
    let mut events = server.handle.events();
    let first = joined(server.address).await;
    let second = joined(server.address).await;
    let addresses = [first.local_addr().unwrap(), second.local_addr().unwrap()];
    let lines = server.handle.snapshot();
    assert_eq!(lines.iter().map(|line| line.peer.unwrap()).collect::<Vec<_>>(), addresses);
    assert_ne!(lines[0].id, lines[1].id);
    assert!(lines.iter().all(|line| line.waiting == 0 && line.last_in <= line.age + SLOT));
    for (line, address) in lines.iter().zip(addresses) {
        assert_eq!(events.recv().await.unwrap(), LineEvent::Opened { id: line.id, peer: Some(address) });
    }
    let connection = server.handle.line(lines[1].id).unwrap();
    connection.close(Reason::Kicked);
    drop(second);
    let LineEvent::Closed(report) = events.recv().await.unwrap() else { panic!("a line has ended") };
    assert_eq!((report.id, report.reason), (lines[1].id, Reason::Kicked));
    down_to(&server.handle, 1).await;
    assert!(server.handle.line(lines[1].id).is_none());
    let third = joined(server.address).await;
    assert!(server.handle.line(lines[1].id).is_none(), "the place is taken again, by a line with another number");
    drop((first, third));
}

/// Panics wherever it is told to.
struct Fragile;

impl Handler for Fragile {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        assert!(!frame.content.starts_with(b"poison"), "on purpose");
        turn.reply(frame)
    }

    fn on_close(&mut self, report: &Report) {
        // After every line, also while the task unwinds from the panic above.
        panic!("on purpose, after {report}");
    }
}

#[tokio::test]
async fn a_panic_costs_one_connection_and_gives_its_place_back() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), watched()).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = tokio::spawn(server.run(move |_| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        assert!(call != 1, "on purpose: the second connection");
        (Fragile, Echo::strict())
    }));
    let mut healthy = joined(address).await;
    assert!(is_turned_away(address).await, "a panic of the service");
    for _ in 0..20 {
        let mut peer = joined(address).await;
        peer.write_all(&frame(b"poison")).await.unwrap();
        drop(joined(address).await);
        down_to(&handle, 1).await;
    }
    healthy.write_all(PING).await.unwrap();
    handle.drain(millis(0));
    drop(healthy);
    running.await.unwrap();
    assert_eq!(handle.lines(), 0);
    assert_eq!(handle.snapshot(), []);
}

#[tokio::test]
async fn the_kernels_watch_is_on_what_is_accepted() {
    use keepline::KernelWatch;
    use keepline::serve::{Listener, tcp};
    let mut watch = KernelWatch::after(secs(20));
    watch.user_timeout = Some(millis(7_500));
    let mut listener = tcp("127.0.0.1:0".parse().unwrap(), watch).unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = std::future::poll_fn(|cx| Listener::poll_accept(&mut listener, cx)).await.unwrap();
    let socket = SockRef::from(&ours);
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(millis(7_500).to_std()));
    assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), secs(20).to_std());
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), secs(2).to_std());
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    drop(peer);

    let mut listener = tcp("127.0.0.1:0".parse().unwrap(), KernelWatch::default()).unwrap();
    let _peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = std::future::poll_fn(|cx| Listener::poll_accept(&mut listener, cx)).await.unwrap();
    assert_eq!(SockRef::from(&ours).tcp_user_timeout().unwrap(), None);
    assert!(!SockRef::from(&ours).keepalive().unwrap());
}
