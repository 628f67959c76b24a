//! Run with `cargo run -p keepline --example udp_monitor`: heartbeats where TCP keepalive can't go.
//!
//! Keepalive is bound to TCP. A [`Monitor`] is bound to nothing: it is told what happens and says what to do, so twenty
//! lines of loop watch a peer over datagrams. Here the peer answers three pings and then falls silent.

use std::io;
use std::sync::Arc;

use keepline::liveness::{Action, Heartbeat, Monitor};
use keepline::{Duration, Instant, Reason};
use tokio::net::UdpSocket;
use tokio::time;

/// Answers this many pings and then nothing more, as a host whose cable is out.
async fn mortal(socket: UdpSocket, answers: usize) -> io::Result<()> {
    let mut datagram = [0; 8];
    for _ in 0..answers {
        let (length, from) = socket.recv_from(&mut datagram).await?;
        socket.send_to(&datagram[..length], from).await?;
    }
    // The socket stays open: a closed one would be told on by the kernel.
    std::future::pending().await
}

/// Watches the peer until it is dead; how long after the last byte that was, and why.
async fn watch(socket: &UdpSocket, heartbeat: Heartbeat) -> io::Result<(Reason, Duration)> {
    let start = time::Instant::now();
    let now = || Instant::START + start.elapsed().into();
    let mut monitor = Monitor::new(Arc::new(heartbeat), now(), 1);
    let mut last_in = now();
    let mut datagram = [0; 4];
    loop {
        let due = monitor.deadline().map_or(time::Duration::MAX, |due| due.since(now()).to_std());
        tokio::select! {
            received = socket.recv(&mut datagram) => {
                received?;
                last_in = now();
                monitor.on_read(last_in);
                let round_trip = monitor.on_pong(last_in, Some(u32::from_be_bytes(datagram)));
                println!("pong, round trip {}", round_trip.unwrap_or_default());
            }
            () = time::sleep(due) => match monitor.on_timeout(now()) {
                Action::None => {}
                Action::Ping(nonce) => {
                    socket.send(&nonce.to_be_bytes()).await?;
                    monitor.on_write(now());
                    println!("ping");
                }
                Action::Suspect => println!("no pong yet"),
                Action::Idle(_) => return Ok((Reason::Silent, now().since(last_in))),
                Action::Close(reason) => return Ok((reason, now().since(last_in))),
            },
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let peer = UdpSocket::bind("127.0.0.1:0").await?;
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(peer.local_addr()?).await?;
    drop(tokio::spawn(mortal(peer, 3)));
    let heartbeat = Heartbeat::client(Duration::from_millis(100), Duration::from_millis(100))?;
    let (reason, after) = watch(&socket, heartbeat).await?;
    println!("down: {reason}, {} ms after the last datagram", after.as_millis());
    Ok(())
}
