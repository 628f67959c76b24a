//! Serving: `keepline serve` as a process, which can be started again and again at the same ports.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, id};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use keepline_witness::Server;
use rustix::process::{Pid, Signal};

use crate::harness::{PATIENCE, Process};

/// Addresses of the test's own. Not at the addresses and ports that the kernel gives to outgoing connections: while the
/// server is down, one of these could take its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) server: Server,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let [high, middle, low] = [id() >> 16, id() >> 8, id()].map(|part| part.to_le_bytes()[0]);
        let port = 20_000 + 2 * NEXT.fetch_add(1, Ordering::Relaxed);
        let at = |port| ([127, 1 + high % 64, middle, low], port).into();
        Self { server: Server { http: at(port), tcp: at(port + 1) } }
    }
}

/// `keepline serve`. Killed when it is dropped.
pub(crate) struct Serving(Process);

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Whether it had said that it listens.
    pub(crate) listened: bool,
    pub(crate) killed: bool,
}

impl Serving {
    /// Starts one; `under` is what runs it: nothing, or strace with its flags.
    pub(crate) fn start(at: Place, data: &Path, under: &[&str], flags: &[&str]) -> Self {
        let keepline = env!("CARGO_BIN_EXE_keepline");
        let mut command = match under {
            [] => Command::new(keepline),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(keepline);
                command
            }
        };
        let Server { http, tcp } = at.server;
        // Crowds of one address, whose devices come again and again.
        command.args(["serve", "--limits", "proxied", "--logins-per-minute", "off"]);
        command.args(["--cim", "off", "--admin"]).arg(format!("{}:0", http.ip()));
        command.args(["--http", &http.to_string(), "--tcp", &tcp.to_string(), "--data"]).arg(data).args(flags);
        Self(Process::spawn("keepline serve", command))
    }

    /// As `start`, and waits until it listens.
    #[track_caller]
    pub(crate) fn listening(at: Place, data: &Path, under: &[&str], flags: &[&str]) -> Self {
        let serving = Self::start(at, data, under, flags);
        assert!(serving.listens(), "it does not listen: {:?}", serving.0.end());
        serving
    }

    /// Waits until it listens, or ends.
    pub(crate) fn listens(&self) -> bool {
        self.0.next_line(Instant::now() + PATIENCE).is_some_and(|line| says_it_listens(&line.text))
    }

    pub(crate) fn pid(&self) -> Pid {
        self.0.pid()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    /// Waits until it is killed, or ends otherwise.
    #[track_caller]
    pub(crate) fn end(mut self, within: Duration) -> End {
        let listened = self.listens();
        End { listened, killed: self.0.wait(within).signal() == Some(Signal::KILL.as_raw()) }
    }

    /// Ends it as the kernel does, without a word.
    pub(crate) fn kill(self) {
        self.0.kill();
    }
}

fn says_it_listens(line: &str) -> bool {
    line.starts_with("listening on")
}

/// What runs a server under strace, as our own child still. Not with its `--seccomp-bpf`, which would be faster: it does
/// not count the calls then.
pub(crate) fn injecting<'a>(calls: &'a str, inject: &'a str) -> [&'a str; 9] {
    ["strace", "-D", "-f", "-qqq", "-o/dev/null", "-e", calls, "-e", inject]
}
