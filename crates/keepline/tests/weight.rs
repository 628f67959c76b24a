//! What an idle TCP line allocates, counted by the allocator. Alone in its process, as the count is the process's.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::alloc::System;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use keepline::liveness::Heartbeat;
use keepline::serve::{Limits, Server, ServerHandle, tcp};
use keepline::wire::echo::{Echo, Frame};
use keepline::{Driver, Duration, Flow, Handler, Reason, Settings, Turn};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tokio::net::UnixStream;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Slabs of the wheel, the registry and the reactor grow by blocks: enough lines to see through them.
const LINES: usize = 2048;

struct Mirror;

impl Handler for Mirror {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        turn.reply(frame)
    }
}

/// Opens lines, one after another, so that no queue of the runtime grows. Each has sent half a ping, then the rest, has
/// its pong, and waits for nothing: all that is rare has been used and should be gone.
async fn join(address: SocketAddr, handle: &ServerHandle, peers: &mut Vec<TcpStream>, count: usize) {
    for _ in 0..count {
        let target = handle.lines() + 1;
        let mut peer = TcpStream::connect(address).unwrap();
        peer.set_nodelay(true).unwrap();
        peer.set_nonblocking(true).unwrap();
        peer.write_all(b"\0\0").unwrap();
        while handle.lines() < target {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        peer.write_all(b"\0\x05\x01").unwrap();
        loop {
            match peer.read(&mut [0; 8]) {
                Ok(read) => break assert_eq!(read, 5, "a pong"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
        peers.push(peer);
    }
}

fn blocks(stats: &Stats) -> usize {
    stats.allocations - stats.deallocations
}

fn bytes(stats: &Stats) -> isize {
    isize::try_from(stats.bytes_allocated).unwrap() - isize::try_from(stats.bytes_deallocated).unwrap()
}

#[test]
fn a_line_weighs_what_it_may() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        an_idle_line_is_three_blocks_and_gives_them_back().await;
        an_announced_length_costs_nothing().await;
    });
}

async fn an_idle_line_is_three_blocks_and_gives_them_back() {
    let settings = Settings::new(Heartbeat::watch(Duration::from_secs(600)).unwrap());
    let mut limits = Limits::default();
    limits.connections = usize::MAX;
    let listener = tcp("127.0.0.1:0".parse().unwrap(), keepline::KernelWatch::default()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(listener, settings, limits);
    let handle = server.handle();
    let running = tokio::spawn(server.run(|_| (Mirror, Echo::strict())));
    let mut peers = Vec::with_capacity(2 * LINES);
    // Warm: whatever is made once a process or runtime is there.
    join(address, &handle, &mut peers, 16).await;

    let region = Region::new(ALLOCATOR);
    join(address, &handle, &mut peers, LINES).await;
    let held = region.change();
    let (a_line, blocks_a_line) = (bytes(&held) as f64 / LINES as f64, blocks(&held) as f64 / LINES as f64);
    println!("{a_line:.1} bytes in {blocks_a_line:.3} blocks an idle line");
    // And less than a byte for the directories of the slabs.
    assert!(a_line <= (256 + 256 + 64 + 48 + 1) as f64, "{a_line:.1} bytes an idle line");
    assert!(blocks_a_line <= 3.1, "{blocks_a_line:.3} blocks an idle line: task, registration, shared half");

    peers.truncate(16);
    while handle.lines() > 16 {
        tokio::task::yield_now().await;
    }
    let left = region.change();
    println!("{} bytes in {} blocks left of {LINES} lines", bytes(&left), blocks(&left));
    // The slabs stay: 24 bytes of the wheel and of the registry, 4 of its free list, and some of the reactor's lists.
    let a_line = bytes(&left) as f64 / LINES as f64;
    assert!(a_line <= 80.0, "{a_line:.1} bytes of each line are left");
    assert!(blocks(&left) <= 2 * LINES / 256 + 8, "{} blocks are left", blocks(&left));

    // A second wave finds room in what the first has left.
    let region = Region::new(ALLOCATOR);
    join(address, &handle, &mut peers, LINES).await;
    peers.truncate(16);
    while handle.lines() > 16 {
        tokio::task::yield_now().await;
    }
    let again = region.change();
    assert!(bytes(&again) <= 4096, "{} bytes more after a second wave", bytes(&again));
    handle.stop();
    drop(peers);
    running.await.unwrap();
}

async fn an_announced_length_costs_nothing() {
    const ANNOUNCED: u32 = 16 << 20;
    let (ours, peer) = UnixStream::pair().unwrap();
    let mut peer = peer.into_std().unwrap();
    let codec = Echo::strict().with_limit(ANNOUNCED).unwrap();
    let line = tokio::spawn(Driver::standalone(ours, Mirror, codec, Settings::new(Heartbeat::off())));
    tokio::task::yield_now().await;
    let region = Region::new(ALLOCATOR);
    let mut sent = ANNOUNCED.to_be_bytes().to_vec();
    sent.push(Frame::DATA);
    sent.resize(100_000, 0);
    for (count, piece) in sent.chunks(10_000).enumerate() {
        peer.write_all(piece).unwrap();
        // The reactor is asked once in 61 turns at the latest.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let held = bytes(&region.change()) - isize::try_from(sent.capacity()).unwrap();
        let arrived = isize::try_from((count + 1) * 10_000).unwrap();
        // The frame's clock and the rare state besides.
        assert!(held >= arrived && held <= arrived + 4096 + 512, "{held} bytes for {arrived} that have arrived");
    }
    drop(peer);
    assert_eq!(line.await.unwrap().reason, Reason::PeerClosed);
}
