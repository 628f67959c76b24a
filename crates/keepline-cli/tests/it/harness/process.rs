//! Process: a child whose lines are read as they come, and which does not outlive its test.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Lines that wait for the test; after that the child waits, as with any pipe.
const WAITING: usize = 1 << 16;
/// What is kept of stderr for the message of a failing test.
const COMPLAINT: usize = 8 << 10;

/// A child process; killed, by its id, when this is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    complaint: Arc<Mutex<String>>,
}

/// A line of stdout, and when it came.
pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

impl Process {
    /// Starts it with pipes to all three streams; `name` is for messages.
    #[track_caller]
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let (sender, lines) = sync_channel(WAITING);
        let output = child.stdout.take().expect("stdout is a pipe");
        thread::spawn(move || read_lines(output, &sender));
        let complaint = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&complaint);
        let errors = child.stderr.take().expect("stderr is a pipe");
        thread::spawn(move || keep_tail(errors, &kept));
        Self { name: name.to_owned(), input: child.stdin.take(), child, lines, complaint }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal, and returns when that was: not later than the signal.
    pub(crate) fn signal(&self, signal: Signal) -> Instant {
        let at = Instant::now();
        kill_process(self.pid(), signal).unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
        at
    }

    /// The next line of stdout; `None` at its end.
    #[track_caller]
    pub(crate) fn next_line(&self, by: Instant) -> Option<Line> {
        match self.lines.recv_timeout(by.saturating_duration_since(Instant::now())) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{} said nothing in time; {}", self.name, self.complaint()),
        }
    }

    /// Closes its stdin, which some take for the word to end.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        // Stdout ends with the process, and the wait for that has a deadline.
        let by = Instant::now() + within;
        while self.next_line(by).is_some() {}
        self.child.wait().expect("a child can be waited for")
    }

    /// The end of what it wrote to stderr.
    pub(crate) fn complaint(&self) -> String {
        let text = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        format!("stderr of {}: {}", self.name, if text.is_empty() { "(nothing)" } else { text.as_str() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already. SIGKILL also ends what is stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(output: impl Read, lines: &SyncSender<Line>) {
    for text in BufReader::new(output).lines() {
        let Ok(text) = text else { return };
        if lines.send(Line { at: Instant::now(), text }).is_err() {
            return;
        }
    }
}

fn keep_tail(mut errors: impl Read, kept: &Mutex<String>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = errors.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if kept.len() > COMPLAINT {
            let cut = kept.ceil_char_boundary(kept.len() - COMPLAINT);
            kept.drain(..cut);
        }
    }
}
