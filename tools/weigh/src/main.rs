//! Drives one echo line in memory, turn after turn, so that callgrind can count its instructions.
//!
//! `weigh line DEPTH TURNS` gives the real driver TURNS reads of DEPTH messages of 64 bytes each; `weigh clock READS`
//! reads the clock as the driver does. Nothing waits and no timer fires, so a run is the same every time. Built with
//! `--cfg keepline_unwatched` the driver keeps no time at all: the difference is what idle detection costs.

use std::future::Future as _;
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use keepline::wire::Codec as _;
use keepline::wire::echo::{Echo, Frame};
use keepline::{Driver, Duration, Flow, Handler, Settings, Transport, Turn, liveness::Heartbeat};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().skip(1).filter_map(|text| text.parse().ok()).collect();
    match (arguments.first().map(String::as_str), numbers.as_slice()) {
        (Some("line"), &[depth, turns]) if depth > 0 => line(depth, turns),
        (Some("clock"), &[reads]) => clock(reads),
        _ => {
            eprintln!("usage: weigh line DEPTH TURNS | weigh clock READS");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn line(depth: usize, turns: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    let mut input = Vec::new();
    for _ in 0..depth {
        Echo::strict().encode(Frame::data(&[b'x'; 59]), &mut input).expect("a frame of 64 bytes");
    }
    let script = Script { input, turns, given: false, written: 0 };
    let settings = Settings::new(Heartbeat::watch(Duration::from_secs(10)).expect("a valid limit"));
    let mut driver = Driver::standalone(script, Mirror, Echo::strict(), settings);
    let mut cx = Context::from_waker(Waker::noop());
    // Each poll is one turn: a read of the script, then nothing more to read.
    while Pin::new(&mut driver).poll(&mut cx).is_pending() {}
}

fn clock(reads: usize) {
    let epoch = std::time::Instant::now();
    for _ in 0..reads {
        let since = tokio::time::Instant::now().into_std().saturating_duration_since(epoch);
        black_box(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// Sends every frame back.
struct Mirror;

impl Handler for Mirror {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        turn.reply(frame)
    }
}

/// A peer in memory: the same bytes at every other read, then the end.
struct Script {
    input: Vec<u8>,
    turns: usize,
    given: bool,
    written: usize,
}

impl Transport for Script {}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.given {
            self.given = false;
            return Poll::Pending;
        }
        if self.turns > 0 {
            self.turns -= 1;
            self.given = true;
            buf.put_slice(&self.input);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.written += buf.len();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
