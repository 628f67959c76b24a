//! Process: a run of the binary by its arguments, and the events that it prints.

use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

pub(crate) use crate::harness::{Ended, Process};

const BINARY: &str = env!("CARGO_BIN_EXE_keepline");

/// A server, and where it listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Runs the binary with these arguments, separated by blanks.
    #[track_caller]
    pub(crate) fn start(arguments: &str) -> Self {
        Self::spawn(arguments, command(arguments))
    }

    /// As `start`, by a shell that has run these commands before.
    #[track_caller]
    pub(crate) fn start_after(commands: &str, arguments: &str) -> Self {
        let script = format!("{commands} && exec \"$0\" {arguments}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, BINARY]).env_remove("RUST_LOG");
        Self::spawn(arguments, shell)
    }

    /// As `start`, with both streams in one, so that their common order is seen: as `out`.
    #[track_caller]
    pub(crate) fn start_merged(arguments: &str) -> Self {
        Self::spawn_merged(arguments, command(arguments))
    }

    /// As `start`, with a stdout that nobody reads any more.
    #[track_caller]
    pub(crate) fn start_unread(arguments: &str) -> Self {
        Self::spawn_unread(arguments, command(arguments))
    }

    /// Waits for the next event of this name.
    #[track_caller]
    pub(crate) fn event(&self, name: &str) -> Value {
        json(&self.out(name, |line| json(line)["event"] == name))
    }
}

impl Ended {
    /// The events on stdout.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.out.iter().map(|line| json(line)).collect()
    }

    /// The counts of the last line.
    pub(crate) fn closed(&self) -> Value {
        let last = json(self.out.last().expect("a last line"));
        assert_eq!(last["event"], "closed", "{:#?}", self.out);
        last
    }
}

impl Server {
    /// A server in JSON on a free port.
    #[track_caller]
    pub(crate) fn start(arguments: &str) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), arguments)
    }

    #[track_caller]
    pub(crate) fn start_at(address: SocketAddr, arguments: &str) -> Self {
        let process = Process::start(&format!("echo serve --json --listen {address} {arguments}"));
        let address =
            process.event("listening")["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        Self { process, address }
    }

    /// Ends it in order.
    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.process.signal(Signal::TERM);
        self.process.end()
    }
}

/// The binary, without the settings of the person who runs the tests.
fn command(arguments: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments.split_whitespace()).env_remove("RUST_LOG");
    command
}

#[track_caller]
fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is not JSON: {error}"))
}
