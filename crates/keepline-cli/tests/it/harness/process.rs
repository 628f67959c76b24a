//! Process: a child whose lines are read as they come, and which does not outlive its test.

use std::io::{Write as _, empty, pipe};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::PATIENCE;
use super::lines::{Line, Lines, Next};

/// A child process; killed, by its id, when this is dropped.
pub(crate) struct Process {
    name: String,
    out: Lines,
    err: Lines,
    input: Option<ChildStdin>,
    child: Owned,
}

/// What a process had printed when it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) err: Vec<String>,
}

/// A child that ends with its value.
struct Owned(Child);

impl Process {
    /// Starts it with pipes to all three streams; `name` is for messages.
    #[track_caller]
    pub(crate) fn spawn(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child(command);
        let out = Lines::of(child.0.stdout.take().expect("stdout is a pipe"));
        let err = Lines::of(child.0.stderr.take().expect("stderr is a pipe"));
        Self { name: name.to_owned(), out, err, input: child.0.stdin.take(), child }
    }

    /// As `spawn`, with both streams in one, so that their common order is seen: as `out`.
    #[track_caller]
    pub(crate) fn spawn_merged(name: &str, mut command: Command) -> Self {
        let (reader, writer) = pipe().expect("a pipe");
        command.stdout(writer.try_clone().expect("a second end of the pipe")).stderr(writer);
        let mut child = child(command);
        let input = child.0.stdin.take();
        Self { name: name.to_owned(), out: Lines::of(reader), err: Lines::of(empty()), input, child }
    }

    /// As `spawn`, with a stdout that nobody reads any more.
    #[track_caller]
    pub(crate) fn spawn_unread(name: &str, mut command: Command) -> Self {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        command.stdout(writer).stderr(Stdio::piped());
        let mut child = child(command);
        let err = Lines::of(child.0.stderr.take().expect("stderr is a pipe"));
        Self { name: name.to_owned(), out: Lines::of(empty()), err, input: child.0.stdin.take(), child }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child.0)
    }

    /// Sends a signal, and returns when that was: not later than the signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) -> Instant {
        let at = Instant::now();
        kill_process(self.pid(), signal).unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
        at
    }

    /// The next line of stdout; `None` at its end.
    #[track_caller]
    pub(crate) fn next_line(&self, by: Instant) -> Option<Line> {
        match self.out.next(by) {
            Next::Line(line) => Some(line),
            Next::End => None,
            Next::TimeOver => panic!("{} said nothing in time; {}", self.name, self.complaint()),
        }
    }

    /// The next line of stderr; `None` at its end, or if none came in time.
    pub(crate) fn next_complaint(&self, by: Instant) -> Option<Line> {
        match self.err.next(by) {
            Next::Line(line) => Some(line),
            Next::End | Next::TimeOver => None,
        }
    }

    /// Waits for a line on stdout that fits, and returns it.
    #[track_caller]
    pub(crate) fn out(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.wait_in(&self.out, what, fits)
    }

    /// Waits for a line on stderr that fits.
    #[track_caller]
    pub(crate) fn err(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.wait_in(&self.err, what, fits)
    }

    /// Writes a line to its stdin.
    #[track_caller]
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its stdin is open");
        if let Err(error) = writeln!(input, "{line}") {
            panic!("{} does not read {line:?}: {error}; {}", self.name, self.complaint());
        }
    }

    /// Closes its stdin, which some take for the word to end.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        let by = Instant::now() + within;
        while self.next_line(by).is_some() {}
        loop {
            if let Some(status) = self.child.0.try_wait().expect("our own child can be waited for") {
                return status;
            }
            assert!(Instant::now() < by, "{} does not end; {}", self.name, self.complaint());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has ended by itself, and returns all it said.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let status = self.wait(PATIENCE);
        Ended { code: status.code(), out: self.out.whole(), err: self.err.whole() }
    }

    /// Ends it as the kernel does, without a word.
    pub(crate) fn kill(mut self) {
        self.child.0.kill().expect("our own child can be killed");
        self.child.0.wait().expect("and waited for");
    }

    /// What it wrote to stderr.
    pub(crate) fn complaint(&self) -> String {
        let lines = self.err.so_far();
        format!("stderr of {}: {}", self.name, if lines.is_empty() { "(nothing)".into() } else { lines.join("\n") })
    }

    #[track_caller]
    fn wait_in(&self, lines: &Lines, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let by = Instant::now() + PATIENCE;
        let why = loop {
            match lines.next(by) {
                Next::Line(line) if fits(&line.text) => return line.text,
                Next::Line(_) => {}
                Next::End => break "before its end",
                Next::TimeOver => break "in time",
            }
        };
        panic!("{} said no {what} {why}, but {:#?}; {}", self.name, lines.so_far(), self.complaint());
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // It may have ended already. SIGKILL also ends what is stopped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn child(mut command: Command) -> Owned {
    Owned(command.stdin(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
}
