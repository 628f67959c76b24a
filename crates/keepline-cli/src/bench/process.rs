//! A process for the time of a benchmark: it ends with its owner.

use std::{
    io::{self, BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};

use super::Pin;

/// A process that is killed (`SIGKILL`) and reaped when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    first: Option<Receiver<String>>,
}

impl Process {
    /// Starts the command on the server's core, and puts this thread on the load's.
    ///
    /// With `setpriv` (util-linux) the kernel ends the process when we are killed; without it, a kill leaves it behind.
    ///
    /// # Errors
    /// There is no such program, or the kernel refuses.
    pub(super) fn start(command: &[&str], pin: Pin) -> io::Result<Self> {
        let bound = ["setpriv", "--pdeathsig", "KILL"];
        let spawned = pin.on_server_core(|| match spawn(bound.iter().chain(command)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => spawn(command.iter()),
            other => other,
        });
        let mut child = spawned.map_err(io::Error::other)??;
        let first = child.stdout.take().map(first_line);
        Ok(Self { child, first })
    }

    /// The first line that it prints; `None` if none comes in time.
    pub(super) fn first_line(&mut self, within: Duration) -> Option<String> {
        self.first.take()?.recv_timeout(within).ok()
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Its input is a pipe that stays open: there are servers that end with their input. An allocator that takes memory in
/// pages of 2 MiB would round the slope of a few thousand lines by a quarter, so mimalloc is asked for small ones.
fn spawn<'a>(mut words: impl Iterator<Item = &'a &'a str>) -> io::Result<Child> {
    Command::new(words.next().unwrap_or(&""))
        .args(words)
        .env("MIMALLOC_ALLOW_THP", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
}

/// Reads the first line on a thread of its own, which then drains the rest: a full pipe would stop the server.
fn first_line(stdout: ChildStdout) -> Receiver<String> {
    let (send, receive) = sync_channel(1);
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout);
        let mut first = String::new();
        if lines.read_line(&mut first).is_ok_and(|length| length > 0) {
            let _ = send.send(first);
        }
        let _ = io::copy(&mut lines, &mut io::sink());
    });
    receive
}
