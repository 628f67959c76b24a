//! Drives one echo line in memory, turn after turn, so that callgrind can count its instructions.
//!
//! `weigh line DEPTH TURNS` gives the real driver TURNS reads of DEPTH messages of 64 bytes each; `weigh clock READS`
//! reads the clock as the driver does; in these two nothing waits and no timer fires, so a run is the same every time.
//! `weigh ticks LINES CHECKS` lets the wheel look CHECKS times at each of silent lines, ten times a second. Built with
//! `--cfg keepline_unwatched` the driver keeps no time at all: the difference is what idle detection costs.

use std::future::Future as _;
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use keepline::wire::Codec as _;
use keepline::wire::echo::{Echo, Frame};
use keepline::{
    Driver, Duration, Flow, Handler, Settings, Transport, Turn,
    liveness::{Heartbeat, IdleEvent},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().skip(1).filter_map(|text| text.parse().ok()).collect();
    match (arguments.first().map(String::as_str), numbers.as_slice()) {
        (Some("line"), &[depth, turns]) if depth > 0 => line(depth, turns),
        (Some("clock"), &[reads]) => clock(reads),
        (Some("ticks"), &[lines, checks]) => ticks(lines, checks),
        _ => {
            eprintln!("usage: weigh line DEPTH TURNS | weigh clock READS | weigh ticks LINES CHECKS");
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

/// One check is a wake-up of the line's task, its look at its clocks, and its entry filed anew.
fn ticks(lines: usize, checks: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        // Shorter than a slot: each line is idle at each.
        let settings = Settings::new(Heartbeat::watch(Duration::from_millis(1)).expect("a valid limit"));
        let drive = || {
            let silence = Script { input: Vec::new(), turns: 1, given: true, written: 0 };
            tokio::spawn(Driver::standalone(silence, Patient { left: checks }, Echo::strict(), settings.clone()))
        };
        for line in (0..lines).map(|_| drive()).collect::<Vec<_>>() {
            line.await.expect("a line that ends by itself");
        }
    });
}

/// Keeps an idle line so many times.
struct Patient {
    left: usize,
}

impl Handler for Patient {
    type Codec = Echo;

    fn on_frame(&mut self, _: Frame<'_>, _: &mut Turn<'_, Echo>) -> Flow {
        Flow::Continue
    }

    fn on_idle(&mut self, _: IdleEvent, default: Flow, _: &mut Turn<'_, Echo>) -> Flow {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 { default } else { Flow::Continue }
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
        if self.given || self.input.is_empty() {
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
