//! A server process for the time of a benchmark.

use std::{
    io::{self, BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};

use super::{
    Deadline, Error, Pin,
    contestant::{Contestant, Origin},
    proc, target,
};

/// The first line that a server prints, before its address.
const FIRST_WORDS: &str = "listening on ";

/// A server that takes connections. A process that we started ends with it.
#[derive(Debug)]
pub(crate) struct Server {
    /// The contestant's name.
    pub(crate) label: String,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Its process, if we may look into it.
    pub(crate) pid: Option<u32>,
    child: Option<Child>,
}

impl Server {
    /// Starts the contestant's command, or takes the target as it is.
    ///
    /// The command is run by `sh` with `exec` before it, so that the process that we measure and end is the server
    /// and no shell; a script must end in `exec` too.
    ///
    /// # Errors
    /// [`Error::Failed`] when the command ends, or prints something else than `listening on ADDR` first, or nothing;
    /// [`Error::Usage`] when that address is not on this machine.
    pub(crate) fn start(
        contestant: &Contestant,
        reader_idle: Duration,
        pin: Pin,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        let label = contestant.label.clone();
        let command = match (&contestant.origin, contestant.command(reader_idle)) {
            (Origin::Target(target), _) => {
                let (addr, pid) = (target.addr, target.pid);
                return Ok(Self { label, addr, pid, child: None });
            }
            (Origin::Command(_), command) => command.unwrap_or_default(),
        };
        let mut child = spawn(&command, pin)
            .map_err(|error| Error::Failed(format!("the command of {label} could not be run: {error}")))?;
        let stdout = child.stdout.take();
        let pid = Some(child.id());
        // From here on, any return ends the process.
        let mut server = Self { label, addr: SocketAddr::from(([0, 0, 0, 0], 0)), pid, child: Some(child) };
        let first = stdout.map(first_line).and_then(|line| line.recv_timeout(deadline.left()).ok());
        server.addr = server.announced(first.as_deref())?;
        Ok(server)
    }

    /// The address in the first line.
    fn announced(&self, first: Option<&str>) -> Result<SocketAddr, Error> {
        let wrong = |what: &str| {
            Error::Failed(format!(
                "{} {what}: its command must start a server whose first line is `{FIRST_WORDS}ADDRESS:PORT`",
                self.label
            ))
        };
        let first = first.ok_or_else(|| wrong("ended or kept silent instead of listening"))?;
        let addr = first.trim_end().strip_prefix(FIRST_WORDS).ok_or_else(|| wrong(&format!("printed {first:?}")))?;
        target::resolve(addr, false)
    }

    /// Waits until the server has given back the descriptors of closed lines, so that the next run starts alike.
    ///
    /// Gives up after a while, as a server may keep descriptors for good reasons.
    pub(crate) fn settle(&self, descriptors: Option<usize>, deadline: &Deadline) {
        const PAUSE: Duration = Duration::from_millis(10);
        // What a server may open for itself meanwhile, as a JVM its classes.
        const OWN: usize = 16;
        let (Some(pid), Some(before)) = (self.pid, descriptors) else {
            return;
        };
        for _ in 0..500 {
            let open = proc::open_files(pid).unwrap_or(0);
            if open <= before + OWN || deadline.left().is_zero() {
                return;
            }
            thread::sleep(PAUSE);
        }
    }

    /// How many descriptors it holds, if we may know.
    pub(crate) fn descriptors(&self) -> Option<usize> {
        proc::open_files(self.pid?).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself; either way it is reaped.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts the command on the server's core, and puts this thread on the load's.
///
/// With `setpriv` (util-linux) the kernel ends the server when we are killed; without it, a kill leaves it behind.
fn spawn(command: &str, pin: Pin) -> io::Result<Child> {
    let shell = ["sh", "-c", &format!("exec {command}")];
    let bound = ["setpriv", "--pdeathsig", "KILL"];
    let spawned = pin.on_server_core(|| match run(bound.iter().chain(&shell)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => run(shell.iter()),
        other => other,
    });
    spawned.map_err(io::Error::other)?
}

/// Its input is a pipe that stays open: there are servers that end with their input. An allocator that takes memory in
/// pages of 2 MiB would round the slope of a few thousand lines by a quarter, so mimalloc is asked for small ones.
fn run<'a>(mut words: impl Iterator<Item = &'a &'a str>) -> io::Result<Child> {
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
