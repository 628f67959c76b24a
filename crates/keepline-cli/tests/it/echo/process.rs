//! Process: a run of the binary, its lines, its signals, its end. It is killed when the value is dropped.

use std::io::{BufRead as _, BufReader, Read, pipe};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_keepline");
/// Longer than anything here takes; a test that meets it has failed.
const LIMIT: Duration = Duration::from_secs(30);
/// Lines that may wait to be looked at.
const WAITING: usize = 10_000;

/// A run of the binary.
pub(crate) struct Process {
    child: Child,
    out: Lines,
    err: Lines,
}

/// The lines of one stream: those seen, and those to come.
struct Lines {
    coming: Receiver<String>,
    seen: Vec<String>,
}

/// What a process had printed when it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) err: Vec<String>,
}

/// A server, and where it listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Runs the binary with these arguments, separated by blanks.
    pub(crate) fn start(arguments: &str) -> Self {
        Self::run(command(arguments))
    }

    /// As `start`, by a shell that has run these commands before.
    pub(crate) fn start_after(commands: &str, arguments: &str) -> Self {
        let script = format!("{commands} && exec \"$0\" {arguments}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, BINARY]).env_remove("RUST_LOG").stdin(Stdio::null());
        Self::run(shell)
    }

    /// As `start`, with both streams in one, so that their common order is seen: as `out`.
    pub(crate) fn start_merged(arguments: &str) -> Self {
        let (reader, writer) = pipe().expect("a pipe");
        let second = writer.try_clone().expect("a second end of the pipe");
        let child = command(arguments).stdout(second).stderr(writer).spawn().expect("the binary runs");
        Self { child, out: Lines::of(reader), err: Lines::of(std::io::empty()) }
    }

    /// As `start`, with a stdout that nobody reads any more.
    pub(crate) fn start_unread(arguments: &str) -> Self {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let mut child = command(arguments).stdout(writer).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let err = Lines::of(child.stderr.take().expect("a pipe"));
        Self { child, out: Lines::of(std::io::empty()), err }
    }

    /// Waits for a line on stdout that fits, and returns it.
    pub(crate) fn out(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.out.wait(what, fits)
    }

    /// Waits for a line on stderr that fits.
    pub(crate) fn err(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.err.wait(what, fits)
    }

    /// Waits for the next event of this name.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        json(&self.out(name, |line| json(line)["event"] == name))
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("our own child takes signals");
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.wait();
        Ended { code: status.code(), out: self.out.rest(), err: self.err.rest() }
    }

    /// Ends it as the kernel does, without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("and waited for");
    }

    fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let out = Lines::of(child.stdout.take().expect("a pipe"));
        let err = Lines::of(child.stderr.take().expect("a pipe"));
        Self { child, out, err }
    }

    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child can be waited for") {
                return status;
            }
            assert!(start.elapsed() < LIMIT, "it does not end; stdout: {:#?}", self.out.seen);
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
    pub(crate) fn start(arguments: &str) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), arguments)
    }

    pub(crate) fn start_at(address: SocketAddr, arguments: &str) -> Self {
        let mut process = Process::start(&format!("echo serve --json --listen {address} {arguments}"));
        let address =
            process.event("listening")["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        Self { process, address }
    }

    /// Ends it in order.
    pub(crate) fn stop(self) -> Ended {
        self.process.signal(Signal::TERM);
        self.process.end()
    }
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, coming) = sync_channel(WAITING);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { coming, seen: Vec::new() }
    }

    #[track_caller]
    fn wait(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            match self.coming.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if fits(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in {LIMIT:?}: {:#?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {what}: {:#?}", self.seen),
            }
        }
    }

    /// All lines, to the end of the stream.
    fn rest(&mut self) -> Vec<String> {
        let mut lines = std::mem::take(&mut self.seen);
        lines.extend(self.coming.iter());
        lines
    }
}

/// The binary, without the settings of the person who runs the tests.
fn command(arguments: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments.split_whitespace()).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

#[track_caller]
fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is not JSON: {error}"))
}
