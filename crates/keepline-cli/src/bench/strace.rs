//! The system calls of a server, counted by `strace` while it is attached.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::Error;

/// An attached `strace`.
///
/// It slows the server down several times over, so nothing else is measured meanwhile.
#[derive(Debug)]
pub(crate) struct Trace {
    child: Child,
    output: BufReader<ChildStderr>,
}

impl Trace {
    /// Attaches to all threads of `pid`, and returns when that is done.
    ///
    /// # Errors
    /// [`Error::Failed`] when `strace` is not installed, or may not attach.
    pub(crate) fn attach(pid: u32) -> Result<Self, Error> {
        let mut child = Command::new("strace")
            .args(["-c", "-f", "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Error::io("--syscalls needs strace, which could not be run (install it)", error))?;
        let stderr = child.stderr.take().ok_or_else(|| Error::Failed("strace has no output".into()))?;
        let mut trace = Self { child, output: BufReader::new(stderr) };
        let mut said = String::new();
        while !said.contains(" attached") {
            let length = trace.output.read_line(&mut said).unwrap_or(0);
            if length == 0 {
                return Err(Error::Failed(format!(
                    "strace could not attach to the server ({}): run as root, or leave out --syscalls",
                    said.trim()
                )));
            }
        }
        Ok(trace)
    }

    /// Detaches, and returns how many calls there were.
    ///
    /// # Errors
    /// [`Error::Failed`] when the summary has a form that is not known.
    pub(crate) fn detach(mut self) -> Result<u64, Error> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::INT).map_err(|error| Error::io("strace could not be stopped", error))?;
        }
        let mut summary = String::new();
        self.output
            .read_to_string(&mut summary)
            .map_err(|error| Error::io("the summary of strace could not be read", error))?;
        parse_calls(&summary)
            .ok_or_else(|| Error::Failed(format!("the summary of strace has no line of the total: {summary:?}")))
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // After a detach it has ended already; then this reaps it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The calls in the last line: `100.00 0.123 2 4567 12 total`, the errors (12) left out when there are none.
fn parse_calls(summary: &str) -> Option<u64> {
    let total = summary.lines().rev().find(|line| line.trim_end().ends_with(" total"))?;
    total.split_ascii_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_with_and_without_errors() {
        let head = "strace: Process 7 detached\n% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n \
                    60.00    0.000600           1       600           recvfrom\n";
        for (total, want) in [
            ("100.00    0.001000           1       700           total\n", Some(700)),
            ("100.00    0.001000           1       701         3 total\n", Some(701)),
            ("", None),
        ] {
            assert_eq!(parse_calls(&format!("{head}{total}")), want);
        }
    }
}
